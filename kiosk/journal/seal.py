"""Seals the personal data of a case: AES-256-GCM under a key of its own, wrapped by the station's key.

Destroying a case's wrapped key makes all its personal data unreadable, in backups too.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

_KEY_LENGTH = 32
_NONCE_LENGTH = 12


class Seal:
    """Seals and opens the records of one case; its key is unwrapped when the first record is.

    Both raise `keywrap.InvalidUnwrap` when the case is another station's.
    """

    def __init__(self, unwrap: Callable[[], bytes], random_bytes: Callable[[int], bytes]) -> None:
        self._unwrap = unwrap
        self._random_bytes = random_bytes

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self._unwrap())

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
        return aes_key_wrap(self._key, self._random_bytes(_KEY_LENGTH))

    def seal(self, wrapped: bytes) -> Seal:
        """The seal of a case from its wrapped key."""
        return Seal(lambda: aes_key_unwrap(self._key, wrapped), self._random_bytes)


def load_station_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> StationKey:
    """Reads the station's key, making it first where there is none yet. Raises `ValueError` for a damaged file."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        _make_once(path, random_bytes(_KEY_LENGTH))
        key = path.read_bytes()
    if len(key) != _KEY_LENGTH:
        raise ValueError(f"{path}: a station key has {_KEY_LENGTH} bytes, this file has {len(key)}")
    return StationKey(key, random_bytes)


def _make_once(path: Path, content: bytes) -> None:
    """Makes a private file that is whole and durable, unless another process was faster."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces: nothing but damage to the disk can lose a key.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
