"""RSA moduli that must not be certified, although they have the right size."""

import math

_SMALL_PRIMES = tuple(p for p in range(3, 752) if all(p % d for d in range(2, math.isqrt(p) + 1)))
_SMALL_PRODUCT = math.prod(_SMALL_PRIMES)

_ROCA_PRIMES = tuple(p for p in _SMALL_PRIMES if p <= 167)
"""The primes of the primorial of which the flawed library's primes have a known form."""

_ROCA_RESIDUES = tuple(frozenset(pow(65537, k, p) for k in range(p - 1)) for p in _ROCA_PRIMES)

_FERMAT_ROUNDS = 16


def modulus_weakness(modulus: int) -> str | None:
    """What is wrong with an RSA modulus, None when nothing is found.

    ROCA (CVE-2017-15361, Nemec et al., "The Return of Coppersmith's Attack", section 2): every prime of the flawed
    library is a power of 65537 modulo small primes, hence so is the modulus; of others one in 2^27 is by chance.
    """
    if modulus % 2 == 0 or math.gcd(modulus, _SMALL_PRODUCT) != 1:
        return "the modulus has a small factor"
    if all(modulus % p in residues for p, residues in zip(_ROCA_PRIMES, _ROCA_RESIDUES, strict=True)):
        return "the key comes from a generator with a known flaw (ROCA)"
    # Two primes next to each other (Fermat, CVE-2022-26320).
    root = math.isqrt(modulus - 1) + 1
    for candidate in range(root, root + _FERMAT_ROUNDS):
        rest = candidate * candidate - modulus
        if math.isqrt(rest) ** 2 == rest:
            return "the two primes of the key are too close to each other"
    return None
