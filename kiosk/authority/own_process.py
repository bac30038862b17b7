"""An authority of the program's own, in a process beside it and spoken to over HTTP like any other."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AuthorityNotStarted(Exception):
    """The process of the program's own authority ended before it answered; the message repeats what it said."""


@contextmanager
def own_authority(directory: Path, config: Path) -> Iterator[str]:
    """Serves the training authority in `directory`, made first where there is none; yields its URL.

    It ends with this program, however that ends: its standard input is a pipe that only this program holds.
    """
    kiosk = [sys.executable, "-m", "kiosk", "--config", str(config), "ca"]
    if not (directory / "authority.toml").exists():
        made = subprocess.run(  # noqa: S603  # our own program
            [*kiosk, "init", "--data", str(directory)], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if made.returncode != 0:
            raise AuthorityNotStarted(made.stderr.strip())
    process = subprocess.Popen(  # noqa: S603  # our own program
        [*kiosk, "serve", "--data", str(directory), "--listen", "127.0.0.1:0", "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None, "both are pipes"
    try:
        word, _, url = process.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise AuthorityNotStarted("the authority's process ended before it was ready")
        yield url
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()
