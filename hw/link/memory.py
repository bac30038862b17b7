"""A link to a simulated device in the same process: a null modem without a wire."""

from typing import Protocol

from hw.errors import LinkLost


class Core(Protocol):
    """A simulated device as a pure function over its own state."""

    def feed(self, chunk: bytes) -> bytes:
        """Takes bytes and returns what the device answers; `feed(b"")` asks what it says of its own accord."""
        ...


class MemoryLink:
    """Joins a driver to a simulated core; nothing ever takes time, so a read without data times out at once."""

    is_one_way = False

    def __init__(self, core: Core) -> None:
        self._core = core
        self._arrived = bytearray()
        self._is_open = True

    def write(self, data: bytes, deadline_s: float) -> None:
        """Feeds the core and keeps its answer for reading."""
        self._require_open()
        self._arrived += self._core.feed(data)

    def read(self, maximum: int, deadline_s: float) -> bytes:
        """What the core has answered, or says now."""
        self._require_open()
        if not self._arrived:
            self._arrived += self._core.feed(b"")
        data = bytes(self._arrived[:maximum])
        del self._arrived[:maximum]
        return data

    def drain_input(self) -> None:
        """Forgets what the core has answered and what it says now."""
        self._require_open()
        self._core.feed(b"")
        self._arrived.clear()

    def close(self) -> None:
        """Unplugs the core, which keeps its state."""
        self._is_open = False

    def _require_open(self) -> None:
        if not self._is_open:
            raise LinkLost("sim: closed")
