"""A counter whose cases follow a script: what the screens stand on in tests, without devices and without an authority.

The script calls the persons and reports the steps in the order of the real use case; the test that runs the real one
is `test_real_case.py`.
"""

import datetime
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from hw.errors import CardRemoved
from hw.health_words import Question
from hw.ports import CashTrouble, KeyUse, MachineMoney, PinPolicy, PinStatus, PrintOutcome, UnownedMoney
from hw.sim.card.trap import CardTrap
from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.display.virtual import VirtualDisplay
from hw.sim.lamp.virtual import VirtualLamp
from hw.sim.panel import hand_at
from hw.sim.printer.virtual import VirtualPrinter
from hw.sim.scanner.virtual import VirtualScanner
from kiosk.counter_records import CounterRecords
from kiosk.issuance.failure import Halted, Refusal, RolledBack
from kiosk.issuance.persons import (
    Abandoned,
    AskedPassword,
    CardAction,
    DeliverySummary,
    IdentityQuestion,
    PaperSeen,
    Persons,
)
from kiosk.issuance.report import Phase, Report, StepReport
from kiosk.journal.head import HeadKey
from kiosk.journal.records import EffectState
from kiosk.journal.seal import StationKey
from kiosk.model.application import Application, Closed
from kiosk.model.authorisation import Operation
from kiosk.model.identity import PHOTO_ONLY, IdentityDocument, IdentityRoute
from kiosk.model.policy import ExemptionGround, PasswordKind
from kiosk.model.resident import FourItems, Resident, Sex
from kiosk.model.revocation import RevocationApplication
from kiosk.model.step import ACTOR, RevocationStep, Step, Supplement
from kiosk.model.town import Area, Areas, Town
from kiosk.model.transition import Stage
from kiosk.papers.press import Printed
from kiosk.reception_hours import ReceptionHours
from kiosk.ui.books import DayTakings, EndedCase, JournalLine, JournalQuery, JournalView, LeftCase, Statistics
from kiosk.ui.card_services import CardUnusable, Judgement, OwnCertificate
from kiosk.ui.counter import FailureText
from kiosk.ui.devices import CoinMachine, DeviceState, Hand, StationDevices
from kiosk.ui.liking import Liking
from kiosk.ui.procedures import DecisionRefused
from kiosk.ui.service import Run
from kiosk.ui.workbench import Check, SelfTest
from tests.counter.counter_store import CounterStore, TurnedClock, new_clerk
from tests.stores import sqlite_store

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
VALID_UNTIL = datetime.datetime(2029, 11, 22, 14, 59, 59, tzinfo=datetime.UTC)
NAMES = (
    "幌延　太郎",
    "幌延　花子",
    "斎藤　清",
    "高橋　和子",
    "渡辺　健",
    "髙田　実",
    "中村　さくら",
    "小林　誠",
    "加藤　由美",
    "吉田　勇",
    "山田　翠",
)
"""Eleven, so that they need two pages."""
READINGS = (
    "ほろのべ　たろう",
    "ほろのべ　はなこ",
    "さいとう　きよし",
)
"""Of the first; the others have none."""
ROUTES = (
    *PHOTO_ONLY,
    IdentityRoute(
        "letter",
        (IdentityDocument.ANSWERED_LETTER,),
        ("signature", "deadline", "entries"),
        (IdentityDocument.HEALTH_INSURANCE, IdentityDocument.PENSION_BOOK),
    ),
)


def resident(number: int) -> Resident:
    """A fictional resident."""
    items = FourItems(
        NAMES[number],
        f"北海道天塩郡幌延町宮園町{number + 1}番地1",
        datetime.date(1950 + 3 * number, 5, 3),
        Sex.FEMALE,
    )
    reading = READINGS[number] if number < len(READINGS) else ""
    return Resident(f"{10000000000 + number}", items, reading)


NOW = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)


class ScriptedReader:
    """A reader and the card in it; insertion is the hand's."""

    def __init__(self) -> None:
        self.name = "scripted"
        self._is_inside = False
        self._changed = threading.Condition()

    @property
    def is_inserted(self) -> bool:
        return self._is_inside

    def insert(self) -> None:
        self._set(True)

    def remove(self) -> None:
        self._set(False)

    def _set(self, is_inside: bool) -> None:
        with self._changed:
            self._is_inside = is_inside
            self._changed.notify_all()

    def is_card_present(self) -> bool:
        return self._is_inside

    def wait_for_card(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._is_inside, timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_inside, timeout_s)


