"""A sealed record as the standards write it down, opened and judged without the product's own code."""

import hashlib
import hmac
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from hypothesis import given
from hypothesis import strategies as st

from kiosk.journal.seal import StationKey, load_station_key

KEY = bytes(range(32))


@given(st.binary(max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_a_record_is_its_nonce_and_aes_gcm_over_salt_and_plain(plain: bytes, label: str, beside: str) -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes([len(asked)]) * count

    seal = StationKey(bytes(32), random_bytes).seal_of(lambda: KEY)
    sealed, commitment = seal.close(plain, label, beside)
    # NIST SP 800-38D, 8.2: a nonce of 96 bits.
    salt, nonce = b"\x01" * 16, b"\x02" * 12
    assert asked == [16, 12]
    assert sealed[:12] == nonce
    assert AESGCM(KEY).decrypt(nonce, sealed[12:], label.encode()) == salt + plain
    committed = b"\0".join([label.encode(), plain] + ([beside.encode()] if beside else []))
    assert commitment == hmac.digest(salt, committed, hashlib.sha256).hex() == seal.commitment(sealed, label, beside)
    assert seal.open(sealed, label) == plain
    with pytest.raises(InvalidTag):
        seal.open(sealed, label + "x")


def test_every_seal_of_a_station_takes_its_nonces_from_where_the_station_does() -> None:
    def random_bytes(count: int) -> bytes:
        return b"\x07" * count

    key = StationKey(bytes(32), random_bytes)
    wrapped = key.new_case_key()
    assert aes_key_unwrap(bytes(32), wrapped) == b"\x07" * 32
    for seal in (key.seal(wrapped), key.seal_of(lambda: KEY)):
        assert seal.close(b"", "label").sealed[:12] == b"\x07" * 12


def test_a_stations_key_and_what_it_makes_come_from_where_its_chance_does(tmp_path: Path) -> None:
    def chance(count: int) -> bytes:
        return bytes(range(count))

    key = load_station_key(tmp_path / "station.key", chance)
    assert (tmp_path / "station.key").read_bytes() == chance(32)
    assert aes_key_unwrap(chance(32), key.new_case_key()) == chance(32)
