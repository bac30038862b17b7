"""Every device unplugged within each of its commands and plugged in again: is that known at once, and what of the work?

A device sits behind a plug, and its owner looks after it. For every call that passes bytes in a command, the plug is
pulled right before it; or, where a device answers at all, it falls silent there while the line stays open, as behind a
converter whose cable is cut. Then: the command ends with an error that is declared, or with an outcome that says it is
not known; the owner tells LOST with a cause; after the plug is in again it tells READY; and the next command works.
How long after the pull LOST was told is measured by the computer's clock, and belongs to a quiet machine.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from hw.cash.cctalk.acceptor import CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.cash.cctalk.hopper import CoinHopper
from hw.cash.coin_box import CoinBox
from hw.cash.coin_ledger import CoinLedger
from hw.display import CustomerDisplay
from hw.errors import DeviceError, LinkLost, NotSent
from hw.lamp import NEEDS_CLERK, SignalLamp
from hw.link.link import Link
from hw.link.memory import Core, MemoryLink
from hw.link.reconnect import Presence
from hw.link.reopening import ReopeningLink
from hw.monitor import COINS, DISPLAY, LAMP, printer_care
from hw.owner import Care, DeviceReport, Owner
from hw.ports import DepositEnd, PrintOutcome, Text
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.printer.shared import SharedPrinter
from hw.scanner import CodeScanner
from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.display.virtual import VirtualDisplay
from hw.sim.lamp.virtual import VirtualLamp
from hw.sim.printer.virtual import VirtualPrinter
from hw.sim.scanner.virtual import VirtualScanner

_AT_ONCE = 16
"""Cases that run side by side: nearly all of their time is the owner's waiting."""
_GENEROUS_S = 60.0


class Plug:
    """Where a device is plugged in; it is pulled before the call after so many more that pass bytes."""

    def __init__(self, core: Core, *, is_cut_by_silence: bool = False) -> None:
        self.core = core
        self.is_in = True
        self.is_silent = False
        self._is_cut_by_silence = is_cut_by_silence
        self.calls = 0
        self.pull_at: int | None = None
        self.pulled_s: float | None = None

    def open(self) -> Link:
        """A new line to the device. Raises `NotSent` while it is out."""
        if not self.is_in:
            raise NotSent("nothing is plugged in")
        return _Line(self)

    def count(self) -> None:
        """One more call that passes bytes. Raises `LinkLost` once the plug is out."""
        self.calls += 1
        if self.calls == self.pull_at:
            self.is_in, self.is_silent = self._is_cut_by_silence, self._is_cut_by_silence
            self.pulled_s = time.monotonic()
        if not self.is_in:
            raise LinkLost("unplugged")

    def put_in(self) -> None:
        """The device is there again."""
        self.is_in, self.is_silent = True, False


class _Line:
    is_one_way = False

    def __init__(self, plug: Plug) -> None:
        self._plug = plug
        self._link = MemoryLink(plug.core)

    def write(self, data: bytes, deadline_s: float) -> None:
        if not data and self._plug.is_in:
            return
        self._plug.count()
        if not self._plug.is_silent:
            self._link.write(data, deadline_s)

    def read(self, maximum: int, deadline_s: float) -> bytes:
        self._plug.count()
        if self._plug.is_silent:
            threading.Event().wait(max(0.0, deadline_s - time.monotonic()))
            return b""
        return self._link.read(maximum, deadline_s)

    def drain_input(self) -> None:
        if not self._plug.is_in:
            raise LinkLost("unplugged")
        self._link.drain_input()

    def close(self) -> None:
        self._link.close()


@dataclass(frozen=True)
class Kind:
    """A kind of device: its simulation, its driver behind a link, how it is looked after, and its commands.

    A command answers True when it was done for certain, and False when it says itself that it cannot tell.
    """

    core: Callable[[], Core]
    driver: Callable[[Link], Any]
    care: Callable[[], Care[Any]]
    commands: dict[str, Callable[[Any], bool]]
    answers: bool = True
    """Whether its owner is answered, so that silence is a loss."""


def _box(link: Link) -> CoinBox:
    bus = Bus(link, pause=lambda seconds: None)
    hopper = CoinHopper(bus)
    return CoinBox(CoinAcceptor(bus), CoinLedger(None), hopper=hopper, polls_itself=False, pause=lambda seconds: None)


def _printed(printer: SharedPrinter) -> bool:
    return printer.print(printer.render([Text("領収書")], "0017")) is PrintOutcome.CONFIRMED


def _deposit(box: CoinBox) -> bool:
    """A fee that a clerk takes while the acceptor comes or goes; its change is paid by the hopper as far as it is."""
    box.begin(500, "payment")
    box.deposit()
    box.take_from_clerk(600)
    box.fix()
    box.end(DepositEnd.CHANGE)
    return box.trouble is None and box.hopper_failure is None


def _done(act: Callable[[Any], object]) -> Callable[[Any], bool]:
    def run(device: Any) -> bool:
        act(device)
        return True

    return run


def _scan_care() -> Care[CodeScanner]:
    """A scanner has no owner in the station, since it is listened to only while a code is wanted; here it has one."""
    return Care(CodeScanner.connect, lambda scanner: "", lambda scanner: _listened(scanner))


def _listened(scanner: CodeScanner) -> tuple[str, ...]:
    scanner.read(0.0)
    return ()


