"""The counter that the screens stand on: what they ask of its station, and where each of its parts is had."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from kiosk.model.application import Application
from kiosk.model.resident import Resident
from kiosk.model.town import Areas
from kiosk.reception_hours import ReceptionHours
from kiosk.ui.books import Books
from kiosk.ui.card_services import CardServices
from kiosk.ui.devices import CoinMachine, DeviceState, Hand, SimulatedCard, StationDevices
from kiosk.ui.far import ClerkAtStation, FarClerk
from kiosk.ui.papers import CodeReader, Papers
from kiosk.ui.procedures import Procedures
from kiosk.ui.workbench import Check, Workbench

if TYPE_CHECKING:
    from kiosk.counter.roster import SignIn
    from kiosk.counter_records import CounterRecords
    from kiosk.issuance.station import Station
    from kiosk.ui.liking import Likings
    from kiosk.ui.tower import TowerSign
    from kiosk.ui.voice import Voice


class Unconfigured(Exception):
    """There is no configuration to make a counter from; the cause is what is wrong with it."""


@dataclass(frozen=True)
class FailureText:
    """A failure in words: what happened, for everybody; the remedy, for whoever of the staff acts; and who that is."""

    what: str
    remedy: str
    who: Literal["resident", "clerk", "technician"]


class Counter(Protocol):
    """The counter that the screens stand on.

    `open`, `close`, `residents` and `file_application` are called on the one thread that runs the cases; everything
    else may be called from any thread at any time, also while a case runs, and must not wait for that case.
    """

    holidays: Sequence[datetime.date]
    """On which the office is closed besides weekends and the end of the year."""
    hours: ReceptionHours | None
    """When applications are taken in; None: at any time."""
    clerk: str
    """The operator at the clerk's seat, as the journal names him, until somebody has signed in."""
    sign_in: "SignIn | None"
    """Says which clerk somebody is by what he typed, on any thread; None where every person's key opens an empty seat.
    Only once the counter is open."""
    likings: "Likings"
    """How those who sign in like their seats."""
    technician_sign_in: "SignIn | None"
    """The same of technicians; None where none may look into a station of another's."""

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

    def tell_devices(self, *, is_card_left: bool) -> None:
        """Tells the store how this station's devices are; called again and again. Raises `StoreLost`.

        `is_card_left`: somebody has forgotten his card in the reader.
        """
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
    def ring(self) -> "Callable[[], None] | None":
        """Rings once and returns, may block; None where the terminal's own bell does. Only once the counter is open."""
        ...

    @property
    def has_tower(self) -> bool:
        """Whether a signal tower stands here; only once the counter is open."""
        ...

    def show_sign(self, sign: "TowerSign") -> bool:
        """Shows it on the signal tower; whether the tower took it. Waits for the tower."""
        ...

    def fee_troubles(self) -> tuple[DeviceState, ...]:
        """What this station's fee and its receipt need and what cannot be worked with now; asks no device."""
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
        """The words for a failure code in `language`; easy Japanese has its own for what happened."""
        ...