FOUR_DIGITS = PinPolicy(4, 4, "0123456789")


@dataclass
class Script:
    """What happens in a case beside the ordinary; steps in `hold` wait until let go, in `skip` are left out."""

    refuse_with: str | None = None
    is_paper_unclear: bool = False
    is_paper_at_end: bool = False
    ask_password_again: bool = False
    hold: frozenset[Step] = frozenset()
    skip: frozenset[Step] = frozenset()
    password: bytearray | None = None
    evidence: object = None
    tendered_yen: int | None = None
    cash_troubles: tuple[CashTrouble, ...] = ()
    defect: Exception | None = None
    released: threading.Event = field(default_factory=threading.Event)
    policy: PinPolicy = field(default_factory=lambda: PinPolicy(4, 16, LETTERS))
    has_two_passwords: bool = False
    exemptions: tuple[ExemptionGround, ...] = ()
    asks_for_card: bool = False
    questions: Mapping[str, str] = field(default_factory=dict)
    """What two clerks are asked about a case, by its number; about the fee where nothing else is said."""

    def let_go(self) -> None:
        """Lets the held steps go on."""
        self.released.set()


class ScriptedServices:
    """`kiosk.ui.card_services.CardServices` with a certificate and a password of its own; None is an empty card's."""

    def __init__(self) -> None:
        day = datetime.date(2026, 11, 22)
        self.certificate: OwnCertificate | None = OwnCertificate(
            NAMES[1], resident(1).items.address, day, VALID_UNTIL.date(), "0A1B2C3D0A1B2C3D", "good"
        )
        self.signed = ""
        self.left = 5

    def attempts(self) -> int:
        if self.certificate is None:
            raise CardUnusable("empty")
        return self.left

    def own_certificate(self, password: bytearray, sample: Callable[[str], str] | None = None) -> OwnCertificate:
        assert self.certificate is not None
        if password != b"AB01":
            self.left -= 1
            raise CardUnusable("wrong" if self.left else "locked", self.left)
        if sample is not None:
            self.signed = sample(self.certificate.name)
        return self.certificate

    def judge(self, document: str, name: str) -> Judgement:
        outcome = {True: "accepted", False: "rejected"}
        found = {"path": True, "signature": document == self.signed}
        if found["signature"]:
            assert self.certificate is not None
            found |= {"usage": True, "status": True, "name": name == self.certificate.name}
        return Judgement(all(found.values()), tuple((check, outcome[is_fine]) for check, is_fine in found.items()))


@dataclass
class ScriptedBooks:
    """`kiosk.ui.books.Books` of a day with two certificates."""

    left: tuple[LeftCase, ...]

    def left_cases(self, today: datetime.date) -> tuple[LeftCase, ...]:
        return self.left

    def journal(self, asked: JournalQuery) -> JournalView:
        at = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)
        told = [(state, step) for step in Step for state in (EffectState.INTENDED, EffectState.DONE)]
        told += [(state, Step.RECEIPT) for state in EffectState]
        lines = [
            JournalLine(seq, at, "2026-0001", state, step, yen=500 if (state, step) == ("done", Step.FEE) else None)
            for seq, (state, step) in enumerate(told, 1)
        ]
        longest = (Supplement.SECOND_CONFIRM, RevocationStep.IDENTITY_CHECK, Supplement.SECOND_WRITE, Step.CONFIRM)
        lines += [
            JournalLine(len(lines) + number, at, "0badcafe", EffectState.FAILED, step, code="K-DEVICE-004")
            for number, step in enumerate(longest, 1)
        ]
        found = [line for line in lines if asked.text in (str(line.seq), line.case, line.code, "")]
        return JournalView(tuple(found[: len(found) - asked.skipped][-asked.newest :]), len(found), len(lines), "")

    def statistics(self, until: datetime.date, days: int) -> Statistics:
        issued = tuple((until - datetime.timedelta(days=ago), ago % 5) for ago in range(days))
        failed = tuple((day, count % 2) for day, count in issued)
        took = {"certify": tuple(None if count == 0 else count / 4 for _, count in issued)}
        at = datetime.datetime(2026, 11, 22, 3, 12)
        ended = EndedCase(at, "rolled_back", "K-CARD-003"), EndedCase(at, "password_change_unknown", "")
        return Statistics(issued, (("E02", 3), ("K-CARD-003", 1)), failed, took, ended)

    def takings(self, day: datetime.date, after: int) -> DayTakings:
        held = sum(case.stage == Stage.ON_HOLD for case in self.left)
        return DayTakings(day, 2, 1000, 1, 500, len(self.left) - held, receipts=(16, 17), held=held)


