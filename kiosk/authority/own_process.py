"""An authority of the program's own, in a process beside it and spoken to over HTTP like any other."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kiosk.authority.embedded.terms import DEFAULT_POLICY, DirectoryInvalid, read_terms
from kiosk.config import load_config
from kiosk.exit_code import ExitCode
from kiosk.model.town import Town


class AuthorityNotStarted(Exception):
    """The program's own authority ended before it answered; says why."""


class AuthorityUnusable(AuthorityNotStarted):
    """A file of the program's own authority is missing or damaged, or it is another than the configured one."""


@contextmanager
def own_authority(
    directory: Path, config: Path, settings: Sequence[tuple[str, str]] = (), policy: str = DEFAULT_POLICY
) -> Iterator[str]:
    """Serves the training authority in `directory`, made first where there is none; yields its URL.

    `settings` are this program's `--set` (dotted key, text), `policy` is the name of the profile in force. Raises
    `AuthorityNotStarted`, also when the authority that is there has another policy or town. It ends with this program,
    however that ends: its standard input is a pipe that only this program holds.
    """
    words = [f"--set={key}={text}" for key, text in settings]
    kiosk = [sys.executable, "-m", "kiosk", "--config", str(config), *words, "ca"]
    if not (directory / "authority.toml").exists():
        made = subprocess.run(  # noqa: S603  # our own program
            [*kiosk, "init", "--data", str(directory), "--policy", policy],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        # One that an ended program had begun to make may have been finished meanwhile.
        if made.returncode != 0 and not (directory / "authority.toml").exists():
            raise _not_started(made.returncode, made.stderr.strip())
    _refuse_another(directory, load_config(config, settings).town, policy)
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
            raise _not_started(process.wait(), f"{directory}: the authority ended before it was ready")
        yield url
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def _not_started(exit_code: int, reason: str) -> AuthorityNotStarted:
    return AuthorityUnusable(reason) if exit_code == ExitCode.CONFIG else AuthorityNotStarted(reason)


def _refuse_another(directory: Path, town: Town, policy: str) -> None:
    try:
        terms = read_terms(directory)
    except DirectoryInvalid as error:
        raise AuthorityUnusable(str(error)) from error
    if terms.policy.name != policy:
        raise AuthorityUnusable(
            f"{directory}: this authority was made for policy {terms.policy.name}, and {policy} is configured;"
            " use another data directory"
        )
    if terms.town != town:
        raise AuthorityUnusable(
            f"{directory}: this authority was made for town {terms.town.code} {terms.town.municipality}, and"
            f" {town.code} {town.municipality} is configured; use another data directory"
        )
