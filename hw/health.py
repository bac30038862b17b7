"""Health checks as UnifiedPOS names them: internal (nothing moves), external (one sees or hears it), interactive.

Each is a list of measurements with limits and an outcome, so that a technician at night, a log and a program read the
same thing. Source: UnifiedPOS, CheckHealth, PowerState, and the statistics names of each device category.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from hw.cash.coin_box import CoinBox
from hw.cash.drawer import ClerkDrawer
from hw.devices import Devices
from hw.display import CustomerDisplay
from hw.errors import DeviceError, LinkLost, NotSent, OutcomeUnknown, PrinterBlocked, Refused
from hw.health_words import Level, Outcome, Question
from hw.lamp import Light, Signal, SignalLamp
from hw.ports import CashBox, DepositEnd
from hw.printer.document import DocumentPrinter
from hw.printer.self_test import self_test_page
from hw.printer.shared import SharedPrinter
from hw.scanner import CodeScanner, Scanned

ANSWER_LIMIT_MS = 500.0
_FEE_COIN_YEN = 500
_CODE_S, _COIN_S = 20.0, 30.0
_LIT_S = 1.0
_PATTERN, _KATAKANA = "01234567890123456789", "\uff71\uff72\uff73\uff74\uff75 \u00a5500"
Ask = Callable[[Question], bool | None]
"""Puts a question to the person at the device: yes, no, or None when nobody can answer."""


class Power(IntEnum):
    """UnifiedPOS PowerState; a pulled cable and a device that is off look alike."""

    UNKNOWN = 2000
    ONLINE = 2001
    OFFLINE = 2003
    OFF_OFFLINE = 2004


@dataclass(frozen=True)
class Measurement:
    """One thing that was measured: `limits` say in words what passes."""

    name: str
    value: str | int | float | bool | None
    limits: str
    outcome: Outcome

    @property
    def told(self) -> str:
        """The value for a person: yes or no; what nobody could answer, or nothing was put in for, was skipped."""
        match self.value:
            case None:
                return "skipped"
            case bool():
                return "yes" if self.value else "no"
        return str(self.value)


@dataclass
class Health:
    """What a check of one device found; `text` is CheckHealthText."""

    device: str
    level: Level
    power: Power = Power.UNKNOWN
    measurements: list[Measurement] = field(default_factory=list)
    statistics: dict[str, int] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """The worst of its measurements."""
        found = {measurement.outcome for measurement in self.measurements}
        return next((one for one in (Outcome.FAILED, Outcome.UNKNOWN) if one in found), Outcome.PASSED)

    @property
    def text(self) -> str:
        """What UnifiedPOS calls CheckHealthText."""
        wrong = [m for m in self.measurements if m.outcome is not Outcome.PASSED]
        found = "Successful" if not wrong else ", ".join(f"{m.name}: {m.told}" for m in wrong)
        return f"{self.level.capitalize()} HCheck: {found}"

    def measure(self, name: str, value: str | int | float | bool | None, limits: str, is_good: bool | None) -> None:
        """Notes one measurement; None as `is_good` is unknown."""
        outcome = Outcome.UNKNOWN if is_good is None else Outcome.PASSED if is_good else Outcome.FAILED
        self.measurements.append(Measurement(name, value, limits, outcome))

    def as_json(self) -> Mapping[str, object]:
        """One line of `hw health --json`."""
        return {
            "device": self.device,
            "level": self.level.value,
            "outcome": self.outcome.value,
            "power": self.power.name.lower(),
            "power_state": int(self.power),
            "text": self.text,
            "measurements": [
                {"name": m.name, "value": m.value, "limits": m.limits, "outcome": m.outcome.value}
                for m in self.measurements
            ],
            "statistics": self.statistics,
        }


@dataclass(frozen=True)
class Checker:
    """Checks one device at a level; `ask` is for the interactive one, `pause` and `monotonic` the clock.

    `is_training` voids what is printed.
    """

    ask: Ask
    is_training: bool
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def printer(self, printer: SharedPrinter, level: Level) -> Health:
        """Status, identity and counters; a test page; whether kanji came out."""
        health = Health("printer", level)
        begun_s = self.monotonic()
        with _found(health, "status"):
            status = printer.status()
            self._answered(health, begun_s)
            if not status.is_online:
                health.power = Power.OFFLINE
            health.measure("causes", ", ".join(status.causes) or "none", "none", not status.causes)
            health.measure("paper near end", status.is_paper_near_end, "no", not status.is_paper_near_end)
            if not status.causes:
                health.measure("identity", printer.identity(), "any", True)
                for name, number in PRINTER_STATISTICS.items():
                    count = printer.counter(number)
                    if count is not None:
                        health.statistics[name] = count
            if level is not Level.INTERNAL:
                self._print_test_page(printer, health)
            if level is Level.INTERACTIVE:
                self._asked(health, "kanji printed", Question.KANJI_PRINTED)
        counts = printer.counts
        health.statistics |= {
            "UnknownOutcomeCount": counts.unknown_outcomes,
            "ReprintCount": counts.reprints,
            "FailedPaperCutCount": counts.failed_cuts,
            "BarcodePrintedCount": counts.barcodes,
            "ReceiptCoverOpenCount": counts.cover_openings,
            "MaximumTempReachedCount": counts.overheatings,
            "PrinterFaultCount": counts.faults,
            "CommunicationErrorCount": counts.line_errors,
        }
        if counts.ack_latency_ms is not None:
            health.statistics["AckLatencyMs"] = counts.ack_latency_ms
        return health

    def _print_test_page(self, printer: SharedPrinter, health: Health) -> None:
        try:
            outcome = printer.print(printer.render(self_test_page(is_training=self.is_training), "TEST"))
            health.measure("test page", outcome.value, "confirmed or printed", outcome.is_on_paper)
        except PrinterBlocked as error:
            health.measure("test page", ", ".join(error.causes), "confirmed", False)

    def drawer(self, drawer: ClerkDrawer, level: Level) -> Health:
        """A kick; whether it opened, by its sensor or by asking."""
        health = Health("cash", level, Power.ONLINE)
        counts = drawer.counts
        if level is not Level.INTERNAL:
            try:
                drawer.dispense(1)
                failure = drawer.kick_failure
                health.measure("kick", str(failure or "done"), "done", failure is None)
            except Refused as error:
                health.measure("kick", str(error), "done", None)
        if level is Level.INTERACTIVE:
            self._asked(health, "opened", Question.DRAWER_OPENED)
        health.statistics = {
            "DrawerGoodOpenCount": counts.drawer_good_open_count,
            "DrawerFailedOpenCount": counts.drawer_failed_open_count,
        }
        return health

    def coins(self, box: CoinBox, level: Level) -> Health:
        """Identity, self-check and books; opening and closing; a coin put in by hand."""
        health = Health("cash", level)
        with _found(health, "acceptor"):
            begun_s = self.monotonic()
            health.measure("identity", str(box.identify()), "any", True)
            self._answered(health, begun_s)
            code = box.self_check()
            health.measure("self-check", code, "0", code == 0)
            coins = sorted(box.coins_yen())
            health.measure("coins", ", ".join(map(str, coins)), f"with {_FEE_COIN_YEN}", _FEE_COIN_YEN in coins)
            hopper = box.hopper_status()
            if hopper is not None:
                health.measure("hopper idle", hopper.remaining, "0 coins to come", hopper.remaining == 0)
            if level is Level.EXTERNAL:
                self._open_and_close(box, health)
            if level is Level.INTERACTIVE:
                self._take_a_coin(box, health)
        state = box.state
        health.measure("money unassigned", state.unassigned_yen, "0 yen", state.unassigned_yen == 0)
        health.measure("events lost", state.lost_events, "0", state.lost_events == 0)
        health.measure("exchanged unread", len(state.unread), "0", not state.unread)
        health.measure("coins perhaps paid out", state.coins_in_doubt, "0", state.coins_in_doubt == 0)
        health.statistics = {
            "CoinAcceptedCount": state.accepted,
            "CoinRejectedCount": state.rejected,
            "CreditsLostCount": state.lost_events,
            "AcceptorResetCount": state.resets,
            "CommunicationErrorCount": box.line_errors,
        }
        return health

    def changer(self, changer: CashBox, level: Level) -> Health:
        """Its count of movements; a deposit opened and closed, which keeps nothing."""
        health = Health("cash", level)
        with _found(health, "changer"):
            begun_s = self.monotonic()
            moved = changer.counter()
            self._answered(health, begun_s)
            if level is not Level.INTERNAL:
                changer.begin(_FEE_COIN_YEN)
                fixed = changer.fix()
                left_yen = changer.end(DepositEnd.REPAY)
                health.measure("counts what is in it", not fixed.is_discrepant, "yes", not fixed.is_discrepant)
                health.measure("money meanwhile", fixed.received_yen, "0 yen", fixed.received_yen == 0)
                health.measure("to hand back", left_yen, "0 yen", left_yen == 0)
            health.statistics["MovementCount"] = moved
        return health

    def documents(self, documents: DocumentPrinter, level: Level) -> Health:
        """Whether the folder or queue takes documents; nothing is printed, at no level."""
        health = Health("documents", level)
        with _found(health, "takes documents"):
            health.measure("takes documents", documents.check(), "any", True)
            health.power = Power.ONLINE
        return health

    def _open_and_close(self, box: CoinBox, health: Health) -> None:
        box.begin(_FEE_COIN_YEN)
        trouble = box.trouble
        fixed = box.fix()
        back_yen = box.end(DepositEnd.REPAY)
        is_closed = trouble is None and box.trouble is None
        health.measure("opens and closes", str(trouble or box.trouble or "done"), "done", is_closed)
        health.measure("coins meanwhile", fixed.received_yen, "0 yen", fixed.received_yen == 0)
        health.measure("to hand back", back_yen, "0 yen", back_yen == 0)

    def _take_a_coin(self, box: CoinBox, health: Health) -> None:
        if self.ask(Question.COIN_READY) is not True:
            health.measure("coin taken", None, f"{_FEE_COIN_YEN} yen", None)
            return
        box.begin(_FEE_COIN_YEN)
        until_s = self.monotonic() + _COIN_S
        while box.deposit().received_yen < _FEE_COIN_YEN and self.monotonic() < until_s:
            self.pause(0.2)
        received_yen = box.fix().received_yen
        back_yen = box.end(DepositEnd.REPAY)
        health.measure("coin taken", received_yen, f"{_FEE_COIN_YEN} yen", received_yen == _FEE_COIN_YEN)
        health.measure("to hand back", back_yen, "any", True)
        if back_yen:
            # The books end at 0 yen: whoever put it in is owed what lies in the cash box.
            self._asked(health, "handed back", Question.COIN_BACK)

    def display(self, display: CustomerDisplay, level: Level) -> Health:
        """Whether it can be written to; a pattern; whether it was seen."""
        health = Health("display", level)
        with _found(health, "write"):
            display.connect()
            health.power = Power.ONLINE
            health.measure("write", "done", "done", True)
            if level is not Level.INTERNAL:
                display.show(_PATTERN, _KATAKANA)
                health.measure("pattern sent", True, "yes", True)
            if level is Level.INTERACTIVE:
                self._asked(health, "pattern seen", Question.PATTERN_SEEN)
                display.clear()
        health.statistics["CommunicationErrorCount"] = display.line_errors
        return health

    def lamp(self, lamp: SignalLamp, level: Level) -> Health:
        """What it shows; all its lights; whether they were seen."""
        health = Health("lamp", level)
        with _found(health, "status"):
            begun_s = self.monotonic()
            before = lamp.signal()
            self._answered(health, begun_s)
            if level is not Level.INTERNAL:
                everything = Signal(Light.ON, Light.ON, Light.ON)
                lamp.show(everything)
                shown = lamp.signal() == everything
                health.measure("shows what it is told", shown, "yes", shown)
                self.pause(_LIT_S)
            if level is Level.INTERACTIVE:
                self._asked(health, "lights seen", Question.LIGHTS_SEEN)
            if level is not Level.INTERNAL:
                lamp.show(before)
        health.statistics["CommunicationErrorCount"] = lamp.line_errors
        return health

    def scanner(self, scanner: CodeScanner, level: Level) -> Health:
        """Whether it can be reached; a code held before it by hand."""
        health = Health("scanner", level)
        health.statistics["GoodScanCount"] = scanner.good_scans
        with _found(health, "open"):
            scanner.connect()
            health.power = Power.ONLINE
            health.measure("open", "done", "done", True)
            if level is Level.INTERACTIVE:
                if self.ask(Question.CODE_READY) is not True:
                    health.measure("code read", None, "a code of the right form", None)
                    return health
                scanner.look()
                until_s, read = self.monotonic() + _CODE_S, False
                while not read and self.monotonic() < until_s:
                    read = any(isinstance(event, Scanned) for event in scanner.read(0.5))
                scanner.rest()
                health.measure("code read", read, "yes", read)
                health.statistics["GoodScanCount"] = scanner.good_scans
        return health

    def _answered(self, health: Health, begun_s: float) -> None:
        elapsed_ms = round((self.monotonic() - begun_s) * 1000, 1)
        health.power = Power.ONLINE
        health.measure("answer time ms", elapsed_ms, f"at most {ANSWER_LIMIT_MS:.0f}", elapsed_ms <= ANSWER_LIMIT_MS)

    def _asked(self, health: Health, name: str, question: Question) -> None:
        answer = self.ask(question)
        health.measure(name, answer, "yes", answer)


PRINTER_STATISTICS = {
    "ReceiptLineFeedCount": 20,
    "PaperCutCount": 50,
    "HoursPoweredCount": 70,
}
"""UnifiedPOS statistics to the numbers of GS g 2 (Epson: line feeds, autocuts, hours of operation)."""


@contextmanager
def _found(health: Health, what: str) -> Iterator[None]:
    """Notes as a failure of `what` that the device is not there, does not answer, or will not."""
    try:
        yield
    except DeviceError as error:
        if isinstance(error, LinkLost | NotSent | OutcomeUnknown) and not isinstance(error, PrinterBlocked):
            health.power = Power.OFF_OFFLINE
        health.measure(what, str(error), "answers", False)


def check(devices: Devices, checker: Checker, level: Level, wanted: str | None = None) -> Iterator[Health]:
    """The health of every device of the station, or of the `wanted` one."""
    checks: list[tuple[str, Callable[[], Health]]] = [("printer", lambda: checker.printer(devices.printer, level))]
    match devices.cash:
        case ClerkDrawer() as drawer:
            checks.append(("cash", lambda: checker.drawer(drawer, level)))
        case CoinBox() as box:
            checks.append(("cash", lambda: checker.coins(box, level)))
        case changer:
            checks.append(("cash", lambda: checker.changer(changer, level)))
    if (display := devices.display) is not None:
        checks.append(("display", lambda: checker.display(display, level)))
    if (lamp := devices.lamp) is not None:
        checks.append(("lamp", lambda: checker.lamp(lamp, level)))
    if (scanner := devices.scanner) is not None:
        checks.append(("scanner", lambda: checker.scanner(scanner, level)))
    if (documents := devices.documents) is not None:
        checks.append(("documents", lambda: checker.documents(documents, level)))
    for name, run in checks:
        if wanted in (None, name):
            yield run()
