"""The `hw` command: the devices of this station, and simulated ones."""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import field, make_dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from types import GenericAlias
from typing import TYPE_CHECKING, Any, get_type_hints

from hw.bench import set_hardware
from hw.card.reader_list import read_reader_list
from hw.command_line import UsageParser, common_options, keep_private, run_verb, settings_of
from hw.errors import DeviceError, ReaderMissing
from hw.hardware import Hardware, rehearsal_keys
from hw.health_words import CARD_READERS, DEVICES, HEALTH_DEVICES, QUESTIONS, Level, Outcome, Question, wanted_beside
from hw.standard_output import OutputLost
from hw.strict_toml import SET, ConfigInvalid, apply_settings, convert, read_tables

if TYPE_CHECKING:
    from hw.cash.coin_ledger import CoinState
    from hw.devices import Devices

_SHIPPED = Path(__file__).resolve().parent.parent / "config" / "kiosk.toml"
_KIND_KEYS = ("kind", "model", "dialect", "protocol")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    keep_private()
    return run_verb("hw", lambda: _call(argv), _code_of)


def _call(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = args.verb
    _check_settings(settings_of(args))
    return verb(args)


def _code_of(error: Exception) -> int | None:
    from hw.data_folder import DataInUse

    if isinstance(error, ConfigInvalid):
        return os.EX_CONFIG
    if isinstance(error, DataInUse):
        return os.EX_SOFTWARE  # as `kiosk` ends in this case
    return os.EX_CONFIG if isinstance(error, ReaderMissing) else None


def _parser() -> argparse.ArgumentParser:
    from hw.card import conformance_command
    from hw.sim.card import command as card
    from hw.sim.coin import command as coin
    from hw.sim.display import command as display
    from hw.sim.lamp import command as lamp
    from hw.sim.printer import command as printer
    from hw.sim.scanner import command as scanner

    parser = UsageParser(prog="hw", description="The devices of a kiosk station.", parents=[common_options(0)])
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = verbs.add_parser("list", parents=[common_options(1)], help="card readers and the station's devices")
    listed.add_argument("--json", action="store_true", help="JSON lines")
    listed.set_defaults(verb=_list)
    health = verbs.add_parser(
        "health",
        parents=[common_options(1)],
        help="checks the station's devices",
        description="Checks the devices as UnifiedPOS CheckHealth does: internal touches nothing that one sees or "
        "hears, external prints, lights and kicks, interactive asks the person before the device. Exit code 0 when all "
        "passed, 1 when something failed, 2 when something stays unknown. Simulated devices keep their state under "
        "--data, which no kiosk may be working with meanwhile: its technician's screen has the same checks.",
    )
    health.add_argument("device", nargs="?", choices=(*CARD_READERS, *HEALTH_DEVICES), help="only this one")
    health.add_argument("--level", choices=[level.value for level in Level], default=Level.INTERNAL.value)
    health.add_argument("--json", action="store_true", help="one JSON object a device")
    health.set_defaults(verb=_health)
    unassigned = verbs.add_parser(
        "unassigned",
        parents=[common_options(1)],
        help="money in the coin machine that belongs to no deposit",
        description="Tells what the coin machine holds of interrupted deposits, and how many of its events were lost; "
        "reads the ledger below --data and asks no device. Beside a running kiosk it may look, and not settle. Exit "
        "code 2 while there is something to account for.",
    )
    unassigned.add_argument("--settle", action="store_true", help="a person has counted it and accounted for it")
    unassigned.set_defaults(verb=_unassigned)
    watch = verbs.add_parser(
        "watch",
        parents=[common_options(1)],
        help="tells what happens to the devices, until interrupted",
        description="Looks after the devices as a running station does, twice a second, and prints a line for every "
        "change: unplugged and back, out of paper, another device in its place.",
    )
    watch.add_argument("--json", action="store_true", help="JSON lines")
    watch.set_defaults(verb=_watch)
    sim = verbs.add_parser("sim", parents=[common_options(1)], help="a simulated device")
    devices = sim.add_subparsers(title="devices", metavar="DEVICE", required=True)
    for command in (card, printer, coin, display, lamp, scanner):
        command.add_parser(devices, parents=[common_options(2)]).set_defaults(verb=command.run)
    conform = verbs.add_parser("conform", parents=[common_options(1)], help="compatibility check, with a report")
    subjects = conform.add_subparsers(title="subjects", metavar="SUBJECT", required=True)
    for subject in conformance_command.add_parsers(subjects, parents=[common_options(2)]):
        subject.set_defaults(verb=lambda args: conformance_command.run(args, _readers_file(args.config)))
    return parser


def _list(args: argparse.Namespace) -> int:
    """Names the readers that the card service shows, what is known of them, and every device of hardware.toml."""
    hardware = _load_hardware(args)
    found: list[dict[str, str]] = []
    for name in DEVICES:
        table = getattr(hardware, name)
        if table.link:
            kinds = (getattr(table, key) for key in _KIND_KEYS if hasattr(table, key))
            found.append({"device": name, "link": table.link, "kind": str(next(kinds, ""))})
    from hw.card.pcsc import reader_names

    readers = read_reader_list(_readers_file(args.config))
    try:
        found += [
            {"device": "reader", "link": f"pcsc:{reader}", "kind": readers.standing_of(reader)}
            for reader in reader_names()
        ]
    except DeviceError as error:
        print(f"hw: no card readers: {error}", file=sys.stderr)
    for device in found:
        print(json.dumps(device) if args.json else f"{device['device']:8} {device['link']}  {device['kind']}".rstrip())
    return os.EX_OK


def _health(args: argparse.Namespace) -> int:
    """Checks the devices, one after the other."""
    from hw.card.health import check_readers
    from hw.health import Checker, check

    level, hardware = Level(args.level), _load_hardware(args)
    checker = Checker(_ask, is_training=bool(rehearsal_keys(hardware)))
    worst = Outcome.PASSED
    if args.device is not None and not getattr(hardware, args.device).link:
        raise ConfigInvalid("hardware", f"{args.device}.link", "this station has no such device")
    with _opened(args) as (devices, simulation):
        readers = read_reader_list(_readers_file(args.config))
        cards = check_readers(hardware, simulation, readers, checker, level, args.device)
        for health in chain(cards, check(devices, checker, level, args.device)):
            if args.json:
                print(json.dumps(health.as_json(), ensure_ascii=False), flush=True)
            else:
                print(f"{health.device:8} {health.outcome:8} {health.text}", flush=True)
                for measured in health.measurements:
                    wanted = wanted_beside(measured.told, measured.limits)
                    told = f"{measured.name}: {measured.told}" + (f" (wanted: {wanted})" if wanted else "")
                    print(f"         {measured.outcome:8} {told}")
                for name, count in health.statistics.items():
                    print(f"         {'':8} {name}: {count}")
            if health.outcome is Outcome.FAILED or worst is Outcome.PASSED:
                worst = health.outcome
    return {Outcome.PASSED: os.EX_OK, Outcome.FAILED: 1, Outcome.UNKNOWN: 2}[worst]


def _unassigned(args: argparse.Namespace) -> int:
    """Tells, and settles if asked to, what a person has to account for."""
    from hw.cash.coin_ledger import CoinLedger
    from hw.data_folder import hold_data
    from hw.devices import coin_ledger_path

    if args.data is None:
        print("hw: unassigned: --data is missing: it says whose money", file=sys.stderr)
        return os.EX_USAGE
    with hold_data(args.data) if args.settle else nullcontext():
        ledger = CoinLedger(coin_ledger_path(args.data / "sim"))
        if args.settle and ledger.state.due_yen is not None:
            ledger.note(what="interrupted")
        state = ledger.state
        print(
            f"unassigned {state.unassigned_yen} yen, lost events {state.lost_events}, resets {state.resets},"
            f" coins perhaps paid out {state.coins_in_doubt}"
        )
        for line in _left_of_payments(state):
            print(line)
        is_open = state.unassigned_yen or state.lost_events or state.coins_in_doubt or state.unread
        if args.settle:
            ledger.note(what="settled")
            return os.EX_OK
    return 2 if is_open or state.due_yen is not None else os.EX_OK


def _left_of_payments(state: "CoinState") -> Iterator[str]:
    """What is known beside the sums: a deposit without an end, what was paid for whom, acceptors exchanged unread."""
    if state.due_yen is not None:
        received = f"{state.coins_yen} yen in coins and {state.clerk_yen} yen from the clerk"
        yield f"deposit without an end: {received} towards {state.due_yen} yen"
    payments = {*state.traces, *([state.payout.payment] if state.payout is not None else [])}
    for payment in sorted(payments):
        traces = state.traces_of(payment)
        yield (
            f"payment {payment or 'without a name'}: {traces.coins_yen} yen of it in the machine, {traces.paid_yen} yen"
            f" paid out, {traces.perhaps_paid_yen} yen more perhaps paid out"
        )
    for acceptor in state.unread:
        yield f"acceptor no. {acceptor.serial} was exchanged with coins after event {acceptor.counter} unread"


def _watch(args: argparse.Namespace) -> int:
    """Prints what happens to the devices."""
    from hw.monitor import monitoring
    from hw.owner import DeviceReport

    turn = threading.Lock()

    def tell(report: DeviceReport) -> None:
        standing = report.standing
        line = {
            "device": report.name,
            "presence": standing.presence.value,
            "cause": standing.cause,
            "identity": standing.identity,
            "troubles": list(report.troubles),
        }
        more = ", ".join(report.troubles) or standing.cause or standing.identity
        try:
            with turn:
                plain = f"{report.name:8} {standing.presence:8} {more}".rstrip()
                print(json.dumps(line, ensure_ascii=False) if args.json else plain, flush=True)
        except OutputLost:
            os.kill(os.getpid(), signal.SIGTERM)  # which the command waits for; this is a device's own thread

    with _opened(args) as (devices, _), monitoring(devices, tell, monotonic=time.monotonic):
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return os.EX_OK


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[tuple["Devices", Path]]:
    """The devices that are no card readers, and where simulated ones keep their state; nowhere without --data."""
    from hw.data_folder import hold_data
    from hw.devices import open_devices

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM} if args.verb is _watch else ())
    with ExitStack() as held:
        data = args.data or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="hw-")))
        # Beside a running kiosk two programs would drive the same devices, and write the same books.
        held.enter_context(hold_data(data))
        simulation = data / "sim"
        trace = partial(print, file=sys.stderr)
        yield open_devices(_load_hardware(args), simulation, held, trace=trace), simulation


