"""Files that hold secrets: made once, for their owner only, and durable."""

import os
from pathlib import Path


def write_secret(path: Path, content: bytes) -> None:
    """Writes a file that was not there. Raises `FileExistsError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
