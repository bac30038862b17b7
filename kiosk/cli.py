"""The `kiosk` command: its verbs and options; each verb's work is imported only when it is asked for."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hw.command_line import UsageParser, common_options, keep_private, run_verb, settings_of
from kiosk.exit_code import ExitCode

if TYPE_CHECKING:
    import datetime

    from kiosk.service_command import Place


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    keep_private()
    return run_verb("kiosk", lambda: _call(argv), _code_of)


def _call(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    args.settings = settings_of(args)
    verb: Callable[[argparse.Namespace], int] = args.verb
    return verb(args)


def _code_of(error: Exception) -> ExitCode | None:
    from hw.data_folder import DataInUse
    from hw.strict_toml import ConfigInvalid
    from kiosk.authority.own_process import AuthorityNotStarted, AuthorityUnusable
    from kiosk.journal.database import UNREADABLE
    from kiosk.journal.entry import ChainBroken
    from kiosk.journal.errors import StoreLost, StoreUnusable
    from kiosk.journal.key_file import KeyDamaged

    match error:
        case ChainBroken():
            return ExitCode.REFUSED
        case ConfigInvalid() | StoreUnusable() | KeyDamaged() | AuthorityUnusable():
            return ExitCode.CONFIG
        case StoreLost() | DataInUse() | AuthorityNotStarted():
            return ExitCode.INTERNAL
        case _ if isinstance(error, UNREADABLE):
            return ExitCode.INTERNAL
        case _:
            return None


def _parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog="kiosk", description="Counter kiosk for digital certificates.", parents=[common_options(0)]
    )
    options = common_options(1)
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=UsageParser)

    def add(name: str, verb: Callable[[argparse.Namespace], int], summary: str, epilog: str = "") -> UsageParser:
        command: UsageParser = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            parents=[options],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog=epilog,
        )
        command.set_defaults(verb=verb)
        return command

    add("demo", _demo, "All three seats in one terminal, with simulated devices and fictional residents.")
    run = add("run", _run, "One station with the devices of hardware.toml.")
    run.add_argument("--seat", choices=("resident", "clerk", "technician"), required=True)

    drill = add("drill", _drill, "Issuances without a screen, the persons played by a file.")
    drill.declare = _declare_drill

    sign = add("sign", _sign, "Signs a file with the card in the reader (CMS, PAdES, XAdES).")
    sign.add_argument("file", type=Path)
    sign.add_argument(
        "-o", dest="out", type=Path, metavar="OUT", help="default FILE.p7s, or FILE.signed.pdf, FILE.signed.xml"
    )
    sign.add_argument(
        "--format",
        choices=("cms", "cms-attached", "pades", "xades"),
        default="cms",
        help="the signature beside the document (default), around it, or inside it, which is PDF or XML then",
    )
    sign.add_argument("--pin-file", type=Path, help="take the password from this file's first line; may be a pipe")

    verify = add("verify", _verify, "Checks a signed file as the receiving agency does.")
    verify.add_argument("file", type=Path)
    verify.add_argument("signature", type=Path, nargs="?", help="default FILE.p7s, else FILE itself when it encloses")
    verify.add_argument("--trust", type=Path, metavar="CA.pem", help="default: the issuer of the station's credential")
    verify.add_argument(
        "--credential", type=Path, metavar="FILE", help="a registered relying party's: the status is asked for by it"
    )
    verify.add_argument("--name", help="the name on the form, compared with the certificate's")
    verify.add_argument("--json", action="store_true", help="the verdict as one JSON object")

    agency = add("agency", _agency, "An agency that signed applications can be sent to.")
    agency.declare = _declare_agency

    journal = add(
        "journal",
        _journal,
        "The journal: verify, show or export it, or end the keeping of its records.",
    )
    journal.add_argument("action", choices=("verify", "show", "export", "purge"))
    journal.add_argument(
        "--destroy", action="store_true", help="purge: make the records unreadable; without it they are only named"
    )
    journal.add_argument(
        "--head", metavar="TEXT", help="verify: the journal must hold this signed head, the text of a receipt's QR code"
    )

    add("clerk-pin", _clerk_pin, "Asks for a clerk's or a technician's PIN twice and prints what a roster keeps of it.")
    card_keys = add(
        "card-keys",
        _card_keys,
        "The card issuer's masters in the token of issuer.token: make the next generation, put a file's in, show them.",
        epilog="With issuer.pin_file as the file whose first line is the token's PIN.",
    )
    card_keys.add_argument("action", choices=("make", "import", "show"))
    card_keys.add_argument("file", type=Path, nargs="?", metavar="FILE", help="import: with [masters]; may be a pipe")
    reconcile = add("reconcile", _reconcile, "Compares the journal with the authority's record, and with receipts.")
    reconcile.add_argument(
        "--receipts", type=Path, metavar="FILE", help="the texts of receipts' QR codes, one a line; may be a pipe"
    )
    reconcile.add_argument("--json", action="store_true", help="one JSON object a gap on stdout")

    settle = add(
        "settle",
        _settle,
        "Two clerks say what became of money, paper or a certificate, so that a suspect case can go on: with keys in"
        " files (in training), or, where clerk.station is set, at their station, which is asked.",
    )
    settle.add_argument("number", nargs="?", metavar="NUMBER", help="of the application; without it, what is asked")
    settle.add_argument(
        "answer",
        nargs="?",
        metavar="ANSWER",
        help="yen of this payer in the till, or whole, partly, nothing; not with clerk.station",
    )
    settle.add_argument("--clerk", type=Path, metavar="FILE", help="a clerk's key; default: the station's own")
    settle.add_argument("--second", type=Path, metavar="FILE", help="the second clerk's key")

    check = add("check", _check, "Checks the configuration, the files it names, and the card service; opens nothing.")
    check.add_argument("--json", action="store_true", help="one JSON object a line on stdout")

    bundle = add(
        "bundle",
        _bundle,
        "Packs what a technician far away needs: settings, records, counts; of no person, no key, no password.",
    )
    bundle.add_argument("-o", dest="out", type=Path, metavar="FILE", help="default kiosk-support-TIME.tar.gz")

    for name, verb, declare, summary in (
        (
            "revoke",
            _revoke,
            _declare_revoke,
            "Revokes the certificate of a drill's resident (in training); the same number goes on.",
        ),
        (
            "change-pin",
            _change_pin,
            _declare_new_password,
            "A drill's resident replaces his card's password by another (in training).",
        ),
        (
            "unlock",
            _unlock,
            _declare_new_password,
            "A drill's clerk gives leave to set a locked or forgotten password anew (in training).",
        ),
    ):
        service = add(name, verb, summary)
        service.declare = partial(_declare_service, name, declare)
    held = add("hold", _hold, "Puts an application off until its resident returns, taking back what was begun.")
    held.add_argument("number", metavar="NUMBER")
    held.add_argument("--until", type=_day, required=True, metavar="YYYY-MM-DD", help="the day on which he returns")
    resumed = add("resume", _resume, "Takes an application off hold; its drill then begins anew.")
    aborted = add("abort", _abort, "Ends a case that nobody goes on with, of any procedure.")
    for command in (resumed, aborted):
        command.add_argument("number", metavar="NUMBER")
    for command in (held, resumed, aborted):
        command.add_argument("--json", action="store_true", help="one JSON object a line on stdout")

    paper = add(
        "paper",
        _paper,
        "Prints one of the counter's papers, filled in or as a form to be filled in by hand.",
        epilog="Papers on the roll go to the receipt printer, those on A4 to the documents device of hardware.toml.\n"
        "What is not given with --value stays empty, for a pen.",
    )
    paper.declare = _declare_paper

    ca = add("ca", _ca, "The embedded certification authority.")
    ca.declare = _declare_ca
    return parser


# What loads more than the parser itself is declared only for whoever types the verb: a screen must come at once.


def _declare_drill(drill: UsageParser) -> None:
    from kiosk.application_file import HELP

    drill.epilog = HELP
    drill.add_argument("application", type=Path, metavar="APPLICATION.toml")
    drill.add_argument("--count", type=_positive, default=1, help="play residents 1..N of the register")
    drill.add_argument(
        "--attend",
        action="store_true",
        help="play only the clerk, at his own station, for terminals that have it as clerk.station; prints 'ready' when"
        " it can be asked, and ends with its input",
    )
    drill.add_argument("--json", action="store_true", help="one JSON object a line on stdout")


def _declare_service(name: str, declare: Callable[[UsageParser], None], service: UsageParser) -> None:
    from kiosk.application_file import HELP

    service.epilog = HELP
    service.add_argument("application", type=Path, metavar="APPLICATION.toml")
    service.add_argument(
        "--number", type=_application_number, help=f"of this application; default: the file's, with -{name}"
    )
    service.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    declare(service)


def _declare_revoke(revoke: UsageParser) -> None:
    from kiosk.model.revocation import RevocationCause

    revoke.add_argument("--cause", choices=tuple(RevocationCause), default=RevocationCause.WITHDRAWN)
    revoke.add_argument("--card", action="store_true", help="his card is there, and its key is erased")
    revoke.add_argument(
        "--second", type=Path, metavar="FILE", help="a second clerk's key, for the causes moved and erroneous"
    )


def _declare_new_password(service: UsageParser) -> None:
    from typing import get_args

    from kiosk.model.policy import PasswordKind

    service.add_argument(
        "--new-password", type=Path, required=True, metavar="FILE", help="the new one is its first line; may be a pipe"
    )
    service.add_argument(
        "--password",
        dest="which",
        choices=get_args(PasswordKind),
        help="which one, of a card that has two; default: the signature's",
    )


def _declare_paper(paper: UsageParser) -> None:
    from kiosk.papers.catalogue import A4, LANGUAGES, ROLL

    paper.add_argument("name", choices=(*ROLL, *A4))
    paper.add_argument("--language", choices=LANGUAGES, default="ja")
    paper.add_argument("--value", type=_value, action="append", default=[], metavar="KEY=TEXT", help="may be repeated")
    paper.add_argument("--mark", action="append", default=[], help="a condition of its lines, such as agent; repeats")
    paper.add_argument("-o", dest="out", type=Path, metavar="OUT", help="a file instead: .pdf or .png (A4), .txt")


def _declare_agency(agency: UsageParser) -> None:
    from kiosk.agency_command import add_arguments

    add_arguments(agency, common_options(2))


def _declare_ca(ca: UsageParser) -> None:
    from kiosk.authority.embedded.command import add_arguments

    add_arguments(ca, common_options(2))


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def _application_number(text: str) -> str:
    from kiosk.application_file import NUMBER_FORM
    from kiosk.model.application import APPLICATION_NUMBER

    if not APPLICATION_NUMBER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"an application's number is {NUMBER_FORM}")
    return text


def _day(text: str) -> "datetime.date":
    import datetime

    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-04-01") from None


def _value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=TEXT")
    return key, value


def _data(args: argparse.Namespace, of: str = "") -> Path:
    from kiosk.data_directory import locate_data

    base = locate_data(args.data, state_directory=os.environ.get("STATE_DIRECTORY"), home=Path.home())
    return base if args.data is not None or not of else base / of


def _worked_in(args: argparse.Namespace, otherwise: str = "") -> Path:
    """The data directory of a station that has worked: the one given, else where the user's last one did.

    `otherwise` is the one that is meant when none has worked yet; without it that is an error.
    """
    from kiosk.data_directory import last_used, unused

    base = _data(args)
    if args.data is not None or os.environ.get("STATE_DIRECTORY"):
        return base
    found = last_used(base)
    if found is not None:
        print(f"kiosk: of {found}", file=sys.stderr)
        return found
    if not otherwise:
        raise unused(base)
    return base / otherwise


@contextmanager
def _writing(data: Path) -> Iterator[Path]:
    """The data directory; one that cannot be made or written to becomes `ConfigInvalid`."""
    from hw.strict_toml import ConfigInvalid

    try:
        yield data
    except OSError as error:
        named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
        if named is None or not (named.is_relative_to(data) or data.is_relative_to(named)):
            raise
        raise ConfigInvalid(str(named), "", error.strerror or str(error)) from error


def _demo(args: argparse.Namespace) -> int:
    from kiosk.demo import run_demo

    with _writing(_data(args, "demo")) as data:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return run_demo(args.config, data, args.settings)


def _run(args: argparse.Namespace) -> int:
    from kiosk.demo import run_seat

    with _writing(_data(args)) as data:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return run_seat(args.config, data, args.settings, args.seat)


def _drill(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.drill import TROUBLE, UsageInvalid, run_drill

    path = locate_config(args.config)
    config = load_config(path, args.settings)
    try:
        with _writing(_data(args, "drill")) as data:
            if args.attend:
                from kiosk.drill import run_attendance

                return run_attendance(config, data, args.application, _has_input_ended)
            return run_drill(config, path, args.settings, data, args.application, args.count, args.json)
    except UsageInvalid as error:
        return _fail(ExitCode.USAGE, str(error))
    except TROUBLE as error:
        return _fail(_code_of(error) or ExitCode.INTERNAL, str(error))


def _sign(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.eapply.sign import SignatureForm
    from kiosk.signature_command import run_sign

    config = load_config(locate_config(args.config), args.settings)
    with _writing(_worked_in(args, "drill")) as data:
        return run_sign(config, data, args.file, args.out, form=SignatureForm(args.format), pin_file=args.pin_file)


def _verify(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.signature_command import run_verify

    config = load_config(locate_config(args.config), args.settings)
    return run_verify(config, args.file, args.signature, args.trust, args.name, args.credential, is_json=args.json)


def _agency(args: argparse.Namespace) -> int:
    from kiosk.agency_command import run_serve
    from kiosk.config import load_config, locate_config
    from kiosk.signature_command import judge_of

    config = load_config(locate_config(args.config), args.settings)
    judge = judge_of(config, args.trust, args.credential)
    folder = _data(args) / "agency"
    return run_serve(config, folder, args.listen, judge, is_ended_by_input=args.exit_with_parent)


def _journal(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.journal.command import run_journal

    if args.head is not None and args.action != "verify":
        return _fail(ExitCode.USAGE, "--head goes with journal verify")
    if args.destroy and args.action != "purge":
        return _fail(ExitCode.USAGE, "--destroy goes with journal purge")
    path = locate_config(args.config)
    config = load_config(path, args.settings)
    if args.action == "purge":
        from kiosk.maintenance.command import run_purge

        with _writing(_worked_in(args)) as data:
            return run_purge(config, path, args.settings, data, is_destroying=args.destroy)
    return run_journal(config, _worked_in(args), args.action, args.head)


def _clerk_pin(_: argparse.Namespace) -> int:
    """Prints the `pin` of a roster's entry."""
    from getpass import getpass

    from kiosk.counter.roster import kept_pin

    if not sys.stdin.isatty():
        print("kiosk: clerk-pin: needs a terminal, where a PIN is typed without being seen", file=sys.stderr)
        return ExitCode.USAGE
    pin = getpass("PIN: ").encode()
    if getpass("PIN again: ").encode() != pin:
        print("kiosk: the two PINs differ", file=sys.stderr)
        return ExitCode.REFUSED
    try:
        print(kept_pin(pin, os.urandom))
    except ValueError as error:
        print(f"kiosk: {error}", file=sys.stderr)
        return ExitCode.USAGE
    return ExitCode.OK


