"""A procedure besides the issuance, under way at the counter: its thread asks and blocks, the screens answer.

The same line as a case's (`kiosk.ui.persons`); what it needs of resident and clerk stands here until it has ended.
"""

import datetime
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from kiosk.issuance.failure import CaseEnded
from kiosk.issuance.persons import Persons
from kiosk.issuance.report import Phase, Report, StepReport
from kiosk.model.step import Act, Actor, RevocationStep, UnlockStep
from kiosk.ui.bell import Bell
from kiosk.ui.case_thread import told_trouble
from kiosk.ui.clerk_elsewhere import persons_of
from kiosk.ui.ending import Outcome, Trouble, has_halted
from kiosk.ui.persons import Asked, CardRequest, CaseLine, ClerkAnswered, ClerkAsked, ResidentAsked

if TYPE_CHECKING:
    from kiosk.issuance.station import Station
    from kiosk.ui.far import FarClerk


class ServiceKind(StrEnum):
    """What the counter does besides issuing; the values are in the ids of words."""

    CHANGE = "change"
    UNLOCK = "unlock"
    REVOKE = "revoke"


class ServiceWork(StrEnum):
    """For what the resident waits."""

    CLERK = "clerk"
    STATION = "station"


@dataclass(frozen=True)
class ServiceDone:
    """It ended well; `done` is what the use case says."""

    done: object


ServiceEnding = ServiceDone | Trouble
ResidentSees = ResidentAsked[Any] | CardRequest | ServiceWork

Run = Callable[["Station", Persons, Report], object]
"""The use case, with everything but station, persons and listener."""

_IRREVOCABLE: tuple[Act, ...] = (
    RevocationStep.REVOKE,
    RevocationStep.EMPTY_CARD,
    RevocationStep.NOTICE,
)
"""From these on nobody stops a revocation; a password can be left at any question."""

_CLERKS = frozenset(
    {
        RevocationStep.IDENTITY_CHECK,
        RevocationStep.AUTHORISE,
        UnlockStep.IDENTITY_CHECK,
        UnlockStep.AUTHORISE,
    }
)


class OpenService:
    """One procedure on its way through the counter; `birth_date` is its resident's, where the register knows him."""

    def __init__(
        self,
        kind: ServiceKind,
        number: str,
        run: Run,
        bell: Bell,
        *,
        has_resident: bool,
        birth_date: datetime.date | None = None,
    ) -> None:
        self.birth_date = birth_date
        self.has_resident = has_resident
        """Whether whom it is about is here; else whoever passes the terminal has no say in it."""
        self.kind = kind
        self.number = number
        self.run = run
        self.line = CaseLine()
        self.resident_sees: ResidentSees = ServiceWork.STATION
        self.clerk_asked: ClerkAsked[Any] | None = None
        self.ending: ServiceEnding | None = None
        self.is_stopping = False
        self._step: Act | None = None
        self._bell = bell

    @property
    def can_stop(self) -> bool:
        """Whether a person may still stop."""
        return self.ending is None and not self.is_stopping and self._step not in _IRREVOCABLE

    @property
    def can_be_stopped_at_terminal(self) -> bool:
        """Whether whoever is at the terminal may."""
        return self.can_stop and self.has_resident

    @property
    def waits_for_resident(self) -> bool:
        """Whether the resident has something to do or to read."""
        return self.ending is not None or not isinstance(self.resident_sees, ServiceWork)

    @property
    def has_halted(self) -> bool:
        """Whether it stopped and stays open, so that somebody has to see to it."""
        return has_halted(self.ending)

    def take(self, news: object) -> None:
        """Takes in what the thread says."""
        match news:
            case StepReport(phase=Phase.BEGUN, step=step):
                self._step = step
                self.resident_sees = ServiceWork.CLERK if step in _CLERKS else ServiceWork.STATION
            case StepReport():
                pass
            case CardRequest() | ResidentAsked():
                self.resident_sees = news
            case ClerkAsked():
                self.clerk_asked = news
            case ClerkAnswered(question=question, value=value):
                self.answer(question, value)
            case ServiceDone() | Trouble():
                self.ending = news
                self.clerk_asked = None
            case _:
                raise TypeError(f"not news of a procedure: {news!r}")
        self._bell.ring()

    def answer(self, question: Asked[Any], value: object) -> bool:
        """Gives a person's answer; False when it is no longer waited for."""
        was_taken = question.take(value)
        if self.clerk_asked is question:
            self.clerk_asked = None
        if self.resident_sees is question:
            self.resident_sees = ServiceWork.STATION
        self._bell.ring()
        return was_taken

    def stop(self, by: Actor) -> None:
        """A person stops it; what follows is the use case's."""
        if not self.can_stop:
            return
        self.is_stopping = True
        self.line.abandon(by, "stopped at the screen")
        self.clerk_asked = None
        self.resident_sees = ServiceWork.STATION
        self._bell.ring()


def run_service(
    service: OpenService, station: "Station", post: Callable[[object], None], far: "FarClerk | None" = None
) -> ServiceEnding:
    """Runs it on the station's thread; `post` takes its news. An exception that leaves here is a defect."""
    try:
        return ServiceDone(service.run(station, persons_of(service.line, service.number, post, far), post))
    except CaseEnded as ended:
        return told_trouble(service.kind, ended, station)
    except CancelledError:
        return Trouble(Outcome.INTERRUPTED, "", None)
