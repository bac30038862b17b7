"""Who works with a station's data folder: one program at a time, which alone writes there."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DataInUse(Exception):
    """Another program works with this data folder: a running kiosk, or another command."""


@contextmanager
def hold_data(data: Path) -> Iterator[None]:
    """Makes the data folder and keeps other programs out of it until the block ends. Raises `DataInUse`."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise DataInUse(f"{data} is in use by another kiosk process") from error
    try:
        yield
    finally:
        os.close(descriptor)
