"""A secret key of 32 bytes in a file of its own: made once, durable before it is used, never overwritten."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

KEY_LENGTH = 32


def load_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> bytes:
    """Reads a key, making it first where there is none yet. Raises `ValueError` for a damaged file."""
    if not path.exists():
        _make(path, random_bytes(KEY_LENGTH))
    key = path.read_bytes()
    if len(key) != KEY_LENGTH:
        raise ValueError(f"{path}: a key has {KEY_LENGTH} bytes, this file has {len(key)}")
    return key


def _make(path: Path, key: bytes) -> None:
    fresh = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        # A link, because it fails where another process was faster; that process's key is the one.
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