KINDS: dict[str, Kind] = {
    "printer": Kind(
        VirtualPrinter,
        lambda link: SharedPrinter(EscposPrinter(link, MODELS["tm-t88-ja"])),
        lambda: printer_care(None),
        {
            "print": _printed,
            "status": _done(SharedPrinter.status),
            "cuts": _done(SharedPrinter.cuts),
            "identity": _done(SharedPrinter.identity),
            "drawer": _done(SharedPrinter.open_drawer),
        },
    ),
    "acceptor and hopper": Kind(
        VirtualCoinMachine,
        _box,
        lambda: COINS,
        {
            "deposit": _deposit,
            "self-check": _done(CoinBox.self_check),
            "hopper status": _done(CoinBox.hopper_status),
            "left over": _done(lambda box: box.left_over("payment")),
        },
    ),
    "display": Kind(
        VirtualDisplay,
        CustomerDisplay,
        lambda: DISPLAY,
        {"show": _done(lambda display: display.show("ﾃｽｳﾘｮｳ", "500"))},
        answers=False,
    ),
    "lamp": Kind(
        VirtualLamp,
        SignalLamp,
        lambda: LAMP,
        {"show": _done(lambda lamp: lamp.show(NEEDS_CLERK)), "signal": _done(SignalLamp.signal)},
    ),
    "scanner": Kind(
        VirtualScanner,
        lambda link: CodeScanner(link, "[0-9]+", dialect="honeywell"),
        _scan_care,
        {"look": _done(CodeScanner.look), "read": _done(lambda scanner: scanner.read(0.0))},
        answers=False,
    ),
}


@dataclass(frozen=True)
class Found:
    """What came of one pull: of which command, the verdict (upper case: wrong), the plan, and when LOST was told.

    `is_silence` is a line that stayed open; then the command's own waits are in that time.
    """

    kind: str
    verdict: str
    plan: str
    told_after_s: float = 0.0
    is_silence: bool = False


class _Watched:
    """A device behind a plug, and its owner."""

    def __init__(self, kind: Kind, *, is_cut_by_silence: bool = False) -> None:
        self.core: Any = kind.core()
        self.plug = Plug(self.core, is_cut_by_silence=is_cut_by_silence)
        self.reports = queue.Queue[tuple[DeviceReport, float]]()
        driver = kind.driver(ReopeningLink(self.plug.open))
        self.owner = Owner("device", driver, kind.care(), lambda report: self.reports.put((report, time.monotonic())))

    def until(self, presence: Presence) -> tuple[DeviceReport, float]:
        """The next report of that presence, and when it was told. Raises `queue.Empty` when it never comes."""
        while True:
            report, told_s = self.reports.get(timeout=_GENEROUS_S)
            if report.standing.presence is presence:
                return report, told_s

    def run(self, command: Callable[[Any], bool], pull_after: int | None = None) -> tuple[bool, int]:
        """What a command says, and how many of its calls passed bytes; the plug is pulled before one of them."""

        def work(device: Any) -> tuple[bool, int]:
            before = self.plug.calls
            self.plug.pull_at = None if pull_after is None else before + pull_after
            return command(device), self.plug.calls - before

        return self.owner.call(work, _GENEROUS_S)


def calls_of(kind: Kind, command: str) -> int:
    """How many calls of a command pass bytes when nothing goes wrong."""
    watched = _Watched(kind)
    try:
        watched.until(Presence.READY)
        is_done, calls = watched.run(kind.commands[command])
        assert is_done
        return calls
    finally:
        watched.owner.close()


def pulled(name: str, command: str, at: int, is_cut_by_silence: bool) -> Found:
    """What becomes of one command, and of the device, when the plug is pulled before its `at`th call."""
    way = "silent" if is_cut_by_silence else "pulled"
    kind, plan = KINDS[name], f"{name}: {command}, {way} before call {at}"
    watched = _Watched(kind, is_cut_by_silence=is_cut_by_silence)

    def found(verdict: str, told_after_s: float = 0.0) -> Found:
        return Found(f"{name}: {command}", verdict, plan, told_after_s, is_cut_by_silence)

    try:
        watched.until(Presence.READY)
        try:
            is_done, _ = watched.run(kind.commands[command], at)
            verdict = "done" if is_done else "told as unknown"
        except DeviceError as error:
            verdict = f"raised {type(error).__name__}"
        if watched.plug.pulled_s is None:
            return found("ended before")  # how often a payout is asked for depends on the clock
        if isinstance(watched.core, VirtualPrinter) and verdict == "done" and command == "print":
            if len(watched.core.sheets) != 1:
                return found("CONFIRMED WITHOUT PAPER")
        try:
            report, told_s = watched.until(Presence.LOST)
            if not report.standing.cause:
                return found("WITHOUT A CAUSE")
            watched.plug.put_in()
            watched.until(Presence.READY)
        except queue.Empty:
            return found("NEVER TOLD")
        is_done, _ = watched.run(kind.commands[command])
        if not is_done:
            return found("WORK IS NOT RESUMED")
        return found(verdict, told_s - watched.plug.pulled_s)
    except DeviceError as error:
        return found(f"NOT RESUMED {type(error).__name__}")
    finally:
        watched.owner.close()


def campaign(every: int, seed: int = 0) -> Iterator[Found]:
    """A pull before every `every`th call of every command of every device; the first is tried always."""
    plans = [
        (name, command, at, is_cut_by_silence)
        for name, kind in KINDS.items()
        for command in kind.commands
        for at in {1, *range(1 + seed % every, calls_of(kind, command) + 1, every)}
        for is_cut_by_silence in (False, True)
        if kind.answers or not is_cut_by_silence
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(lambda plan: pulled(*plan), plans)
