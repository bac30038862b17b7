"""What the screens of a terminal ask of a clerk at a station of his own, and what that station asks of its screens."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from kiosk.model.resident import Resident

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping, Sequence

    from kiosk.counter.asking import FormLooked
    from kiosk.counter.desk import Decisions, Reception, Witnesses
    from kiosk.counter.line import Question as TerminalAsked
    from kiosk.issuance.persons import Clerk
    from kiosk.issuance.station import TwoClerks
    from kiosk.journal.records import CaseElsewhere
    from kiosk.model.decision import CarriedOut, Decision
    from kiosk.model.form import Form


class FarReception(Protocol):
    """The clerk at his own station, for a resident without a case; every call blocks until he has answered.

    Raises `Abandoned` when his station cannot be reached, and whatever the wish to give up raises.
    """

    def look_at_form(self, form: "Form") -> "FormLooked":
        """Compares a form that was typed with the register."""
        ...

    def send_form(self) -> Resident:
        """Takes a form in for this terminal."""
        ...

    def come(self) -> None:
        """Goes to the resident who called."""
        ...

    def end_deserted(self) -> None:
        """Looks at a password entry that nobody seems to be at, and ends it."""
        ...


class FarDecisions(Protocol):
    """The clerk at his own station, about cases that were left here.

    Raises `hw.errors.LinkLost` and `hw.errors.Refused` of his station, `Abandoned` when he leaves it for now.
    """

    def decide(self, cases: "Sequence[str]", until: "Mapping[str, datetime.date]") -> "Decision":
        """What he decides about one of them, named by their pseudonyms; blocks until he does.

        `until` is the day of each that is put off.
        """
        ...

    def tell(self, carried_out: "CarriedOut") -> None:
        """What came of it."""
        ...


class FarClerk(Protocol):
    """The clerk where he sits at a station of his own. `give_up` is called while he is waited for, and may raise."""

    def clerk(self, number: str, give_up: Callable[[], None]) -> "Clerk":
        """Asked about the application of a number, on the station's thread."""
        ...

    def reception(self, give_up: Callable[[], None]) -> FarReception:
        """Asked for a resident without a case, on any other thread, one call at a time."""
        ...

    def two_clerks(self, give_up: Callable[[], None]) -> "TwoClerks":
        """Asked about suspect cases, on a third thread, one call at a time."""
        ...

    def decisions(self, give_up: Callable[[], None]) -> FarDecisions:
        """Asked about cases that were left, on a fourth thread, one call at a time."""
        ...


class ClerkAtStation(Protocol):
    """Who answers terminals at the clerk's own station: `kiosk.ui.terminals.ClerkForTerminals`."""

    def clerk(self, question: "TerminalAsked", number: str) -> "Clerk":
        """For a question about an application."""
        ...

    def reception(self, question: "TerminalAsked") -> "Reception":
        """For a resident without one."""
        ...

    def witnesses(self, question: "TerminalAsked", number: str) -> "Witnesses":
        """Two clerks, for a case that waits for them."""
        ...

    def decisions(self, question: "TerminalAsked") -> "Decisions":
        """The clerk, about cases that were left."""
        ...

    def withdraw(self, question: "TerminalAsked") -> None:
        """Nobody waits for an answer any more."""
        ...

    def follow(self, cases: "Sequence[CaseElsewhere]") -> None:
        """The terminals' cases have gone on."""
        ...
