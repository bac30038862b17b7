"""Has what was written found there after a power cut (fsync(2))."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """What was written to a file, or which names a folder holds, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
