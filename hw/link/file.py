"""A link into a file, for a device whose output is kept instead of shown; it never answers."""

import contextlib
import os
from pathlib import Path

from hw.errors import LinkLost, NotSent


class FileLink:
    """Appends everything written to a file, or to a device file that cannot be read from."""

    is_one_way = True

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise NotSent(f"cannot open file://{path}: {error}") from error
        self._is_open = True

    def write(self, data: bytes, deadline_s: float) -> None:
        """Appends `data`; a file takes it at once, so the deadline plays no part. Raises `LinkLost`."""
        if not self._is_open:
            raise LinkLost(f"file://{self._path}: closed")
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise LinkLost(f"file://{self._path}: {error}") from error

    def read(self, maximum: int, deadline_s: float) -> bytes:
        """Times out at once: a file says nothing."""
        return b""

    def drain_input(self) -> None:
        """Has nothing to drain."""

    def close(self) -> None:
        """Closes the file."""
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
