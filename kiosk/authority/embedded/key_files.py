"""Files and folders that are made once, by one process, and durable; those that hold secrets for their owner only."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.durable import sync


def write_secret(path: Path, content: bytes) -> None:
    """Writes a file that was not there. Raises `FileExistsError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_durable(folder: Path) -> None:
    """Everything in a folder is found there after a power cut."""
    for path in (*folder.rglob("*"), folder):
        sync(path)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Waits until no other process of this computer is in such a block for the same folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
