"""A link to a serial port that a terminal server shares over the network (RFC 2217); pyserial speaks the protocol."""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from hw.errors import LinkLost, NotSent, OutcomeUnknown
from hw.link.serial_port import SerialLine, open_rfc2217_port

_POLL_S = 0.002  # pyserial's reader thread fills a queue on which nobody can wait for the first of several bytes


class Port(Protocol):
    """What is used of pyserial's port, opened without a read timeout."""

    def read(self, size: int = 1) -> bytes:
        """What is there, at most `size` bytes."""
        ...

    def write(self, data: bytes) -> int | None:
        """Sends everything."""
        ...

    def close(self) -> None:
        """Hangs up."""
        ...


class Rfc2217Link:
    """A link over `port`; `name` is the link's url, for messages."""

    is_one_way = False

    def __init__(
        self,
        port: Port,
        name: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._port = port
        self._name = name
        self._monotonic = monotonic
        self._pause = pause
        self._is_open = True
        self._writer = ThreadPoolExecutor(1, f"{name} writer")

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hands all of `data` to the server; see `Link.write`.

        pyserial has a limit of its own, five seconds, and nothing to stop it by: it writes in a thread here, and a
        server that takes no more by the deadline is hung up on, so that nothing of `data` follows later.
        """
        self._require_open()
        if not data:
            return
        if self._monotonic() >= deadline_s:
            raise NotSent(f"{self._name}: no time is left")
        writing = self._writer.submit(self._port.write, data)
        try:
            writing.result(max(0.0, deadline_s - self._monotonic()))
        except TimeoutError as error:
            if not writing.done():
                self._hang_up()
            raise OutcomeUnknown(f"{self._name}: stalled") from error
        except (OSError, ValueError) as error:
            raise LinkLost(f"{self._name}: {error}") from error

    def read(self, maximum: int, deadline_s: float) -> bytes:
        """What has arrived; see `Link.read`."""
        self._require_open()
        while True:
            try:
                data = self._port.read(maximum)
            except (OSError, ValueError) as error:
                raise LinkLost(f"{self._name}: {error}") from error
            if data or self._monotonic() >= deadline_s:
                return data
            self._pause(min(_POLL_S, max(0.0, deadline_s - self._monotonic())))

    def drain_input(self) -> None:
        """Reads until nothing is left; see `Link.drain_input`."""
        while self.read(4096, self._monotonic()):
            pass

    def close(self) -> None:
        """Hangs up; safe when the server has gone."""
        if self._is_open:
            self._is_open = False
            self._release()

    def _hang_up(self) -> None:
        """Closes without waiting for a server that does not move, as pyserial would for seconds."""
        self._is_open = False
        threading.Thread(target=self._release, name=f"{self._name} hanging up", daemon=True).start()

    def _release(self) -> None:
        self._writer.shutdown(wait=False)
        with contextlib.suppress(OSError, ValueError):
            self._port.close()

    def _require_open(self) -> None:
        if not self._is_open:
            raise LinkLost(f"{self._name}: closed")


def open_rfc2217(
    host: str, port: int, line: SerialLine, *, monotonic: Callable[[], float] = time.monotonic
) -> Rfc2217Link:
    """Connects to the server's `host`:`port` and sets the line there. Raises `NotSent`."""
    name = f"rfc2217://{host}:{port}"
    return Rfc2217Link(open_rfc2217_port(name, line), name, monotonic=monotonic)
