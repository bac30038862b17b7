"""RSA moduli that must not be certified; and no false alarm."""

import math
import random

import pytest
from authority_desk import Desk
from cryptography.hazmat.primitives.asymmetric import rsa
from rebuilt_message import change_request, rebuild, set_field, verdict
from test_authority_refusals import spki

from kiosk.authority.embedded.weak_key import modulus_weakness
from kiosk.authority.message import BodyKind


def is_prime(number: int, rng: random.Random) -> bool:
    """Miller and Rabin."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(16):
        power = pow(rng.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def next_prime(number: int, rng: random.Random) -> int:
    number |= 1
    while not is_prime(number, rng):
        number += 2
    return number


def roca_prime(bits: int, rng: random.Random) -> int:
    """A prime as the flawed library made it: k * M + (65537^a mod M), M being the primorial of 39 or more primes."""
    primorial = math.prod(p for p in range(2, 168) if all(p % d for d in range(2, p)))
    while True:
        k = rng.getrandbits(bits - primorial.bit_length())
        candidate = k * primorial + pow(65537, rng.getrandbits(64), primorial)
        if candidate.bit_length() == bits and is_prime(candidate, rng):
            return candidate


@pytest.fixture(scope="module")
def rng() -> random.Random:
    return random.Random(2017_15361)


def test_the_flawed_generators_keys_are_known(rng: random.Random) -> None:
    assert "ROCA" in (modulus_weakness(roca_prime(512, rng) * roca_prime(512, rng)) or "")


def test_primes_next_to_each_other_are_found(rng: random.Random) -> None:
    first = next_prime(rng.getrandbits(512) | 1 << 511, rng)
    assert "close" in (modulus_weakness(first * next_prime(first + 2, rng)) or "")


@pytest.mark.parametrize("factor", [2, 3, 751])
def test_a_small_factor_is_found(factor: int, rng: random.Random) -> None:
    assert "small factor" in (modulus_weakness(factor * next_prime(rng.getrandbits(1024), rng)) or "")


def test_good_keys_are_not_suspected(keys: list[rsa.RSAPrivateKey]) -> None:
    assert [modulus_weakness(key.public_key().public_numbers().n) for key in keys] == [None, None]


def test_a_key_with_the_flaw_is_refused_for_a_resident(desk: Desk, rng: random.Random) -> None:
    p, q = roca_prime(1024, rng), roca_prime(1024, rng)
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    key = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()
    change = change_request(lambda request: set_field(public_key=spki(key))(request.cert_template), key)
    response = desk.responder.respond(rebuild(desk.message().der, desk.station, body=change))
    assert verdict(response) == (BodyKind.IP, "badCertTemplate")
