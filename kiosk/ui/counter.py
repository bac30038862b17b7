"""What the screens need of the counter behind them: its station, its devices' state, the words of its failures."""

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from hw.health_words import Question
from hw.ports import UnownedMoney
from kiosk.model.application import Application
from kiosk.model.resident import Resident
from kiosk.model.town import Areas
from kiosk.ui.far import ClerkAtStation, FarClerk

if TYPE_CHECKING:
    from kiosk.counter.roster import SignIn
    from kiosk.counter_records import CounterRecords
    from kiosk.issuance.persons import Clerk
    from kiosk.issuance.station import Station
    from kiosk.model.decision import CarriedOut, Decision
    from kiosk.model.revocation import RevocationApplication
    from kiosk.papers.press import Printed
    from kiosk.ui.service import Run
    from kiosk.ui.tower import TowerSign
    from kiosk.ui.voice import Voice


class Unconfigured(Exception):
    """There is no configuration to make a counter from; the cause is what is wrong with it."""


@dataclass(frozen=True)
class DeviceState:
    """One device as the technician sees it: `detail` is the cause in words when it is not ready."""

    name: str
    kind: str
    link: str
    state: Literal["ready", "blocked", "missing"]
    detail: str = ""
    is_refused: bool = False
    """Whether another device than before sits there, and waits for somebody to accept it."""
    found: str = ""
    """Who that is."""


@dataclass(frozen=True)
class StationDevices:
    """The devices of one station as it told the store last, and how many seconds ago that was."""

    station: str
    age_s: int
    devices: tuple[DeviceState, ...]


@dataclass(frozen=True)
class FailureText:
    """A failure in words: what happened, for everybody; the remedy, for whoever of the staff acts; and who that is."""

    what: str
    remedy: str
    who: Literal["resident", "clerk", "technician"]


class SimulatedCard(Protocol):
    """The resident's card of a demo; both calls return at once and may come from any thread."""

    @property
    def is_inserted(self) -> bool:
        """Whether the card lies in the simulated reader."""
        ...

    def insert(self) -> None:
        """Puts the card into the reader."""
        ...

    def hand_in(self) -> None:
        """Takes the card out of the terminal's reader and puts it into the window's."""
        ...

    def remove(self) -> None:
        """Takes the card out, wherever it lies and whatever it is doing."""
        ...


@dataclass(frozen=True, repr=False)
class OwnCertificate:
    """The certificate in the resident's card: for whom, from when to when, and what the authority says of it now.

    `state` is `good`, `pending`, `revoked`, `unknown`, or `unreachable` when the authority does not answer.
    """

    name: str
    address: str
    valid_from: datetime.date
    valid_until: datetime.date
    serial: str
    state: str


