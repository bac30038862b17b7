"""A command of the program in a real terminal (tmux): what stands on it, and what a person types and touches."""

import os
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kiosk.ui.bounce import BOUNCE_S
from kiosk.ui.seat_screen import DOUBLE_TAP_S
from tests.e2e.commands import processes_with

PATIENCE_S = 60.0
_AGAIN_S = 1.5
_SAME_KEY_AFTER_S = BOUNCE_S * 1.25
"""So long a person takes to press a key once more; less is a key that bounces."""
_TAPS_AFTER_S = DOUBLE_TAP_S * 1.25
"""So long a person looks at a new screen before he taps; less is the second half of the tap that led to it."""


class Terminal:
    """A program in a tmux of its own, 100 by 30 cells."""

    def __init__(self, directory: Path, *words: object) -> None:
        tmux = shutil.which("tmux")
        assert tmux is not None, "tmux is not installed"
        settings = directory / "tmux.conf"
        settings.write_text("set -g default-size 100x30\nset -g remain-on-exit on\nset -g mouse off\n")
        # One of its own: an earlier one in the same directory may not have ended yet.
        socket = directory / f"tmux{len(list(directory.glob('tmux[0-9]*')))}"
        self._tmux = [tmux, "-S", str(socket), "-u", "-f", str(settings)]
        command = [sys.executable, "-m", "kiosk", *map(str, words)]
        self._command = "\0".join(command).encode()
        # tmux does not always tell how a program ended; a shell around it does.
        self._status = directory / "status"
        # What the program writes comes here too, and a line when it has ended.
        pipe = directory / "written"
        for left in (pipe, self._status):
            left.unlink(missing_ok=True)  # by an earlier one in the same directory
        os.mkfifo(pipe)
        self._written = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        script = 'written=$1; shift; "$@"; echo $? >"$0"; echo >"$written"'
        self._pressed, self._heard_s = "", 0.0
        shell = ["sh", "-c", script, str(self._status), str(pipe)]
        self._run("new-session", "-d", "-x", "100", "-y", "30", *shell, *command)
        self._run("pipe-pane", f"cat >{shlex.quote(str(pipe))}")

    def _run(self, *words: str) -> str:
        env = os.environ | {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
        # The size that a test runner exports would win over the terminal's own.
        for name in ("COLUMNS", "LINES"):
            env.pop(name, None)
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, env=env, check=True).stdout

    def _looks(self, patience_s: float) -> Iterator[None]:
        """A look now and whenever the program has written something while patience lasts; one at the end of it."""
        deadline_s = time.monotonic() + patience_s
        while True:
            yield
            if (left_s := deadline_s - time.monotonic()) <= 0:
                return
            select.select([self._written], [], [], left_s)
            with suppress(BlockingIOError):
                os.read(self._written, 1 << 16)

    def press(self, *keys: str) -> None:
        """Presses keys by their tmux names, no key twice so fast that the program would take it for one that bounces.

        That is a span of the program's own clock, so nothing but time ends it. It begins when the program hears the
        first stroke, which may be long after it was sent: here, when what came of it was seen.
        """
        for key in keys:
            if key == self._pressed:
                for _ in self._looks(self._heard_s + _SAME_KEY_AFTER_S - time.monotonic()):
                    pass
            self._run("send-keys", key)
            self._pressed, self._heard_s = key, time.monotonic()

    def click(self, label: str, until: str) -> None:
        """Clicks on `label` once the screen is at rest, and again after a while until another text comes."""
        self.wait_for(label)
        for _ in range(round(PATIENCE_S / _AGAIN_S)):
            self._rest()
            if label in self.screen():
                self._click(label)
            for _ in self._looks(_AGAIN_S):
                if until in self.screen():
                    return
        raise AssertionError(f"{until!r} does not come after {label!r}; the screen is\n{self.screen()}")

    def _rest(self) -> None:
        """Waits until the program has written nothing for a while."""
        deadline_s = time.monotonic() + PATIENCE_S
        while select.select([self._written], [], [], _TAPS_AFTER_S)[0] and time.monotonic() < deadline_s:
            os.read(self._written, 1 << 16)

    def _click(self, label: str) -> None:
        """Presses and releases the left button on the lowest `label`, as a terminal reports it (SGR 1006)."""
        lines = self.screen().splitlines()
        row = max(i for i, line in enumerate(lines) if label in line)
        before = lines[row][: lines[row].index(label)]
        column = sum(2 if ord(c) > 0x2E7F else 1 for c in before) + 1
        for end in "Mm":
            report = f"\x1b[<0;{column + 1};{row + 1}{end}"
            self._run("send-keys", "-H", *(f"{ord(c):02x}" for c in report))

    def screen(self) -> str:
        """The cells now."""
        return self._run("capture-pane", "-p")

    def wait_for(self, text: str) -> None:
        """Waits until a text stands on the screen."""
        self.wait_for_one_of(text)

    def wait_for_one_of(self, *texts: str) -> None:
        """Waits until one of the texts stands on the screen."""
        for _ in self._looks(PATIENCE_S):
            if any(text in (screen := self.screen()) for text in texts):
                self._heard_s = time.monotonic()
                return
        raise AssertionError(f"{texts!r} does not come; the screen is\n{screen}")

    def everything(self) -> str:
        """All that the terminal holds: what is shown, what has scrolled off, and the screen behind the program's."""
        behind = self._run("capture-pane", "-p", "-a", "-q", "-S", "-", "-E", "-")
        return self._run("capture-pane", "-p", "-S", "-", "-E", "-") + behind

    @property
    def is_running(self) -> bool:
        return self._run("list-panes", "-F", "#{pane_dead}").strip() == "0"

    def exit_code(self) -> int:
        """Waits for the program's end."""
        for _ in self._looks(PATIENCE_S):
            if self._status.exists() and (status := self._status.read_text()):
                return int(status)
        raise AssertionError(f"it does not end; the screen is\n{self.screen()}")

    def pid(self) -> int:
        """The program's process."""
        (pid,) = (
            pid
            for pid in processes_with(self._command.decode())
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(self._command)
        )
        return pid

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True)
        if self._written >= 0:
            os.close(self._written)
            self._written = -1
