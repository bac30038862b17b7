"""What the `kiosk` and `hw` commands have in common: `--config`, `--data`, `--set`, and how a wrong call ends."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

EX_USAGE = 64


class UsageParser(argparse.ArgumentParser):
    """An argument parser whose errors end with the exit code for usage (sysexits.h: 64)."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong and ends."""
        self.print_usage(sys.stderr)
        self.exit(EX_USAGE, f"{self.prog}: {message}\n")


def add_common_options(parser: argparse.ArgumentParser) -> "UsageParser":
    """Adds the common options to the command, and returns a parent parser that adds them to its verbs too.

    They may stand before or after the verb; read `--set` of both places by `settings_of`.
    """
    _add(parser, settings="settings_before")
    parser.set_defaults(settings_before=[], settings=[])
    parent = UsageParser(add_help=False, argument_default=argparse.SUPPRESS)
    _add(parent, settings="settings")
    return parent


def settings_of(args: argparse.Namespace) -> list[tuple[str, str]]:
    """All `--set` of one call, in order; those after the verb win."""
    return [*args.settings_before, *args.settings]


def _add(parser: argparse.ArgumentParser, *, settings: str) -> None:
    group = parser.add_argument_group("common options")
    group.add_argument("--config", type=Path, metavar="FILE", help="kiosk.toml; default: installed, else shipped")
    group.add_argument("--data", type=Path, metavar="DIR", help="where everything that is kept lies")
    group.add_argument(
        "--set",
        dest=settings,
        action="append",
        type=_setting,
        metavar="table.key=value",
        help="wins over the file; may be repeated",
    )


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or "." not in key:
        raise argparse.ArgumentTypeError(f"{text!r} is not table.key=value")
    return key, value
