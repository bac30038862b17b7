"""What the seats have the station do besides issuing: procedures begun, gone on with, put off, ended, settled."""

import asyncio
import datetime
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hw.ports import PinPolicy, PinStatus
from kiosk.clock import JAPAN
from kiosk.issuance.persons import Abandoned, CardAction, DeliverySummary, IdentityEvidence, IdentityQuestion
from kiosk.model.resident import Resident
from kiosk.model.revocation import RevocationApplication, RevocationCause
from kiosk.model.step import Actor
from kiosk.model.testimony import PaperSeen
from kiosk.ui.board import Board
from kiosk.ui.counter import Counter, FailureText, SimulatedCard
from kiosk.ui.service import OpenService, Run, ServiceKind, run_service
from kiosk.ui.station_thread import StationThread
from kiosk.ui.words import RESIDENT_LANGUAGES

if TYPE_CHECKING:
    from kiosk.issuance.persons import Persons
    from kiosk.issuance.report import Report
    from kiosk.issuance.station import Station

T = TypeVar("T")

_LETTER = {ServiceKind.CHANGE: "P", ServiceKind.UNLOCK: "U", ServiceKind.REVOKE: "R"}
"""With which a number of each kind begins."""


class DecisionRefused(Exception):
    """What the clerk decided cannot be done; `code` is the failure book's, empty when the case is not like that."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class StationServices:
    """`kiosk.ui.resident.service_flow.Services` and `kiosk.ui.clerk.service_flow.Services` over an open station."""

    def __init__(
        self,
        counter: Counter,
        station: "Station",
        thread: StationThread,
        board: Board,
        start: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        rules = station.policy.passwords["signature"]
        self.entry_policy = PinPolicy(rules.minimum_length, rules.maximum_length, rules.characters)
        self.card: SimulatedCard | None = counter.simulated_card()
        self._counter = counter
        self._station = station
        self._thread = thread
        self._board = board
        self._start = start

    # --- beginning

    async def change_password(self) -> OpenService:
        """The card's owner wants another password."""
        number = await self._next(ServiceKind.CHANGE)
        return self._open(ServiceKind.CHANGE, number, "", _change(number))

    async def unlock(self, resident: Resident) -> OpenService:
        """The clerk has taken an application in to set a password anew."""
        number = await self._next(ServiceKind.UNLOCK)
        return self._open(ServiceKind.UNLOCK, number, resident.items.name, _unlock(number, resident.code))

    async def revoke(
        self, resident: Resident, cause: RevocationCause, has_card: bool, second: str | None
    ) -> OpenService:
        """The clerk has taken an application in, or was informed; `second` is the clerk who signs too."""
        number = await self._next(ServiceKind.REVOKE)
        application = RevocationApplication(number, resident.code, cause, has_card)
        return self._open(ServiceKind.REVOKE, number, resident.items.name, self._revocation(application, second))

    async def go_on(self, number: str, second: str | None = None) -> None:
        """Goes on with a procedure that an interruption left."""
        if self._board.case is None and self._board.service is None:
            kind, who, make = await self._thread.call(self._left, number)
            self._open(kind, number, who, make(second))

    async def again(self, service: OpenService) -> OpenService:
        """The same procedure once more: start is resume."""
        return self._open(service.kind, service.number, service.who, service.run)

    def leave(self) -> None:
        """The resident has read how it ended."""
        self._board.serve(None)

    # --- deciding

    async def hold(self, number: str, until: datetime.date) -> bool | None:
        """Puts an application off; whether the slip came out. Raises `DecisionRefused`."""
        return await self._decide(lambda: _hold(self._station, number, until, _nobody(), self._counter.clerk))

    async def resume(self, number: str) -> None:
        """Takes an application off hold. Raises `DecisionRefused`."""
        await self._decide(lambda: _resume(self._station, number))

    async def abort(self, number: str) -> str:
        """Ends a case; the code by which it is known. Raises `DecisionRefused`."""
        return await self._decide(lambda: _abort(self._station, number, _nobody()))

    async def settle(self, number: str, answer: str, second: str) -> None:
        """Records what two clerks say. Raises `DecisionRefused`."""
        await self._decide(lambda: _settle(self._station, number, answer, self._counter, second))

    async def question(self, number: str) -> str:
        """What two clerks are asked about a case: `fee`, `receipt` or `refund`; empty when nothing is asked."""
        return await self._thread.call(_question, self._station, number)

    def second_clerks(self) -> tuple[str, ...]:
        """Who can sign beside the clerk at this seat."""
        return self._counter.second_clerks()

    def today(self) -> datetime.date:
        """The day at the counter."""
        return self._station.clock().astimezone(JAPAN).date()

    def failure_texts(self, code: str) -> dict[str, FailureText]:
        """The failure book's words in every language."""
        return {language: self._counter.failure_text(code, language) for language in RESIDENT_LANGUAGES}

    # ---

    def _open(self, kind: ServiceKind, number: str, who: str, run: Run) -> OpenService:
        service = OpenService(kind, number, who, run, self._board.bell)
        self._board.serve(service)
        self._start(self._run(service))
        return service

    async def _run(self, service: OpenService) -> None:
        loop = asyncio.get_running_loop()

        def post(news: object) -> None:
            loop.call_soon_threadsafe(service.take, news)

        service.take(await self._thread.call(run_service, service, self._station, post))

    async def _decide(self, decide: Callable[[], T]) -> T:
        """Does it on the station's thread; what stands against it becomes `DecisionRefused`."""
        return await self._thread.call(_explained, decide)

    async def _next(self, kind: ServiceKind) -> str:
        return await self._thread.call(self._next_number, kind)

    def _next_number(self, kind: ServiceKind) -> str:
        year, taken = self.today().year, 1
        while self._station.journal.latest_case(f"{_LETTER[kind]}{year}-{taken:04d}") is not None:
            taken += 1
        return f"{_LETTER[kind]}{year}-{taken:04d}"

    def _revocation(self, application: RevocationApplication, second: str | None) -> Run:
        from kiosk.issuance.revoke import revoke

        def run(station: "Station", persons: "Persons", report: "Report") -> object:
            key = None if second is None else self._counter.clerk_key(second)
            return revoke(application, station, persons, report, key)

        return run

    def _left(self, number: str) -> tuple[ServiceKind, str, Callable[[str | None], Run]]:
        from kiosk.issuance.filing import filed
        from kiosk.model.password_service import UnlockApplication
        from kiosk.model.transition import Procedure, procedure_of

        journal = self._station.journal
        record = journal.latest_case(number)
        assert record is not None, "a case that was left is in the journal"
        match procedure_of(record.stage):
            case Procedure.REVOCATION:
                revocation = filed(record, journal, RevocationApplication)
                return ServiceKind.REVOKE, "", lambda second: self._revocation(revocation, second)
            case Procedure.UNLOCK:
                code = filed(record, journal, UnlockApplication).resident_code
                return ServiceKind.UNLOCK, "", lambda _: _unlock(number, code)
        return ServiceKind.CHANGE, "", lambda _: _change(number)


