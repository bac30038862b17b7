"""Seals the personal data of a case: AES-256-GCM under a key of its own, wrapped by the station's key.

Where a clerk's station is named, it has a copy of that key (`kiosk.journal.escrow`), and the wrapped one goes when the
case ends. Destroying both makes all personal data unreadable, but for copies of the store from before. Every
record begins with a random salt, so that the commitment to it in the journal tells nothing about it, least of all once
the record with its salt cannot be read any more.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from kiosk.journal.key_file import KEY_LENGTH, load_key

_NONCE_LENGTH = 12
_SALT_LENGTH = 16


class SealDestroyed(Exception):
    """The records of this case were made unreadable when the time to keep them was over."""


class SealedElsewhere(Exception):
    """The case has ended, and only the clerk's station can read its records."""


class SealedRecord(NamedTuple):
    """A sealed record, and the commitment to it (HMAC-SHA256 under its salt, in hex) for the journal."""

    sealed: bytes
    commitment: str


class Seal:
    """Seals and opens the records of one case; its key is unwrapped when the first record is.

    A record's `label` is authenticated with it, so that it cannot be moved to another place of its case. Where the
    key was destroyed, everything but asking raises `SealDestroyed`; where only another station has it (its name is
    `elsewhere`), `SealedElsewhere`; where a key does not open, `keywrap.InvalidUnwrap` or `EscrowUnopened`.
    """

    def __init__(
        self, unwrap: Callable[[], bytes] | None, random_bytes: Callable[[int], bytes], elsewhere: str | None = None
    ) -> None:
        self._unwrap = unwrap
        self._random_bytes = random_bytes
        self.elsewhere = elsewhere

    @property
    def is_destroyed(self) -> bool:
        """Whether nobody can read anything any more."""
        return self._unwrap is None and self.elsewhere is None

    @cached_property
    def key(self) -> bytes:
        """The case's key, for whoever may read it as well."""
        if self._unwrap is not None:
            return self._unwrap()
        if self.elsewhere is not None:
            raise SealedElsewhere(f"the records of this case are sealed to station {self.elsewhere}")
        raise SealDestroyed("the records of this case were destroyed")

    def close(self, plain: bytes, label: str, beside: str = "") -> SealedRecord:
        """Encrypts a record; the commitment covers `beside` too, which is stored in clear and has to stay as it is."""
        salt, nonce = self._random_bytes(_SALT_LENGTH), self._random_bytes(_NONCE_LENGTH)
        sealed = nonce + self._cipher.encrypt(nonce, salt + plain, label.encode())
        return SealedRecord(sealed, _commitment(salt, plain, label, beside))

    def open(self, sealed: bytes, label: str) -> bytes:
        """Decrypts a record. Raises `cryptography.exceptions.InvalidTag` for another key or label."""
        return self._decrypt(sealed, label)[_SALT_LENGTH:]

    def commitment(self, sealed: bytes, label: str, beside: str = "") -> str:
        """The commitment to a sealed record and what stands beside it; raises as `open` does."""
        salted = self._decrypt(sealed, label)
        return _commitment(salted[:_SALT_LENGTH], salted[_SALT_LENGTH:], label, beside)

    def _decrypt(self, sealed: bytes, label: str) -> bytes:
        return self._cipher.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], label.encode())

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.key)


class StationKey:
    """The key (32 bytes) under which a station wraps the keys of its cases."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._key = key
        self._random_bytes = random_bytes

    def new_case_key(self) -> bytes:
        """A fresh wrapped key, to be stored beside the case."""
        return aes_key_wrap(self._key, self._random_bytes(KEY_LENGTH))

    def seal(self, wrapped: bytes | None) -> Seal:
        """The seal of a case from its wrapped key, None when that was destroyed."""
        return Seal(None if wrapped is None else lambda: aes_key_unwrap(self._key, wrapped), self._random_bytes)

    def seal_elsewhere(self, station: str) -> Seal:
        """The seal of a case that only another station can read."""
        return Seal(None, self._random_bytes, station)

    def seal_of(self, key: Callable[[], bytes]) -> Seal:
        """The seal of a case whose key is had otherwise than from its wrapped one."""
        return Seal(key, self._random_bytes)


def load_station_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> StationKey:
    """Reads the station's key, making it first where there is none yet. Raises `KeyDamaged`."""
    return StationKey(load_key(path, random_bytes), random_bytes)


def _commitment(salt: bytes, plain: bytes, label: str, beside: str) -> str:
    # No label has a NUL, and no record, which is JSON.
    parts = [label.encode(), plain, *([beside.encode()] if beside else [])]
    return hmac.new(salt, b"\x00".join(parts), hashlib.sha256).hexdigest()