class ScriptedPapers:
    """`kiosk.ui.papers.Papers` that keeps what it was asked to print, all of which comes out."""

    def __init__(self) -> None:
        self.printed: list[tuple[str, dict[str, str]]] = []

    def can_print(self, name: str) -> bool:
        return True

    def print(self, name, language, values, rows=None, marks=()) -> Printed:
        self.printed.append((name, dict(values)))
        return Printed(name, PrintOutcome.CONFIRMED)

    def preview(self, name, language, values, rows=None, marks=()) -> str:
        return name


@dataclass
class ScriptedCoins:
    """A coin machine that holds this of nobody until it is settled."""

    money: UnownedMoney

    def unowned(self) -> UnownedMoney:
        return self.money

    def settle(self, counted: UnownedMoney) -> int:
        self.money = UnownedMoney(0, 0, 0, 0, 0, counted.entry + 1)
        return counted.unassigned_yen


class ScriptedWorkbench:
    """`kiosk.ui.workbench.Workbench` whose devices are well; `asked` is what the technician answered."""

    def __init__(self) -> None:
        self.records: list[SelfTest] = []
        self.asked: list[bool | None] = []
        self.accepted: list[dict[str, str]] = []

    def self_test(self, level, ask) -> tuple[SelfTest, ...]:
        if level == "interactive":
            self.asked.append(ask(Question.LIGHTS_SEEN))
        measured = (("answer time ms", "1.5", "at most 500", "passed"),)
        record = SelfTest("2026-11-22T10:00:00+09:00", "printer", level, "passed", measured, {"PaperCutCount": 17})
        self.records.append(record)
        return (record,)

    def self_tests(self, newest: int) -> tuple[SelfTest, ...]:
        return tuple(self.records[-newest:])

    def line_trace(self) -> tuple[str, ...]:
        return ("10:00:00 printer > 10 04 01", "10:00:00 printer < 12")

    def card_probes(self) -> tuple[Check, ...]:
        return (Check("application", "pass", "juki-2011"),)

    def conformity(self, subject: str) -> str:
        return f"report of the {subject}: PASS"

    def supplies(self) -> tuple[Check, ...]:
        return (Check("paper", "pass", "enough"),)

    def surroundings(self) -> tuple[Check, ...]:
        return (Check("clock", "pass", "2026-11-22 19:00:00 +0900"),)

    def operations(self, language: str) -> str:
        return "what to do when a device stops"

    def print_operations(self, language: str) -> str:
        return "operations-0001.pdf"

    def bundle(self) -> Path:
        return Path("support.tar.gz")

    def accept_replacements(self, shown) -> None:
        self.accepted.append(dict(shown))


class ScriptedLikings:
    """`kiosk.ui.liking.Likings` of this process alone."""

    def __init__(self) -> None:
        self._kept: dict[str, Liking] = {}

    async def of(self, person: str) -> Liking | None:
        return self._kept.get(person)

    async def keep(self, person: str, liking: Liking) -> None:
        self._kept[person] = liking


