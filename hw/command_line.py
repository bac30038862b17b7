"""What the `kiosk` and `hw` commands have in common: their common options, and how a call ends."""

import argparse
import errno
import os
import resource
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from hw.standard_output import OutputLost, standard_output

INTERRUPTED = 128 + 2
"""What a shell calls the end by SIGINT."""

_LEVELS = 3

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Where a file was to be written, there is no place for it; such an error often does not name the file."""


class UsageParser(argparse.ArgumentParser):
    """An argument parser whose errors end with the exit code for usage (sysexits.h: 64).

    `declare` adds a verb's own arguments, and is called when that verb is typed and not before.
    """

    declare: "Callable[[UsageParser], None] | None" = None

    def parse_known_args(  # type: ignore[override]  # one of the base class's overloads is enough here
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parses, with the verb's own arguments declared."""
        declare, self.declare = self.declare, None
        if declare is not None:
            declare(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Says what is wrong and ends."""
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n")


def common_options(level: int) -> UsageParser:
    """`--config`, `--data` and `--set` for the parser of a command at `level`, to be named among its `parents`.

    Level 0 is the program, 1 its verbs, 2 the verbs of those. The options may stand at any level: of `--config` and
    `--data` the last one holds, all `--set` are kept (`settings_of`).
    """
    # A verb's parser would put its defaults over what was said before the verb.
    parent = UsageParser(add_help=False, argument_default=None if level == 0 else argparse.SUPPRESS)
    group = parent.add_argument_group("common options")
    group.add_argument("--config", type=Path, metavar="FILE", help="kiosk.toml; default: installed, else shipped")
    group.add_argument("--data", type=Path, metavar="DIR", help="where everything that is kept lies")
    group.add_argument(
        "--set",
        dest=_destination(level),
        action="append",
        type=_setting,
        metavar="table.key=value",
        help="wins over the file; may be repeated; the items of a list with commas between them",
    )
    return parent


def settings_of(args: argparse.Namespace) -> list[tuple[str, str]]:
    """All `--set` of one call as (`table.key`, value), in the order in which they were typed; later ones win."""
    return [setting for level in range(_LEVELS) for setting in getattr(args, _destination(level), None) or ()]


def keep_private() -> None:
    """From now on no core file of this process is written, which could hold a PIN, and its files are its user's own."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)


def run_verb(program: str, verb: Callable[[], int], code_of: Callable[[Exception], int | None]) -> int:
    """Runs one verb and returns its exit code, whatever happens.

    `code_of` knows the errors that are somebody's to mend: exit code of an error, or None for a defect of the program.
    A file that this user may not touch, or that is of another kind, is named, and a full disk told. Of a defect only
    its kind and where it arose are told, on stderr: its text may name a person. What stdout did not take is no success
    (70), and told there as well, unless its reader has left: he does not know the outcome. `SystemExit` of an argument
    parser passes.
    """
    with standard_output() as output:
        code, ended = os.EX_OK, None
        try:
            code = _outcome(program, verb, code_of)
        except SystemExit as help_or_usage:
            ended = help_or_usage
        with suppress(OutputLost):
            output.flush()
        if output.lost is not None:
            if told := output.told():
                print(f"{program}: {told}", file=sys.stderr)
            return code or os.EX_SOFTWARE
    if ended is not None:
        raise ended
    return code


def _outcome(program: str, verb: Callable[[], int], code_of: Callable[[Exception], int | None]) -> int:
    try:
        return verb()
    except OutputLost:
        return os.EX_SOFTWARE
    except KeyboardInterrupt:
        return INTERRUPTED
    # The last resort of a program: whatever nobody foresaw is told without its text, and ends with a code of its own.
    except Exception as error:
        known = code_of(error)
        if known is not None:
            print(f"{program}: {error}", file=sys.stderr)
            return known
        if isinstance(error, PermissionError | NotADirectoryError | IsADirectoryError) and error.filename is not None:
            print(f"{program}: {os.fsdecode(error.filename)}: {error.strerror}", file=sys.stderr)
            return os.EX_CONFIG
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            named = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
            print(f"{program}: a file could not be written: {named}{error.strerror}", file=sys.stderr)
            return os.EX_CONFIG
        _print_frames(error)
        print(f"{program}: this is a defect of the program; nothing that was acknowledged is lost", file=sys.stderr)
        return os.EX_SOFTWARE


def _print_frames(error: BaseException) -> None:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        _print_frames(cause)
    traceback.print_tb(error.__traceback__)
    print(f"{type(error).__module__}.{type(error).__qualname__}", file=sys.stderr)


def _destination(level: int) -> str:
    return f"settings_{level}"


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or "." not in key:
        raise argparse.ArgumentTypeError(f"{text!r} is not table.key=value")
    return key, value
