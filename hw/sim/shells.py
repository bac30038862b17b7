"""Puts a simulated core on a pseudo-terminal or a TCP port, until told to stop."""

import contextlib
import os
import select
import socket
import time
import tty
from collections import deque
from collections.abc import Callable

from hw.link.injury import Injuries, Injury, Mark, Passing, Pause
from hw.link.memory import Core
from hw.sim.wire import Wire

_TICK_S = 0.05  # how soon what the core says of its own accord gets out
_CHUNK = 4096


def serve_pty(core: Core, announce: Callable[[str], None], stop: int, injuries: Injuries | None = None) -> None:
    """Serves on a pty of its own and announces its path; hosts may open and close it as they like.

    Returns when the descriptor `stop` becomes readable, or when the line is cut by one of `injuries`. The slave stays
    open here, otherwise the master would fail with EIO while no host has it; raw mode, otherwise the terminal would
    echo and translate.
    """
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        os.set_blocking(master, False)
        announce(os.ttyname(slave))
        _Service(_wire(core, injuries), master, stop).run()
    finally:
        os.close(master)
        os.close(slave)


def serve_tcp(
    core: Core, port: int, announce: Callable[[str], None], stop: int, injuries: Injuries | None = None
) -> None:
    """Serves on `port` of the loopback interface (0 for any free one) and announces "tcp PORT"; one host at a time.

    Returns when the descriptor `stop` becomes readable. Raises `OSError` when the port is taken.
    """
    wire = _wire(core, injuries)
    with socket.create_server(("127.0.0.1", port), backlog=8) as server:
        announce(f"tcp {server.getsockname()[1]}")
        while stop not in (ready := _wait(server.fileno(), stop, _TICK_S)):
            if not ready:
                core.feed(b"")  # nobody is there to hear it
                continue
            host, _ = server.accept()
            with host, contextlib.suppress(ConnectionError):
                host.setblocking(False)
                host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Service(wire, host.fileno(), stop).run()


def _wire(core: Core, injuries: Injuries | None) -> Wire:
    return Wire(core, injuries or Injuries(Injury(), Injury()))


class _Service:
    """Carries bytes between one host and the wire until either hangs up, or `stop` becomes readable."""

    def __init__(self, wire: Wire, host: int, stop: int) -> None:
        self._wire = wire
        self._host = host
        self._stop = stop
        self._waiting = deque[tuple[float, bytes | Mark]]()
        self._last_due_s = 0.0
        self._is_cut = False

    def run(self) -> None:
        while not self._is_cut:
            now_s = time.monotonic()
            is_due = bool(self._waiting) and self._waiting[0][0] <= now_s
            wait_s = _TICK_S if is_due or not self._waiting else min(_TICK_S, self._waiting[0][0] - now_s)
            ready = _wait(self._host, self._stop, wait_s, wants_to_write=is_due)
            if self._stop in ready:
                return
            chunk = b""
            if self._host in ready:
                with contextlib.suppress(BlockingIOError):
                    chunk = os.read(self._host, _CHUNK)
                    if not chunk:
                        return
            self._hold(self._wire.feed(chunk))
            self._send()

    def _hold(self, heard: list[Passing]) -> None:
        due_s = max(time.monotonic(), self._last_due_s)
        for passing in heard:
            if isinstance(passing, Pause):
                due_s += passing.seconds
            elif self._waiting and self._waiting[-1][0] == due_s and isinstance(passing, bytes):
                before = self._waiting[-1][1]
                if isinstance(before, bytes):
                    self._waiting[-1] = (due_s, before + passing)
                else:
                    self._waiting.append((due_s, passing))
            else:
                self._waiting.append((due_s, passing))
        self._last_due_s = due_s

    def _send(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            due_s, data = self._waiting.popleft()
            if not isinstance(data, bytes):
                if data is Mark.CUT:
                    self._is_cut = True
                    return
                continue
            try:
                rest = data[os.write(self._host, data) :]
            except BlockingIOError:
                rest = data
            if rest:
                self._waiting.appendleft((due_s, rest))
                return


def _wait(descriptor: int, stop: int, wait_s: float, *, wants_to_write: bool = False) -> set[int]:
    """Those of the two that have something to read, after at most so long."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | (select.POLLOUT if wants_to_write else 0))
    poll.register(stop, select.POLLIN)
    return {ready for ready, event in poll.poll(max(0.0, wait_s) * 1000) if event & ~select.POLLOUT}
