"""The `kiosk` command: its verbs and options; each verb's work is imported only when it is asked for."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from kiosk.exit_code import ExitCode


class UsageParser(argparse.ArgumentParser):
    """An argument parser whose errors end with the exit code for usage."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong and ends with 64."""
        self.print_usage(sys.stderr)
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = _parser().parse_args(argv)
    args.settings = [*getattr(args, "settings_before", []), *getattr(args, "settings", [])]
    from hw.strict_toml import ConfigInvalid

    verb: Callable[[argparse.Namespace], int] = args.verb
    try:
        return verb(args)
    except ConfigInvalid as error:
        return _fail(ExitCode.CONFIG, str(error))
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = UsageParser(prog="kiosk", description="Counter kiosk for digital certificates.")
    _add_common(parser, settings="settings_before")
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_common(common, settings="settings")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        name: str, verb: Callable[[argparse.Namespace], int], summary: str, **kwargs: str
    ) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            parents=[common],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )
        command.set_defaults(verb=verb)
        return command

    add("demo", _demo, "All three seats in one terminal, with simulated devices and fictional residents.")
    run = add("run", _run, "One station with the devices of hardware.toml.")
    run.add_argument("--seat", choices=("resident", "clerk", "technician"), required=True)

    from kiosk.application_file import HELP

    drill = add("drill", _drill, "Issuances without a screen, the persons played by a file.", epilog=HELP)
    drill.add_argument("application", type=Path, metavar="APPLICATION.toml")
    drill.add_argument("--count", type=_positive, default=1, help="play residents 1..N of the register")
    drill.add_argument("--json", action="store_true", help="one JSON object a line on stdout")

    sign = add("sign", _sign, "Signs a file with the card in the reader (CMS).")
    sign.add_argument("file", type=Path)
    sign.add_argument("-o", dest="out", type=Path, metavar="OUT", help="default FILE.p7s")
    sign.add_argument(
        "--format", choices=("cms", "cms-attached"), default="cms", help="detached (default) or enclosing"
    )
    sign.add_argument("--pin-file", type=Path, help="take the password from this file's first line; may be a pipe")

    verify = add("verify", _verify, "Checks a signed file as the receiving agency does.")
    verify.add_argument("file", type=Path)
    verify.add_argument("signature", type=Path, nargs="?", help="default FILE.p7s, else FILE itself when it encloses")
    verify.add_argument("--trust", type=Path, metavar="CA.pem", help="default: the issuer of the station's credential")
    verify.add_argument("--name", help="the name on the form, compared with the certificate's")
    verify.add_argument("--json", action="store_true", help="the verdict as one JSON object")

    journal = add("journal", _journal, "The journal: verify its chain, or show it.")
    journal.add_argument("action", choices=("verify", "show"))

    ca = add("ca", _ca, "The embedded certification authority.")
    from kiosk.authority.embedded.command import add_arguments

    add_arguments(ca, common)
    return parser


def _add_common(parser: argparse.ArgumentParser, *, settings: str) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="kiosk.toml; default /etc/kiosk/kiosk.toml, or the shipped one"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="where everything that is kept lies")
    parser.add_argument(
        "--set",
        dest=settings,
        action="append",
        type=_setting,
        metavar="table.key=value",
        help="wins over the file; may be repeated",
    )
    if settings == "settings_before":
        parser.set_defaults(settings_before=[])


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or "." not in key:
        raise argparse.ArgumentTypeError(f"{text!r} is not table.key=value")
    return key, value


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _data(args: argparse.Namespace, of: str = "") -> Path:
    from kiosk.config import locate_data

    base = locate_data(args.data, state_directory=os.environ.get("STATE_DIRECTORY"), home=Path.home())
    return base if args.data is not None or not of else base / of


def _demo(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.demo import run_demo

    path = locate_config(args.config)
    return run_demo(load_config(path, args.settings), path, _data(args, "demo"))


def _run(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.demo import run_seat

    path = locate_config(args.config)
    return run_seat(load_config(path, args.settings), path, _data(args), args.seat)


def _drill(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.drill import TROUBLE, UsageInvalid, run_drill

    path = locate_config(args.config)
    config = load_config(path, args.settings)
    try:
        return run_drill(config, path, _data(args, "drill"), args.application, args.count, args.json)
    except UsageInvalid as error:
        return _fail(ExitCode.USAGE, str(error))
    except TROUBLE as error:
        return _fail(ExitCode.INTERNAL, str(error))


def _sign(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.eapply.command import run_sign

    config = load_config(locate_config(args.config), args.settings)
    return run_sign(config, _data(args, "drill"), args.file, args.out, args.format, args.pin_file)


def _verify(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.eapply.command import run_verify

    config = load_config(locate_config(args.config), args.settings)
    return run_verify(config, args.file, args.signature, args.trust, args.name, args.json)


def _journal(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.journal.command import run_journal

    return run_journal(load_config(locate_config(args.config), args.settings), _data(args, "drill"), args.action)


def _ca(args: argparse.Namespace) -> int:
    from kiosk.authority.embedded.command import run
    from kiosk.config import load_config, locate_config

    config = load_config(locate_config(args.config), args.settings)
    args.data = _data(args, "authority")
    return run(args, config.town, config.policies)


def _fail(code: ExitCode, reason: str) -> int:
    print(f"kiosk: {reason}", file=sys.stderr)
    return code
