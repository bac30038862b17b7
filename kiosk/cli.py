"""The `kiosk` command: its verbs and options; each verb's work is imported only when it is asked for."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from hw.command_line import UsageParser, add_common_options, settings_of
from kiosk.exit_code import ExitCode


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = _parser().parse_args(argv)
    args.settings = settings_of(args)
    from hw.strict_toml import ConfigInvalid
    from kiosk.journal.errors import StoreLost, StoreUnusable

    verb: Callable[[argparse.Namespace], int] = args.verb
    try:
        return verb(args)
    except ConfigInvalid as error:
        return _fail(ExitCode.CONFIG, str(error))
    except StoreUnusable as error:
        return _fail(ExitCode.CONFIG, f"store.url: {error}")
    except StoreLost as error:
        return _fail(ExitCode.INTERNAL, str(error))
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except KeyboardInterrupt:
        return 130
    except Exception:
        traceback.print_exc()
        return _fail(ExitCode.INTERNAL, "this is a defect of the program; nothing that was acknowledged is lost")


def _parser() -> argparse.ArgumentParser:
    parser = UsageParser(prog="kiosk", description="Counter kiosk for digital certificates.")
    common = add_common_options(parser)
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=UsageParser)

    def add(name: str, verb: Callable[[argparse.Namespace], int], summary: str, epilog: str = "") -> UsageParser:
        command: UsageParser = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            parents=[common],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog=epilog,
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
    from kiosk.signature_command import run_sign

    config = load_config(locate_config(args.config), args.settings)
    return run_sign(
        config,
        _data(args, "drill"),
        args.file,
        args.out,
        is_detached=args.format == "cms",
        pin_file=args.pin_file,
    )


def _verify(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.signature_command import run_verify

    config = load_config(locate_config(args.config), args.settings)
    return run_verify(config, args.file, args.signature, args.trust, args.name, is_json=args.json)


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
