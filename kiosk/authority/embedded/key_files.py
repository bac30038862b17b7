"""Files that are made once, and durable; those that hold secrets for their owner only."""

import os
from pathlib import Path


def write_secret(path: Path, content: bytes) -> None:
    """Writes a file that was not there. Raises `FileExistsError`."""
    write_durably(path, content, 0o600)


def write_durably(path: Path, content: bytes, mode: int = 0o644) -> None:
    """The same with something that everybody may read. Raises `FileExistsError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