def _card_keys(args: argparse.Namespace) -> int:
    from kiosk import card_keys_command
    from kiosk.config import load_config, locate_config

    if (args.action == "import") is (args.file is None):
        return _fail(ExitCode.USAGE, "FILE goes with card-keys import")
    config = load_config(locate_config(args.config), args.settings)
    match args.action:
        case "make":
            return card_keys_command.run_make(config)
        case "import":
            return card_keys_command.run_import(config, args.file)
        case _:
            return card_keys_command.run_show(config)


def _reconcile(args: argparse.Namespace) -> int:
    from hw.strict_toml import ConfigInvalid
    from kiosk.config import load_config, locate_config
    from kiosk.maintenance.command import run_reconcile

    path = locate_config(args.config)
    config = load_config(path, args.settings)
    stubs: list[str] = []
    if args.receipts is not None:
        try:
            stubs = args.receipts.read_text().split("\n")
        except OSError as error:
            raise ConfigInvalid(str(args.receipts), "", error.strerror or str(error)) from error
        except ValueError as error:
            raise ConfigInvalid(str(args.receipts), "", "no text in UTF-8, of a receipt's code a line") from error
    with _writing(_worked_in(args)) as data:
        out = "json" if args.json else "text"
        return run_reconcile(config, path, args.settings, data, [line for line in stubs if line.strip()], out)


