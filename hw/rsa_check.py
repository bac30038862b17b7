"""Whether an RSA public key that a card shows is one, and can come from a sound key generation (SP 800-89, 5.3.3).

A card cannot be looked into; what can be seen from outside is a modulus that is easy to factor.
"""

import math

from hw.errors import CardAnswerInvalid
from hw.ports import RsaPublicKey

MODULUS_BYTES = 256
"""Of RSA-2048; a signature has as many."""

_EXPONENT, _SMALLEST_EXPONENT = 65537, 3
_SMALL_PRIMES = [n for n in range(3, 752, 2) if all(n % m for m in range(3, math.isqrt(n) + 1, 2))]
_SMALL_PRIMES_PRODUCT = math.prod(_SMALL_PRIMES)

_FERMAT_ROUNDS = 64
"""Primes that differ in their upper halves are not found in any number of rounds; neighbours are in the first."""

_ROCA_PRIMES = tuple(prime for prime in _SMALL_PRIMES if prime <= 167)
_ROCA_GENERATOR = 65537


def rsa_2048(modulus: bytes, exponent: bytes) -> RsaPublicKey:
    """The key of these numbers, big-endian. Raises `CardAnswerInvalid` for what is no public key of RSA-2048 at all."""
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    if len(modulus) != MODULUS_BYTES or not is_rsa_2048(n, e):
        raise CardAnswerInvalid("the card's public key is not one of RSA with 2048 bits")
    return RsaPublicKey(n, e)


def is_rsa_2048(modulus: int, exponent: int) -> bool:
    """Whether the two can be a public key with 2048 bits (RFC 8017, 3.1: both odd, 3 <= e < n)."""
    is_exponent = _SMALLEST_EXPONENT <= exponent < modulus and exponent % 2 == 1
    return is_exponent and modulus.bit_length() == 8 * MODULUS_BYTES and modulus % 2 == 1


def refuse_weak(key: RsaPublicKey) -> None:
    """Raises `CardAnswerInvalid`, which says what is wrong with the key."""
    n = key.modulus
    if key.exponent != _EXPONENT:
        raise CardAnswerInvalid("the card's key has another public exponent than 65537")
    if n % 2 == 0 or math.gcd(n, _SMALL_PRIMES_PRODUCT) != 1:
        raise CardAnswerInvalid("the card's modulus has a small factor")
    if _is_power_residue_everywhere(n):
        raise CardAnswerInvalid("the card's key has the marks of a faulty prime generation (CVE-2017-15361)")
    if _has_neighbouring_primes(n):
        raise CardAnswerInvalid("the card's modulus is the product of two neighbouring primes")


def _has_neighbouring_primes(n: int) -> bool:
    """Fermat's method: n = a² - b² for a just above the root of n."""
    a = math.isqrt(n - 1) + 1
    for _ in range(_FERMAT_ROUNDS):
        rest = a * a - n
        if math.isqrt(rest) ** 2 == rest:
            return True
        a += 1
    return False


def _is_power_residue_everywhere(n: int) -> bool:
    """Whether n is a power of 65537 modulo each of the small primes, as with the keys of one maker's library."""
    return all(n % prime in _POWERS[prime] for prime in _ROCA_PRIMES)


_POWERS = {prime: {pow(_ROCA_GENERATOR, power, prime) for power in range(prime)} for prime in _ROCA_PRIMES}
