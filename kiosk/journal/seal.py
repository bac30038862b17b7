"""Seals the personal data of a case: AES-256-GCM under a key of its own, wrapped by the station's key.

Destroying a case's wrapped key makes all its personal data unreadable, in backups too.
"""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

_NONCE_LENGTH = 12


class Seal:
    """Seals and opens the records of one case."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def close(self, plain: bytes, label: str) -> bytes:
        """Encrypts; `label` is authenticated with it, so that a record cannot be moved to another place."""
        nonce = self._random_bytes(_NONCE_LENGTH)
        return nonce + self._cipher.encrypt(nonce, plain, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes:
        """Decrypts. Raises `cryptography.exceptions.InvalidTag` for another key or label."""
        return self._cipher.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], label.encode())


class StationKey:
    """The key (32 bytes) under which a station wraps the keys of its cases."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._key = key
        self._random_bytes = random_bytes

    def new_case_key(self) -> bytes:
        """A fresh wrapped key, to be stored beside the case."""
        return aes_key_wrap(self._key, self._random_bytes(32))

    def seal(self, wrapped: bytes) -> Seal:
        """The seal of a case from its wrapped key. Raises `keywrap.InvalidUnwrap` for another station's."""
        return Seal(aes_key_unwrap(self._key, wrapped), self._random_bytes)


def load_station_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> StationKey:
    """Reads the station's key, making it first where there is none yet. Raises `ValueError` for a damaged file."""
    try:
        descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if not path.exists():
            with os.fdopen(descriptor, "wb") as file:
                file.write(random_bytes(32))
                file.flush()
                os.fsync(file.fileno())
            os.link(path.with_suffix(".new"), path)
        else:
            os.close(descriptor)
        path.with_suffix(".new").unlink()
    except FileExistsError:
        path.with_suffix(".new").unlink()
    key = path.read_bytes()
    if len(key) != 32:
        raise ValueError(f"{path}: a station key has 32 bytes, this file has {len(key)}")
    return StationKey(key, random_bytes)
