"""A command of the program in a real terminal (tmux): what stands on it, and what a person types and touches."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.commands import processes_with

PATIENCE_S = 60.0
_AGAIN_S = 1.5
_READS_S = 0.2
"""So long a person looks at a screen before he confirms it; the program takes less for a bouncing key."""


def _looks(patience_s: float) -> Iterator[None]:
    """A look now and then while patience lasts, one at least: tmux tells of no change of what stands on its screen."""
    deadline = time.monotonic() + patience_s
    while True:
        yield
        if time.monotonic() >= deadline:
            return
        time.sleep(0.05)


class Terminal:
    """A program in a tmux of its own, 100 by 30 cells."""

    def __init__(self, directory: Path, *words: object) -> None:
        tmux = shutil.which("tmux")
        assert tmux is not None, "tmux is not installed"
        settings = directory / "tmux.conf"
        settings.write_text("set -g default-size 100x30\nset -g remain-on-exit on\nset -g mouse off\n")
        self._tmux = [tmux, "-S", str(directory / "tmux"), "-u", "-f", str(settings)]
        command = [sys.executable, "-m", "kiosk", *map(str, words)]
        self._command = "\0".join(command).encode()
        # tmux does not always tell how a program ended; a shell around it does.
        self._status = directory / "status"
        shell = ["sh", "-c", '"$@"; echo $? >"$0"', str(self._status)]
        self._pressed = ""
        self._run("new-session", "-d", "-x", "100", "-y", "30", *shell, *command)

    def _run(self, *words: str) -> str:
        env = os.environ | {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
        # The size that a test runner exports would win over the terminal's own.
        for name in ("COLUMNS", "LINES"):
            env.pop(name, None)
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, env=env, check=True).stdout

    def press(self, *keys: str) -> None:
        """Presses keys by their tmux names, as somebody who reads before he confirms."""
        for key in keys:
            for _ in _looks(_READS_S if key in ("Enter", self._pressed) else 0):
                pass
            self._pressed = key
            self._run("send-keys", key)

    def click(self, label: str, until: str) -> None:
        """Clicks on `label`, and again after a while as people do, until another text comes.

        A screen that has just come does not heed a tap yet.
        """
        self.wait_for(label)
        for _ in range(round(PATIENCE_S / _AGAIN_S)):
            if label in self.screen():
                self._click(label)
            for _ in _looks(_AGAIN_S):
                if until in self.screen():
                    return
        raise AssertionError(f"{until!r} does not come after {label!r}; the screen is\n{self.screen()}")

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
        for _ in _looks(PATIENCE_S):
            if any(text in (screen := self.screen()) for text in texts):
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
        for _ in _looks(PATIENCE_S):
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
