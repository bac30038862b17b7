"""A program on a pseudo-terminal: what it writes, when it writes it, and what a person types at it."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from kiosk.ui.bounce import BOUNCE_S

_COMMAND = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\\\)|.)")
"""A terminal's command (ECMA-48, 5.4; OSC as xterm has it)."""


class Silent(AssertionError):
    """What was waited for did not come."""


class Glass:
    """One program and the terminal it draws on."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, begun_s: float) -> None:
        self.process = process
        self._terminal = terminal
        self.begun_s = begun_s
        self.written = b""
        """Everything that has come so far since the last `forget`."""

    def type(self, text: str | bytes) -> float:
        """Types, and returns when."""
        os.write(self._terminal, text.encode() if isinstance(text, str) else text)
        return time.perf_counter()

    def read(self, timeout_s: float) -> float | None:
        """Takes in what comes next; when it came, or None when nothing did."""
        ready, _, _ = select.select([self._terminal], [], [], max(timeout_s, 0))
        if not ready:
            return None
        try:
            chunk = os.read(self._terminal, 1 << 16)
        except OSError as error:
            # What a terminal answers when the program at its other end has gone.
            raise Silent(f"the program has ended: {self.process.poll()}") from error
        at_s = time.perf_counter()
        self.written += chunk
        return at_s

    def await_text(self, text: str, timeout_s: float = 60.0) -> float:
        """Waits until a text has come since the last `forget`; when it did."""
        deadline_s = time.perf_counter() + timeout_s
        wanted = text.encode()
        at_s: float | None = time.perf_counter()
        while wanted not in self.written:
            at_s = self.read(deadline_s - time.perf_counter())
            if at_s is None:
                raise Silent(f"{text!r} does not come; what came last: {self._latest_text()!r}")
        assert at_s is not None
        return at_s

    def _latest_text(self) -> str:
        """The end of what was drawn, without the terminal's commands, for who reads that something did not come."""
        return " ".join(_COMMAND.sub(" ", self.written.decode("utf-8", "replace")).split())[-400:]

    def settle(self, quiet_s: float = BOUNCE_S * 1.5) -> None:
        """Waits until nothing more comes, by default for so long that the same key, pressed again, is no bounce."""
        while self.read(quiet_s) is not None:
            pass

    def forget(self) -> None:
        """What has come so far no longer counts."""
        self.written = b""

    def resident_mb(self) -> float:
        """Memory of the program that is in RAM (VmRSS), in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in status.splitlines() if line.startswith("VmRSS"))


@contextmanager
def shown(*words: object, size: tuple[int, int] = (100, 30), env: dict[str, str] | None = None) -> Iterator[Glass]:
    """Runs `python WORDS...` on a terminal of that size; ends it by SIGTERM."""
    terminal, inner = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
    # Programs run as they are installed: compiled once, and not at every start.
    for name in ("COLUMNS", "LINES", "NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    command: Sequence[str] = [sys.executable, *map(str, words)]
    begun_s = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env=environment | (env or {}),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
    )
    os.close(inner)
    glass = Glass(process, terminal, begun_s)
    try:
        yield glass
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(Silent):
            # What it still draws must be taken in, or it would wait for ever to write it.
            while process.poll() is None:
                glass.read(0.05)
        process.wait(60)
        os.close(terminal)