class CardUnusable(Exception):
    """The card did not do it; `reason` names why: `empty`, `no_card`, `wrong` (password), `locked` or `trouble`.

    `attempts` is how often the password may still be wrong.
    """

    def __init__(self, reason: str, attempts: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attempts = attempts


@dataclass(frozen=True)
class Judgement:
    """What an agency says to a signed application: `accepted` or not, and the checks with what each found.

    A check is `path`, `signature`, `usage`, `status` or `name`; its outcome `accepted`, `rejected` or `undecided`.
    """

    is_accepted: bool
    findings: tuple[tuple[str, str], ...]


class CardServices(Protocol):
    """What a resident may do with the certificate that he has. Called on the station's thread."""

    def attempts(self) -> int:
        """How often the card's password may still be wrong. Raises `CardUnusable`, also for a card without any."""
        ...

    def own_certificate(self, password: bytearray, sample: Callable[[str], str] | None = None) -> OwnCertificate:
        """The certificate in the card, which only its password opens; the caller wipes it. Raises `CardUnusable`.

        `sample` makes a text for the name in the certificate; the card signs it, and `judge` keeps the signature.
        """
        ...

    def judge(self, document: str, name: str) -> Judgement:
        """What an agency says when this text comes with that signature, and this name on the form."""
        ...


@dataclass(frozen=True, repr=False)
class LeftCase:
    """A case that has not ended and that nobody works on; `resident` is None when he left the register.

    `stage` is the journal's; a suspect case waits for two clerks who look at what is there. `procedure` is one of
    `kiosk.model.transition.Procedure`. `station` is the terminal whose case it is, where that stands elsewhere; then
    its resident is not known here.
    """

    number: str
    resident: Resident | None
    stage: str
    code: str
    is_suspect: bool
    procedure: str = "issuance"
    station: str = ""


@dataclass(frozen=True)
class JournalLine:
    """One entry of the journal as it is shown: no personal data, `case` a part of the random pseudonym."""

    seq: int
    at: datetime.datetime
    case: str
    event: str
    step: str


@dataclass(frozen=True)
class JournalView:
    """The newest entries, oldest first; how many there are, and why the chain does not hold, empty when it does."""

    lines: tuple[JournalLine, ...]
    count: int
    broken: str


@dataclass(frozen=True)
class DayTakings:
    """What the journal says of the money at this station since the drawer was counted last.

    `float_yen` lay in the drawer then; `until_seq` is the journal's last entry that was read; `receipts` the first and
    the last number, None where none was printed.
    """

    day: datetime.date
    issued: int
    fees_yen: int
    refunds: int
    refunds_yen: int
    left: int
    float_yen: int = 0
    until_seq: int = 0
    suspects: int = 0
    receipts: tuple[int, int] | None = None

    @property
    def due_yen(self) -> int:
        """What must be in the drawer."""
        return self.float_yen + self.fees_yen - self.refunds_yen


@dataclass(frozen=True)
class Statistics:
    """Certificates issued a day, oldest first, and how often which failure code ended a case, most frequent first."""

    issued: tuple[tuple[datetime.date, int], ...]
    codes: tuple[tuple[str, int], ...]


CheckOutcome = Literal["pass", "fail", "note"]


@dataclass(frozen=True)
class Check:
    """One line of a check: what was looked at, what was found there, and whether it can be worked with."""

    name: str
    outcome: CheckOutcome
    detail: str


@dataclass(frozen=True)
class SelfTest:
    """What a self-test of one device came to: when (ISO 8601), at which level, and each measurement with its limits.

    Outcomes are `passed`, `failed` or `unknown`; `statistics` the device's own counters.
    """

    at: str
    device: str
    level: str
    outcome: str
    measurements: tuple[tuple[str, str, str, str], ...]
    """Name, value, limits, outcome."""
    statistics: Mapping[str, int]


class Workbench(Protocol):
    """The technician's tools at an open station. Every call may block and belongs off the event loop."""

    def self_test(self, level: str, ask: Callable[[Question], bool | None]) -> tuple[SelfTest, ...]:
        """Checks every device (`internal`, `external` or `interactive`) and keeps the records; `ask` asks a person."""
        ...

    def self_tests(self, newest: int) -> tuple[SelfTest, ...]:
        """So many of the newest records, oldest first."""
        ...

    def line_trace(self) -> tuple[str, ...]:
        """What passed on the devices' lines lately, oldest first; of papers and codes only how long they were."""
        ...

    def card_probes(self) -> tuple[Check, ...]:
        """What the card in the reader answers to commands that change nothing and need no password."""
        ...

    def conformity(self, subject: str) -> str:
        """Runs the compatibility check of the `reader` or the `card`; its report, which is kept."""
        ...

    def supplies(self) -> tuple[Check, ...]:
        """What runs out."""
        ...

    def surroundings(self) -> tuple[Check, ...]:
        """Network, authority and clock."""
        ...

    def operations(self, language: str) -> str:
        """The operations book as text."""
        ...

    def print_operations(self, language: str) -> str:
        """Prints the operations book; where to look for it. Raises `hw.errors`."""
        ...

    def bundle(self) -> Path:
        """Writes a support bundle into the data directory; its file."""
        ...

    def accept_replacements(self, shown: Mapping[str, str]) -> None:
        """Devices were exchanged on purpose: those refused that were `shown`, by name, are worked with from now on."""
        ...


class CoinMachine(Protocol):
    """What a clerk settles of a coin machine; may be called from any thread, and waits for the machine."""

    def unowned(self) -> UnownedMoney:
        """What a person has to count. Raises `DeviceError`."""
        ...

    def settle(self, counted: UnownedMoney) -> int:
        """It was counted. Raises `DeviceError`, `Refused` among them when anything happened in it since."""
        ...


class CodeReader(Protocol):
    """Reads the codes of printed forms; called on one thread of its own."""

    def read(self, is_wanted: Callable[[], bool]) -> str | None:
        """The next code that could be a form's, empty for any other; None when it is not wanted any more."""
        ...

    def resident_of(self, code: str) -> Resident | None:
        """Whose printed form has this code; None when none has it, or it was handed in before."""
        ...


class Books(Protocol):
    """What is read in the station's books; called on one thread of its own, beside the cases."""

    def statistics(self, until: datetime.date, days: int) -> Statistics:
        """So many days up to and with `until`; without personal data."""
        ...

    def left_cases(self) -> tuple[LeftCase, ...]:
        """Every case that has not ended, by number."""
        ...

    def journal(self, newest: int) -> JournalView:
        """So many of the newest entries, after the whole chain was followed."""
        ...

    def takings(self, day: datetime.date, after: int) -> DayTakings:
        """The money of everything behind the journal's entry `after`, told as that day's (Japan)."""
        ...


class Hand(Protocol):
    """The hand at one simulated device; both calls return at once and may come from any thread."""

    @property
    def name(self) -> str:
        """The device's table in hardware.toml."""
        ...

    @property
    def orders(self) -> tuple[str, ...]:
        """What it can do."""
        ...

    def do(self, order: str) -> None:
        """Does one of `orders`."""
        ...

    def look(self) -> str:
        """What is to be seen of the device, in one line of English."""
        ...


class Papers(Protocol):
    """Prints the counter's papers by name (`kiosk.papers.catalogue`); on any thread, and slow: a printer is waited for.

    `values` and `rows` fill a paper's layout, what is not given is left to a pen; training voids every paper by itself.
    """

    def can_print(self, name: str) -> bool:
        """Whether this station has a printer for that paper."""
        ...

    def print(
        self,
        name: str,
        language: str,
        values: Mapping[str, str],
        rows: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
        marks: Collection[str] = (),
    ) -> "Printed":
        """Prints it once; what became of it. Raises `PrinterBlocked`, other `NotSent`, `Refused`, `PaperUnusable`."""
        ...

    def preview(
        self,
        name: str,
        language: str,
        values: Mapping[str, str],
        rows: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
        marks: Collection[str] = (),
    ) -> str:
        """The paper as text, as it would be printed."""
        ...


class DecisionRefused(Exception):
    """What the clerk decided cannot be done; `code` is the failure book's, empty when the case is not like that."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Procedures(Protocol):
    """What the counter does besides issuing, by number; called on the station's thread.

    A decision that cannot be carried out raises `DecisionRefused`.
    """

    def next_number(self, kind: str, year: int) -> str:
        """The next free number for a `kind` of `kiosk.ui.service.ServiceKind`."""
        ...

    def change_password(self, number: str) -> "Run":
        """The card's owner replaces his password."""
        ...

    def unlock(self, number: str, code: str) -> "Run":
        """The password of the resident of this code is set anew."""
        ...

    def revoke(self, application: "RevocationApplication", second: str | None) -> "Run":
        """A certificate is revoked; `second` is the clerk who signs too."""
        ...

    def left(self, number: str) -> tuple[str, "Run"]:
        """What kind of procedure an interruption left, and how it goes on."""
        ...

    def hold(self, number: str, until: datetime.date) -> bool | None:
        """Puts an application off; whether the slip came out, None when that is not known."""
        ...

    def resume(self, number: str) -> None:
        """Takes an application off hold."""
        ...

    def abort(self, number: str) -> str:
        """Ends a case; the failure book's code by which it is known."""
        ...

    def carry_out(self, decision: "Decision", clerk: "Clerk") -> "CarriedOut":
        """What `clerk` at a station of his own has decided; he is asked what has to be asked."""
        ...

    def settle(self, number: str, answer: str, second: str) -> None:
        """Records what this seat's clerk and a second one say."""
        ...

    def question(self, number: str) -> str:
        """What two clerks are asked about a case: `fee`, `receipt` or `refund`; empty for nothing."""
        ...

    def second_clerks(self) -> tuple[str, ...]:
        """The clerks who can sign beside the one at this seat."""
        ...


class Counter(Protocol):
    """The counter that the screens stand on.

    `open`, `close`, `residents` and `file_application` are called on the one thread that runs the cases; everything
    else may be called from any thread at any time, also while a case runs, and must not wait for that case.
    """

    holidays: Sequence[datetime.date]
    """On which the office is closed besides weekends and the end of the year."""
    clerk: str
    """The operator at the clerk's seat, as the journal names him, until somebody has signed in."""
    sign_in: "SignIn | None"
    """Says which clerk somebody is by what he typed, on any thread; None where every person's key opens an empty seat.
    Only once the counter is open."""

    def open(self) -> "Station":
        """Opens devices and authority; slow. Raises an exception whose text is for the technician."""
        ...

    def close(self) -> None:
        """Closes what `open` opened; also after an `open` that failed."""
        ...

    def file_application(self, resident: Resident) -> Application:
        """Takes in a resident's form, pre-filled from the register, under a new number (demo)."""
        ...

    def records(self) -> "CounterRecords":
        """What the counter keeps beside its cases; on the thread that will use it, once the counter is open."""
        ...

    def coin_machine(self) -> "CoinMachine | None":
        """The station's coin machine, None where a clerk takes the coins; only once the counter is open."""
        ...

    def areas(self) -> Areas:
        """The town's parts, for forms that are filled in at the terminal."""
        ...

    def code_reader(self) -> "CodeReader | None":
        """What reads the code of a printed form, None where the terminal has nothing of the kind."""
        ...

    def devices(self) -> tuple[DeviceState, ...]:
        """Every device of the station and its state now."""
        ...

    def tell_devices(self) -> None:
        """Tells the store how this station's devices are; called again and again. Raises `StoreLost`."""
        ...

    def station_devices(self) -> tuple[StationDevices, ...]:
        """The devices of every station of this store, by the station's name."""
        ...

    def books(self) -> Books:
        """Opens the station's books for reading; on the thread that will read them, once the counter is open."""
        ...

    def card_services(self) -> CardServices:
        """What the resident may do with a certificate that he has; only once the counter is open."""
        ...

    def workbench(self) -> Workbench:
        """The technician's tools; only once the counter is open."""
        ...

    def papers(self) -> Papers:
        """What prints the papers besides the receipt; only once the counter is open."""
        ...

    def simulated_card(self) -> SimulatedCard | None:
        """The demo's card, or None with a real reader."""
        ...

    def hands(self) -> tuple[Hand, ...]:
        """The hands at the simulated devices besides the card; none at real ones."""
        ...

    @property
    def voice(self) -> "Voice | None":
        """What speaks to the resident, where the terminal has it; only once the counter is open."""
        ...

    @property
    def has_tower(self) -> bool:
        """Whether a signal tower stands here; only once the counter is open."""
        ...

    def show_sign(self, sign: "TowerSign") -> bool:
        """Shows it on the signal tower; whether the tower took it. Waits for the tower."""
        ...

    @property
    def is_printer_stuck(self) -> bool:
        """Whether the receipt printer stopped at an error, such as a stuck cutter, and waits to be told to go on."""
        ...

    def recover_printer(self) -> None:
        """Lets it go on, once a person has removed the cause; what it still held is dropped. Waits for a print."""
        ...

    def receipts(self) -> Path | None:
        """The folder of the papers printed so far (NNNN.png, NNNN.txt), or None with a real printer."""
        ...

    def trace_lines(self) -> tuple[str, ...]:
        """The newest card exchanges, redacted, oldest first."""
        ...

    def far_clerk(self) -> FarClerk | None:
        """The clerk at a station of his own; None where he sits at this one. Only once the counter is open."""
        ...

    def attend_terminals(self, clerk: ClerkAtStation, is_stopping: Callable[[], bool]) -> None:
        """Answers terminals whose clerk sits here, until told to stop; on a thread of its own. Raises `StoreLost`."""
        ...

    def procedures(self) -> Procedures:
        """What is done besides issuing; once the counter is open."""
        ...

    def failure_codes(self) -> tuple[str, ...]:
        """Every code of the failure book, in its order."""
        ...

    def log_lines(self) -> tuple[str, ...]:
        """The newest lines of the program's log, oldest first; no personal data ever reaches it."""
        ...

    def checks(self) -> tuple[Check, ...]:
        """The configuration, setting by setting; secrets and personal data are not shown."""
        ...

    def failure_text(self, code: str, language: str) -> FailureText:
        """The words for a failure code in `language` (easy Japanese has none of its own and gets the Japanese ones)."""
        ...
