"""`kiosk ca` without the rest of the kiosk: called in-process, or run as a program where a real process matters."""

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, str(Path(__file__).resolve())]


@dataclass(frozen=True)
class Done:
    """What a command left: exit code and both outputs."""

    code: int
    out: str
    err: str


def ca(*arguments: str) -> Done:
    """Runs one command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as usage:
            code = int(usage.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def main(arguments: Sequence[str]) -> int:
    from kiosk.authority.embedded.command import add_arguments, run
    from kiosk.model.town import Town

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=Path, required=True)
    parser = argparse.ArgumentParser()
    add_arguments(parser, common)
    town = Town("13221", "東京都", "Tokyo", "清瀬市", "Kiyose-shi")
    return run(parser.parse_args(arguments), town, ROOT / "config" / "policy")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
