"""A secret key of 32 bytes in a file of its own: made once, durable before it is used, never overwritten."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

KEY_LENGTH = 32


class KeyDamaged(ValueError):
    """A file is there and holds no key; the message names it."""


def load_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> bytes:
    """Reads a key, making it first where there is none yet. Raises `KeyDamaged`."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        _make_once(path, random_bytes(KEY_LENGTH))
        key = path.read_bytes()
    if len(key) != KEY_LENGTH:
        raise KeyDamaged(f"{path}: a key has {KEY_LENGTH} bytes, this file has {len(key)}")
    return key


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