def _settle(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.drill import UsageInvalid
    from kiosk.settle_command import run_settle

    path = locate_config(args.config)
    config = load_config(path, args.settings)
    try:
        with _writing(_worked_in(args)) as data:
            return run_settle(config, path, args.settings, data, args.number, args.answer, args.clerk, args.second)
    except UsageInvalid as error:
        return _fail(ExitCode.USAGE, str(error))


def _revoke(args: argparse.Namespace) -> int:
    from kiosk.model.revocation import RevocationCause
    from kiosk.service_command import run_revoke

    return _in_training(
        args,
        lambda place: run_revoke(
            place,
            args.application,
            RevocationCause(args.cause),
            args.number,
            args.second,
            has_card=args.card,
            is_json=args.json,
        ),
    )


def _change_pin(args: argparse.Namespace) -> int:
    from kiosk.service_command import run_change_pin

    return _in_training(
        args,
        lambda place: run_change_pin(
            place, args.application, args.new_password, args.number, args.which, is_json=args.json
        ),
    )


def _unlock(args: argparse.Namespace) -> int:
    from kiosk.service_command import run_unlock

    return _in_training(
        args,
        lambda place: run_unlock(
            place, args.application, args.new_password, args.number, args.which, is_json=args.json
        ),
    )


def _hold(args: argparse.Namespace) -> int:
    from kiosk.service_command import run_hold

    return _in_training(args, lambda place: run_hold(place, args.number, args.until, is_json=args.json))


def _resume(args: argparse.Namespace) -> int:
    from kiosk.service_command import run_resume

    return _in_training(args, lambda place: run_resume(place, args.number, is_json=args.json))


def _abort(args: argparse.Namespace) -> int:
    from kiosk.service_command import run_abort

    return _in_training(args, lambda place: run_abort(place, args.number, is_json=args.json))


def _in_training(args: argparse.Namespace, run: "Callable[[Place], int]") -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.drill import TROUBLE
    from kiosk.service_command import NotInTraining, Place

    path = locate_config(args.config)
    config = load_config(path, args.settings)
    try:
        with _writing(_worked_in(args)) as data:
            return run(Place(config, path, args.settings, data))
    except NotInTraining as error:
        return _fail(ExitCode.USAGE, str(error))
    except TROUBLE as error:
        return _fail(_code_of(error) or ExitCode.INTERNAL, str(error))


def _paper(args: argparse.Namespace) -> int:
    from hw.errors import DeviceError
    from kiosk.config import load_config, locate_config
    from kiosk.papers.command import run_paper
    from kiosk.papers.press import PaperUnusable

    config = load_config(locate_config(args.config), args.settings)
    with _writing(_data(args, "drill")) as data:
        try:
            return run_paper(config, data, args.name, args.language, dict(args.value), frozenset(args.mark), args.out)
        except PaperUnusable as error:
            return _fail(ExitCode.USAGE, str(error))
        except DeviceError as error:
            return _fail(ExitCode.UNDECIDED, str(error))


def _check(args: argparse.Namespace) -> int:
    from kiosk.config import load_config, locate_config
    from kiosk.support_command import run_check

    path = locate_config(args.config)
    return run_check(load_config(path, args.settings), path, _worked_in(args, "demo"), is_json=args.json)


def _bundle(args: argparse.Namespace) -> int:
    from kiosk.clock import system_clock
    from kiosk.config import load_config, locate_config
    from kiosk.support_command import run_bundle

    path = locate_config(args.config)
    config = load_config(path, args.settings)
    try:
        return run_bundle(config, path, _worked_in(args, "demo"), args.out, system_clock())
    except OSError as error:
        return _fail(ExitCode.CONFIG, f"{error.filename or args.out}: {error.strerror or error}")


def _ca(args: argparse.Namespace) -> int:
    from kiosk.authority.embedded.command import run
    from kiosk.config import load_config, locate_config

    config = load_config(locate_config(args.config), args.settings)
    with _writing(_data(args, "authority")) as args.data:
        return run(args, config.town, config.policies, config.authority.url, config.authority.credential)


def _has_input_ended() -> bool:
    """Whether nobody holds the other end of the input any more."""
    import select

    readable, _, _ = select.select([0], [], [], 0)
    return bool(readable) and not os.read(0, 4096)


def _fail(code: ExitCode, reason: str) -> int:
    print(f"kiosk: {reason}", file=sys.stderr)
    return code
