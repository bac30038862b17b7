"""A link over a non-blocking file descriptor: one loop of waiting, writing and reading for terminals and sockets."""

import os
import select
import time
from collections.abc import Callable

from hw.errors import LinkLost, NotSent, OutcomeUnknown

_CHUNK = 4096


class DescriptorLink:
    """A two-way link over `descriptor`, which must be non-blocking; `release` closes it and whatever belongs to it.

    `name` is the link's url, for messages. Waiting by poll(2) instead of the timeouts of pyserial and socket gives both
    the same deadlines, and a stalled device can never block longer than that.
    """

    is_one_way = False

    def __init__(
        self,
        descriptor: int,
        name: str,
        release: Callable[[], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._descriptor = descriptor
        self._name = name
        self._release = release
        self._monotonic = monotonic
        self._is_open = True

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hands all of `data` to the operating system; see `Link.write`."""
        rest = memoryview(data)
        while rest:
            if not self._wait(select.POLLOUT, deadline_s):
                if len(rest) == len(data):
                    raise NotSent(f"{self._name}: takes no data")
                raise OutcomeUnknown(f"{self._name}: stalled after {len(data) - len(rest)} of {len(data)} bytes")
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise LinkLost(f"{self._name}: {error}") from error

    def read(self, maximum: int, deadline_s: float) -> bytes:
        """What has arrived; see `Link.read`."""
        while self._wait(select.POLLIN, deadline_s):
            try:
                data = os.read(self._descriptor, maximum)
            except BlockingIOError:
                continue
            except OSError as error:
                raise LinkLost(f"{self._name}: {error}") from error
            if not data:
                raise LinkLost(f"{self._name}: hung up")
            return data
        return b""

    def drain_input(self) -> None:
        """Reads until nothing is left; tcflush would raise `termios.error`, no OSError, on an unplugged port."""
        while self.read(_CHUNK, deadline_s=self._monotonic()):
            pass

    def close(self) -> None:
        """Releases the descriptor; safe on a device that is gone."""
        if self._is_open:
            self._is_open = False
            self._release()

    def _wait(self, event: int, deadline_s: float) -> bool:
        """Whether `event`, or a hang-up to be found out by trying, comes before the deadline."""
        if not self._is_open:
            raise LinkLost(f"{self._name}: closed")
        poll = select.poll()
        poll.register(self._descriptor, event)
        return bool(poll.poll(max(0.0, deadline_s - self._monotonic()) * 1000))