class ScriptedCounter:
    """`kiosk.ui.counter.Counter` on a script."""

    clerk = "demo"
    holidays = ()
    hours: ReceptionHours | None = None

    @staticmethod
    def sign_in(typed: bytearray) -> str | None:
        """Two clerks, by number and PIN."""
        return {b"011234": "demo", b"025678": "second"}.get(bytes(typed))

    technician_sign_in = None

    def __init__(self, script: Script | None = None, *, papers: Path | None = None, fails_to_open: str = "") -> None:
        self.script = script or Script()
        self.likings = ScriptedLikings()
        self.reader = ScriptedReader()
        self.services = ScriptedServices()
        self.paper_press = ScriptedPapers()
        self.tools = ScriptedWorkbench()
        self.coins: CoinMachine | None = None
        self.simulators: tuple[Hand, ...] = tuple(
            hand_at(name, core)
            for name, core in (
                *(("printer", VirtualPrinter()), ("cash", VirtualCoinMachine()), ("display", VirtualDisplay())),
                *(("lamp", VirtualLamp()), ("scanner", VirtualScanner()), ("card", CardTrap())),
            )
        )
        self.clock = lambda: NOW
        self.signs: list[str] = []
        self.left: tuple[LeftCase, ...] = ()
        self.is_closed = False
        self.terminal_clerk = None
        self.told_devices = 0
        self.attends = threading.Event()
        self._pause = threading.Event()
        self._papers = papers
        self._fails_to_open = fails_to_open
        self._filed = 0
        self.protected: frozenset[int] = frozenset()
        self._folder: TemporaryDirectory[str] | None = None

    def open(self) -> object:
        if self._fails_to_open:
            raise RuntimeError(self._fails_to_open)
        rules = SimpleNamespace(minimum_length=4, maximum_length=16, characters=LETTERS)
        return SimpleNamespace(
            town=Town("01488", "北海道", "Hokkaido", "幌延町", "Horonobe-cho"),
            policy=SimpleNamespace(
                fee=SimpleNamespace(issue_yen=500),
                passwords={"signature": rules},
                certificates=(SimpleNamespace(validity_years=3),),
                identity=ROUTES,
            ),
            register=SimpleNamespace(residents=self._residents),
            clock=lambda: self.clock(),
            name="window",
            journal=SimpleNamespace(reached=lambda number: Step.APPLICATION),
            clerk_key=new_clerk("demo"),
            reader=self.reader,
            readers=(self.reader,),
        )

    def _residents(self) -> tuple[Resident, ...]:
        return tuple(replace(resident(n), is_protected=n in self.protected) for n in range(len(NAMES)))

    def close(self) -> None:
        self.is_closed = True

    def file_application(self, who: Resident) -> Application:
        self._filed += 1
        return Application(f"2026-{self._filed:04d}", who.code)

    def records(self) -> CounterRecords:
        """Of a store that lives in a folder of its own as long as the counter."""
        if self._folder is None:
            self._folder = TemporaryDirectory(ignore_cleanup_errors=True)
        store = sqlite_store(Path(self._folder.name))
        self.kept = kept = CounterStore(store, TurnedClock(NOW), HeadKey(bytes(32)), StationKey(bytes(32)))
        return CounterRecords(kept.journal(), kept.forms(), kept.queue(), kept.counts(), kept.devices())

    def coin_machine(self):
        return self.coins

    def areas(self) -> Areas:
        return Areas("北海道天塩郡幌延町", (Area("宮園町", "みやぞのちょう"), Area("下沼", "しもぬま")))

    def far_clerk(self) -> None:
        """The clerk sits here."""

    def attend_terminals(self, clerk, is_stopping) -> None:
        """What terminals ask comes by the test's own calls at `terminal_clerk`."""
        self.terminal_clerk = clerk
        self.attends.set()
        while not is_stopping():
            self._pause.wait(0.05)

    def code_reader(self) -> None:
        return None

    def devices(self) -> tuple[DeviceState, ...]:
        return (
            DeviceState("reader", "card_reader", "sim:", "ready", "card_inserted" if self.reader.is_inserted else ""),
            DeviceState("printer", "receipt_printer", "serial:///dev/kiosk/receipt", "blocked", "paper_end"),
            DeviceState("cash", "clerk_drawer", "printer:", "missing", "no answer"),
            DeviceState("display", "customer_display", "serial:///dev/kiosk/display", "ready"),
            DeviceState("lamp", "signal_lamp", "tcp://10.0.0.7:10000", "ready"),
            DeviceState("scanner", "code_scanner", "serial:///dev/kiosk/scanner", "ready"),
            DeviceState("documents", "document_printer", "cups:counter-a4", "ready", "not_looked_after"),
        )

    def tell_devices(self, *, is_card_left: bool) -> None:
        self.told_devices += 1

    def station_devices(self) -> tuple[StationDevices, ...]:
        if self.stations is not None:
            return self.stations
        reader = DeviceState("reader", "card_reader", "pcsc:READER", "missing", "the reader was unplugged")
        return (StationDevices("lobby", 4, self.devices()), StationDevices("annex", 754, (reader,)))

    def books(self) -> "ScriptedBooks":
        return ScriptedBooks(self.left)

    def card_services(self) -> "ScriptedServices":
        return self.services

    def papers(self) -> ScriptedPapers:
        return self.paper_press

    def simulated_card(self) -> ScriptedReader:
        return self.reader

    def workbench(self) -> ScriptedWorkbench:
        return self.tools

    def hands(self) -> tuple[Hand, ...]:
        return self.simulators

    def procedures(self) -> "ScriptedProcedures":
        return ScriptedProcedures(self.script)

    troubles: tuple[DeviceState, ...] = ()
    stations: tuple[StationDevices, ...] | None = None
    """What stations told, in place of the usual two."""

    def fee_troubles(self) -> tuple[DeviceState, ...]:
        return self.troubles

    is_printer_stuck = False
    recovered = 0

    def recover_printer(self) -> None:
        self.recovered += 1
        self.is_printer_stuck = False

    has_tower = True
    voice = None
    ring: Callable[[], None] | None = None

    def show_sign(self, sign) -> bool:
        self.signs.append(sign)
        return True

    def receipts(self) -> Path | None:
        return self._papers

    def trace_lines(self) -> tuple[str, ...]:
        return ("> 00A4040C 10 bytes", "< 9000", "> 0020.... [PIN]", "< 9000")

    def failure_codes(self) -> tuple[str, ...]:
        return ("E01", "E02")

    def log_lines(self) -> tuple[str, ...]:
        return ("11-22 10:00:00 WARNING hw.printer: paper is low",)

    def checks(self) -> tuple[Check, ...]:
        return (Check("card.link", "pass", "sim:"), Check("authority.url", "fail", "no answer"))

    def failure_text(self, code: str, language: str) -> FailureText:
        if code == "K-CARD-003":
            return FailureText("手続の途中でカードが抜けました。", "カードを入れてください。", "resident")
        if code == "K-CA-002":
            return FailureText("認証局から返事がありませんでした。", "ネットワークを確かめてください。", "technician")
        if language.startswith("ja"):
            return FailureText(
                "今の法律では、この手続はご利用いただけません。", "別の方法を、職員がご案内します。", "clerk"
            )
        return FailureText("By current law we cannot issue this certificate.", "Show another way.", "clerk")

    def issue(self, application: Application, station: object, persons: Persons, report: Report) -> Closed:
        """The scripted use case."""
        try:
            return self._issue(application, persons, report)
        except Abandoned:
            raise RolledBack("K-CASE-002") from None
        except CardRemoved:
            raise RolledBack("K-CARD-003") from None

    def _issue(self, application: Application, persons: Persons, report: Report) -> Closed:
        script, who = self.script, resident(int(application.resident_code) - 10000000000)
        question = IdentityQuestion(
            application.number, who.items, application.form_items or who.items, (), exemptions=script.exemptions
        )

        def insert() -> None:
            while not self.reader.is_inserted:
                persons.resident.card(CardAction.INSERT)
                self.reader.wait_for_card(0.05)

        def identify() -> None:
            if script.refuse_with:
                raise Refusal(script.refuse_with)
            script.evidence = persons.clerk.check_identity(question)

        def choose() -> None:
            script.password = persons.resident.choose_password(script.policy)

        def certify() -> None:
            if script.defect is not None:
                raise script.defect

        def enter() -> None:
            if script.ask_password_again:
                script.password = persons.resident.enter_password(PinStatus(True, 4))

        def pay() -> None:
            persons.resident.consent(DeliverySummary(who.items.name, VALID_UNTIL, 500, who.items.name))
            script.tendered_yen = persons.clerk.take_fee(500)
            for trouble in script.cash_troubles:
                persons.clerk.mind_cash(trouble)
            persons.clerk.give_change(script.tendered_yen - 500)

        def take() -> None:
            if script.asks_for_card:
                persons.clerk.is_card_returned()
            while self.reader.is_inserted:
                persons.resident.card(CardAction.TAKE)
                self.reader.wait_for_removal(0.05)

        def look() -> None:
            if script.is_paper_at_end:
                raise Halted("K-PRINTER-001")
            while script.is_paper_unclear and persons.clerk.look_at_paper(17) is not PaperSeen.WHOLE:
                pass

        effects: dict[Step, Callable[[], None]] = {
            Step.APPLICATION: insert,
            Step.IDENTITY_CHECK: identify,
            Step.AUTHORISE: lambda: persons.clerk.approve(question),
            Step.GENERATE_KEY: choose,
            Step.CERTIFY: certify,
            Step.READ_BACK: enter,
            Step.FEE: pay,
            Step.TAKE_CARD: take,
            Step.RECEIPT: look,
        }
        for step in Step:
            if step not in script.skip:
                report(StepReport(step, ACTOR[step], Phase.BEGUN))
                effects.get(step, _nothing)()
                if step in script.hold:
                    script.released.wait(10)
                report(StepReport(step, ACTOR[step], Phase.DONE, 1.0, 1))
        return Closed("pseudonym", "0A1B2C3D", b"", 17, VALID_UNTIL)


