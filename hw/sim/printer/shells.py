"""Puts a simulated core on a pseudo-terminal or a TCP port, until told to stop."""

import contextlib
import os
import select
import socket
import tty
from collections.abc import Callable

from hw.link.memory import Core

_TICK_MS = 50  # how soon what the core says of its own accord gets out
_CHUNK = 4096


def serve_pty(core: Core, announce: Callable[[str], None], stop: int) -> None:
    """Serves on a pty of its own and announces its path; hosts may open and close it as they like.

    Returns when the descriptor `stop` becomes readable. The slave stays open here, otherwise the master would fail with
    EIO while no host has it; raw mode, otherwise the terminal would echo and translate.
    """
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        os.set_blocking(master, False)
        announce(os.ttyname(slave))
        _serve(core, master, stop)
    finally:
        os.close(master)
        os.close(slave)


def serve_tcp(core: Core, port: int, announce: Callable[[str], None], stop: int) -> None:
    """Serves on `port` of the loopback interface (0 for any free one) and announces "tcp PORT"; one host at a time.

    Returns when the descriptor `stop` becomes readable. Raises `OSError` when the port is taken.
    """
    with socket.create_server(("127.0.0.1", port), backlog=8) as server:
        announce(f"tcp {server.getsockname()[1]}")
        while stop not in (ready := _wait(server.fileno(), stop)):
            if not ready:
                core.feed(b"")  # nobody is there to hear it
                continue
            host, _ = server.accept()
            with host, contextlib.suppress(ConnectionError):
                host.setblocking(False)
                host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _serve(core, host.fileno(), stop)


def _serve(core: Core, host: int, stop: int) -> None:
    """Carries bytes between `host` and the core until either the host hangs up or `stop` becomes readable."""
    answers = b""
    while stop not in (ready := _wait(host, stop, wants_to_write=bool(answers))):
        chunk = b""
        if host in ready:
            with contextlib.suppress(BlockingIOError):
                chunk = os.read(host, _CHUNK)
                if not chunk:
                    return
        answers += core.feed(chunk)
        with contextlib.suppress(BlockingIOError):
            answers = answers[os.write(host, answers) :] if answers else b""


def _wait(descriptor: int, stop: int, *, wants_to_write: bool = False) -> set[int]:
    """Those of the two that have something to read, after at most one tick."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | (select.POLLOUT if wants_to_write else 0))
    poll.register(stop, select.POLLIN)
    return {ready for ready, event in poll.poll(_TICK_MS) if event & ~select.POLLOUT}
