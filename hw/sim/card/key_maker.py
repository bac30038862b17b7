"""Where a card's RSA key pairs come from: good ones, and for tests ones that are not what they should be."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa

MakeKey = Callable[[], rsa.RSAPrivateKey]


def make_rsa_2048() -> rsa.RSAPrivateKey:
    """A fresh RSA-2048 key pair with e=65537."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class KeyMaker:
    """Makes RSA-2048 keys: good ones with `make`, weak ones while `is_weak`.

    While `lies` the card shows the public key of another key than the one it has made.
    """

    make: MakeKey
    is_weak: bool = False
    lies: bool = False

    def __call__(self) -> rsa.RSAPrivateKey:
        """A new key pair."""
        return _neighbouring_primes() if self.is_weak else self.make()

    def shown(self, key: rsa.RSAPrivateKey) -> rsa.RSAPrivateKey:
        """The key whose public half is shown for `key`."""
        return rsa.generate_private_key(65537, key.key_size) if self.lies else key


def _neighbouring_primes() -> rsa.RSAPrivateKey:
    """A key that Fermat's method factors at once; it passes every check that does not look for that."""
    while True:
        p = rsa.generate_private_key(65537, 2048).private_numbers().p
        q = p + 2
        while not _is_prime(q) or (q - 1) % 65537 == 0:
            q += 2
        if (p * q).bit_length() == 2048:
            break
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), public)
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


_SMALL = [n for n in range(3, 2000, 2) if all(n % m for m in range(3, int(n**0.5) + 1, 2))]


def _is_prime(n: int) -> bool:
    if any(n % small == 0 for small in _SMALL):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(8):
        x = pow(secrets.randbelow(n - 3) + 2, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
