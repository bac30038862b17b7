"""Runs the installed commands as a town would, and reads what they print."""

import json
import os
import select
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.e2e.warm_process import WarmCommand, run_warm

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = ROOT / "config" / "demo" / "application.toml"
PASSWORD = "Horonobe2011"


def run(
    *words: object, env: Mapping[str, str] | None = None, module: str = "kiosk"
) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return run_warm(module, [str(word) for word in words], {**os.environ, **(env or {})}, timeout_s=120)


def processes_with(word: object) -> list[int]:
    """The processes that have `word` in their command lines."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(word).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def await_ends(pids: Iterable[int], timeout_s: float) -> None:
    """Waits until these processes have ended. Raises `TimeoutError`."""
    deadline_s = time.monotonic() + timeout_s
    for pid in pids:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                ended, _, _ = select.select([descriptor], [], [], max(deadline_s - time.monotonic(), 0))
            finally:
                os.close(descriptor)
            if not ended:
                raise TimeoutError(f"process {pid} goes on")


def lines(output: str) -> list[dict[str, Any]]:
    """The JSON lines of a drill."""
    return [json.loads(line) for line in output.splitlines()]


@contextmanager
def started(
    *words: object, env: Mapping[str, str] | None = None, module: str = "kiosk"
) -> Iterator[tuple[WarmCommand, str]]:
    """A long-running command, and the first line it printed; ended by SIGTERM."""
    reading, writing = os.pipe()
    with open(reading) as output:
        with open(writing, "wb"):
            command = WarmCommand(
                module, [str(word) for word in words], {**os.environ, **(env or {})}, writing, stderr=2
            )
        try:
            yield command, output.readline().strip()
        finally:
            command.terminate()
            output.close()
            assert command.wait(timeout_s=30) == 0


@contextmanager
def authority(directory: Path) -> Iterator[str]:
    """A training authority in a process of its own; yields its URL."""
    made = run("ca", "init", "--data", directory)
    assert made.returncode == 0, made.stderr
    with started("ca", "serve", "--data", directory, "--listen", "127.0.0.1:0") as (_, ready):
        word, url = ready.split()
        assert word == "ready"
        yield url


def at(url: str, directory: Path) -> list[str]:
    """The settings that point a command at an authority."""
    return ["--set", f"authority.url={url}", "--set", f"authority.credential={directory / 'stations' / 'demo.pem'}"]


def application_file(path: Path, **changes: str) -> Path:
    """The demo's application with some lines changed, each given as `key="value"`."""
    text = APPLICATION.read_text()
    for key, value in changes.items():
        kept = [line for line in text.splitlines() if not line.startswith(f"{key} =")]
        text = f"{key} = {json.dumps(value, ensure_ascii=False)}\n" + "\n".join(kept)
    path.write_text(text)
    return path