def _ask(question: Question) -> bool | None:
    """Asks on the terminal; None where there is nobody."""
    if not sys.stdin.isatty():
        return None
    print(f"{QUESTIONS[question]} [y/n] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip().lower()
    return answer == "y" if answer in ("y", "n") else None


def _load_hardware(args: argparse.Namespace) -> Hardware:
    """The devices that `kiosk.toml` points to, with those `--set` on top that concern them."""
    settings = settings_of(args)
    path = dict(settings).get("station.hardware") or _hardware_file(args.config)
    concerned = [(key, value) for key, value in settings if key.partition(".")[0] in Hardware.__dataclass_fields__]
    return set_hardware(read_tables(Path(path)), concerned, str(path))


def _check_settings(settings: Sequence[tuple[str, str]]) -> None:
    """Raises `ConfigInvalid` for a `--set` that no program knows; what is `kiosk`'s own is left alone otherwise.

    The kinds of its values are those in the shipped kiosk.toml, which states every key.
    """
    if not settings:
        return
    stated = {name: _kind_of(name, value) for name, value in read_tables(_SHIPPED).items()}
    known = _tables_of("Known", stated | get_type_hints(Hardware))
    tables: dict[str, object] = {}
    apply_settings(tables, settings, known)
    convert(tables, known, SET)


def _kind_of(name: str, value: object) -> Any:
    match value:
        case dict():
            return _tables_of(name, {key: _kind_of(key, inner) for key, inner in value.items()})
        case [first, *_]:
            return GenericAlias(list, (type(first),))
        case _:
            return type(value)


def _tables_of(name: str, kinds: Mapping[str, Any]) -> Any:
    return make_dataclass(name, [(key, kind, field(default=None)) for key, kind in kinds.items()])


def _readers_file(config: Path | None) -> Path:
    """The list of readers, beside hardware.toml."""
    return _hardware_file(config).parent / "readers.toml"


def _hardware_file(config: Path | None) -> Path:
    installed = Path("/etc/kiosk/kiosk.toml")
    path = config or (installed if installed.exists() else _SHIPPED)
    station = read_tables(path).get("station", {})
    name = station.get("hardware", "hardware.toml") if isinstance(station, Mapping) else None
    if not isinstance(name, str):
        raise ConfigInvalid(str(path), "station.hardware", "not the name of a file")
    return path.parent / name