def _change(number: str) -> Run:
    from kiosk.issuance.change_password import change_password
    from kiosk.model.password_service import PasswordChangeApplication

    return partial(change_password, PasswordChangeApplication(number))


def _unlock(number: str, code: str) -> Run:
    from kiosk.issuance.unlock import unlock
    from kiosk.model.password_service import UnlockApplication

    return partial(unlock, UnlockApplication(number, code))


def _explained(decide: Callable[[], T]) -> T:
    from kiosk.issuance.abort import NotAbortable
    from kiosk.issuance.failure import CaseEnded
    from kiosk.issuance.hold import NotHeld
    from kiosk.issuance.settle import NotSuspect
    from kiosk.model.testimony import TestimonyInvalid

    try:
        return decide()
    except CaseEnded as ended:
        raise DecisionRefused(ended.code) from ended
    except (NotAbortable, NotHeld, NotSuspect, TestimonyInvalid) as error:
        raise DecisionRefused("") from error


def _hold(station: "Station", number: str, until: datetime.date, persons: "Persons", clerk: str) -> bool | None:
    from kiosk.issuance.hold import hold

    return hold(number, until, station, persons, clerk).came_out


def _resume(station: "Station", number: str) -> None:
    from kiosk.issuance.hold import resume

    resume(number, station)


def _abort(station: "Station", number: str, persons: "Persons") -> str:
    from kiosk.issuance.abort import abort
    from kiosk.issuance.failure import GivenUp, RolledBack

    record = station.journal.latest_case(number)
    assert record is not None, "a case that was left is in the journal"
    ended = abort(record, station, persons)
    if not isinstance(ended, RolledBack | GivenUp):
        raise ended
    return ended.code


def _settle(station: "Station", number: str, answer: str, counter: Counter, second: str) -> None:
    from kiosk.issuance.settle import settle

    record = station.journal.latest_case(number)
    assert record is not None, "a case that was left is in the journal"
    settle(record, answer, station, station.clerk_key, counter.clerk_key(second))


def _question(station: "Station", number: str) -> str:
    from kiosk.issuance.settle import NotSuspect, question_of

    record = station.journal.latest_case(number)
    try:
        return "" if record is None else question_of(record).value
    except NotSuspect:
        return ""


def _nobody() -> "Persons":
    """Nobody is asked at a decision; what a person would have to say is asked when the case is gone on with."""
    from kiosk.issuance.persons import Persons

    return Persons(NobodyAtTerminal(), NobodyAtDesk())


class NobodyAtTerminal:
    """The resident who has left."""

    def card(self, action: CardAction) -> None:
        """He is not there."""

    def choose_password(self, policy: PinPolicy) -> bytearray:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")

    def enter_password(self, status: PinStatus) -> bytearray:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")

    choose_authentication_password = choose_password
    enter_authentication_password = enter_old_password = enter_new_password = enter_password

    def consent(self, summary: DeliverySummary) -> None:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")


class NobodyAtDesk:
    """The clerk, who decides and is not asked what he sees."""

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def approve(self, question: IdentityQuestion) -> None:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def take_fee(self, due_yen: int) -> int:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def give_change(self, change_yen: int) -> None:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def repay(self, amount_yen: int) -> None:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def count_payment(self, due_yen: int) -> int:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def is_card_returned(self) -> bool:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")