def _nothing() -> None:
    pass


class ScriptedProcedures:
    """`kiosk.ui.procedures.Procedures`: asks what the real ones ask, and does nothing."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def next_number(self, kind: str, year: int) -> str:
        return f"{kind[0].upper()}{year}-0001"

    def change_password(self, number: str) -> Run:
        def ask(persons: Persons) -> None:
            statuses = {KeyUse.SIGNATURE: PinStatus(True, 5), KeyUse.AUTHENTICATION: PinStatus(True, 0)}
            use = KeyUse.SIGNATURE
            if self._script.has_two_passwords:
                use = persons.resident.which_password(statuses)
            is_second = use is KeyUse.AUTHENTICATION
            policy = FOUR_DIGITS if is_second else self._script.policy
            persons.resident.enter_old_password(PinStatus(True, 5), AskedPassword(use, policy))
            if is_second:
                persons.resident.choose_authentication_password(policy)
            else:
                persons.resident.choose_password(policy)

        return _stoppable(ask)

    def unlock(self, number: str, code: str) -> Run:
        def ask(persons: Persons) -> None:
            _ask_clerk(persons, number, "reset_password")
            persons.resident.choose_password(self._script.policy)

        return _stoppable(ask)

    def revoke(self, application: RevocationApplication, second: str | None) -> Run:
        return _stoppable(lambda persons: _ask_clerk(persons, application.number, "revoke"))

    def left(self, number: str) -> tuple[str, bool, Run]:
        return "change", True, self.change_password(number)

    def hold(self, number: str, until: datetime.date) -> bool | None:
        return True

    def resume(self, number: str) -> None:
        return None

    def abort(self, number: str) -> str:
        return "E01"

    def settle(self, number: str, answer: str, second: str) -> None:
        raise DecisionRefused("E01")

    def question(self, number: str) -> str:
        return self._script.questions.get(number, Step.FEE)

    def known_money(self, number: str) -> MachineMoney:
        return MachineMoney(coins_yen=300)

    def second_clerks(self) -> tuple[str, ...]:
        return ("second",)


def _stoppable(ask: Callable[[Persons], None]) -> Run:
    def run(station: object, persons: Persons, report: Report) -> object:
        try:
            ask(persons)
        except Abandoned as abandoned:
            raise RolledBack("E01") from abandoned
        return "done"

    return run


def _ask_clerk(persons: Persons, number: str, operation: Operation) -> None:
    who = resident(0)
    which: PasswordKind | None = "signature" if operation == "reset_password" else None
    question = IdentityQuestion(number, who.items, who.items, (), operation, which=which)
    persons.clerk.check_identity(question)
    persons.clerk.approve(question)


def a_left_case(counter: ScriptedCounter) -> None:
    """One case of the counter was left by an interruption, and one is suspect."""
    counter.left = (
        LeftCase("2026-0001", resident(0), "delivered", "", False),
        LeftCase("2026-0002", resident(2), "fee_suspect", "", True),
    )
