"""The clerk's way through what the counter does besides issuing: he takes it in, answers its questions, decides."""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from hw.ports import MachineMoney
from kiosk.model.decision import DecisionKind, possible_decisions
from kiosk.model.identity import IdentityRoute
from kiosk.model.resident import Resident
from kiosk.model.revocation import RevocationCause
from kiosk.model.step import Actor, Step, Undo
from kiosk.model.testimony import Finding
from kiosk.model.transition import Stage
from kiosk.ui.books import LeftCase
from kiosk.ui.clerk.approval import Approve
from kiosk.ui.clerk.identity import CheckIdentity
from kiosk.ui.clerk.left_elsewhere import decide_elsewhere
from kiosk.ui.clerk.receive import FindResident
from kiosk.ui.clerk.second import SecondClerk
from kiosk.ui.clerk.service import (
    ChooseCause,
    ChooseLeft,
    ConfirmAbort,
    DecideCase,
    Decided,
    Decision,
    ReturnDay,
    RevocationChoice,
    SettleAmount,
    SettleCertificate,
    SettlePaper,
)
from kiosk.ui.clerk.settlement import known_at, question_about, settled_by
from kiosk.ui.counter import FailureText
from kiosk.ui.ending import Trouble
from kiosk.ui.persons import Approval, ClerkAsked, IdentityCheck
from kiosk.ui.procedures import DecisionRefused
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen, Stop
from kiosk.ui.service import OpenService
from kiosk.ui.terminals import terminal_name
from kiosk.ui.working import at_work

R = TypeVar("R")


class Show(Protocol):
    """Shows a screen for as long as nothing waits for the clerk, and its own matter, if any, still does."""

    async def __call__(
        self, seat: Seat, screen: SeatScreen[R], is_wanted: Callable[[], bool] = lambda: True
    ) -> R | Stop | None:
        """Its answer, None when it was withdrawn."""
        ...


class Services(Protocol):
    """What the clerk's way needs of the station."""

    async def unlock(self, resident: Resident) -> OpenService:
        """Begins to set a password anew."""
        ...

    async def revoke(
        self, resident: Resident, cause: RevocationCause, has_card: bool, second: str | None
    ) -> OpenService:
        """Begins a revocation."""
        ...

    async def hold(self, number: str, until: datetime.date) -> bool | None:
        """Puts an application off; whether the slip came out."""
        ...

    async def resume(self, number: str) -> None:
        """Takes an application off hold."""
        ...

    async def abort(self, number: str) -> str:
        """Ends a case; the code by which it is known."""
        ...

    async def settle(self, number: str, answer: str, second: str) -> None:
        """Records what two clerks say."""
        ...

    async def question(self, number: str) -> str:
        """What two clerks are asked about a case, empty for nothing."""
        ...

    async def known_money(self, number: str) -> MachineMoney:
        """What a machine knows of the money of a case."""
        ...

    def second_clerks(self) -> tuple[str, ...]:
        """Who can sign beside the clerk at this seat."""
        ...

    def leave(self) -> None:
        """The ending of a procedure was read."""
        ...

    def return_days(self) -> Sequence[datetime.date]:
        """The next days on which a resident can come again."""
        ...

    def failure_texts(self, code: str) -> dict[str, FailureText]:
        """The words for a failure, by language."""
        ...


async def unlock(seat: Seat, services: Services, residents: Sequence[Resident], show: Show) -> None:
    """A password is set anew: whose; the rest the case asks."""
    found = await show(seat, FindResident(seat, residents, purpose="unlock"))
    if isinstance(found, Resident) and await is_terminal_free(seat, show):
        await services.unlock(found)


async def revoke(seat: Seat, services: Services, residents: Sequence[Resident], show: Show) -> None:
    """A certificate is revoked: whose, why, and by whom besides; the rest the case asks."""
    wished = seat.board.revocation_wished
    found = await show(seat, FindResident(seat, residents, purpose="revoke"))
    if not isinstance(found, Resident):
        return
    choice = await show(seat, ChooseCause(seat, found, wished))
    if not isinstance(choice, RevocationChoice):
        return
    if not await is_terminal_free(seat, show):
        return
    second: str | None = None
    if choice.cause.is_on_information:
        purpose = seat.words("clerk.second.revoke", name=found.items.name)
        signing = SecondClerk(seat, services.second_clerks(), purpose)
        # Nobody signs for what cannot begin any more: a resident may sit down meanwhile.
        named = await show(seat, signing, lambda: seat.board.takes_procedure)
        if not isinstance(named, str):
            if named is None:
                await is_terminal_free(seat, show)
            return
        second = named
    if await is_terminal_free(seat, show):
        await services.revoke(found, choice.cause, choice.has_card, second)


async def tell_ended(seat: Seat, services: Services, service: OpenService) -> None:
    """How a procedure ended that no resident's seat of this station shows."""
    if isinstance(service.ending, Trouble):
        failure = services.failure_texts(service.ending.code) if service.ending.code else None
        await seat.ask(Decided(seat, "clerk.told.service_failed", failure))
    else:
        await seat.ask(Decided(seat, "clerk.told.service_done", number=service.number))
    services.leave()


async def is_terminal_free(seat: Seat, show: Show) -> bool:
    """Whether a procedure can begin at the terminal; if not, the clerk has been told."""
    if seat.board.takes_procedure:
        return True
    await show(seat, Decided(seat, "clerk.told.terminal_busy"))
    return False


async def put_question(
    seat: Seat, service: OpenService, question: ClerkAsked[Any], clerk: str, routes: Sequence[IdentityRoute]
) -> None:
    """What a procedure asks the clerk."""
    screen = _screen(seat, question, clerk, routes)
    answer = await seat.show(screen, lambda: service.clerk_asked is question)
    if isinstance(answer, Stop):
        service.stop(Actor.CLERK)
    elif answer is not None:
        service.answer(question, None if isinstance(question, Approval) else answer)


def _screen(seat: Seat, question: ClerkAsked[Any], clerk: str, routes: Sequence[IdentityRoute]) -> SeatScreen[Any]:
    match question:
        case IdentityCheck(question=comparison):
            return CheckIdentity(seat, None, comparison, clerk, routes)
        case Approval(question=comparison):
            return Approve(seat, None, comparison)
    raise TypeError(f"the clerk has no screen for {question!r}")


async def decide(seat: Seat, services: Services, cases: Sequence[LeftCase], show: Show) -> None:
    """One case that was left is put off, taken up again, ended, or settled."""
    case = await show(seat, ChooseLeft(seat, cases))
    if not isinstance(case, LeftCase):
        return
    decision = await show(seat, DecideCase(seat, case, _possible(case)))
    if not isinstance(decision, Decision):
        return
    ways: dict[Decision, Callable[[], Awaitable[Decided | None]]] = {
        Decision.HOLD: lambda: _hold(seat, services, case, show),
        Decision.RESUME: lambda: _resume(seat, services, case),
        Decision.ABORT: lambda: _abort(seat, services, case, show),
        Decision.SETTLE: lambda: _settle(seat, services, case, show),
    }
    try:
        if case.station and decision is not Decision.SETTLE:
            told = await decide_elsewhere(seat, services, case, DecisionKind(decision), show)
        else:
            told = await ways[decision]()
    except DecisionRefused as refused:
        failure = services.failure_texts(refused.code) if refused.code else None
        told = Decided(seat, "clerk.told.refused", failure)
    if told is not None:
        await show(seat, told)


def _possible(case: LeftCase) -> tuple[Decision, ...]:
    if case.is_suspect:
        return (Decision.SETTLE,)
    return tuple(Decision(kind) for kind in possible_decisions(Stage(case.stage)))


async def _hold(seat: Seat, services: Services, case: LeftCase, show: Show) -> Decided | None:
    until = await show(seat, ReturnDay(seat, services.return_days(), case))
    if not isinstance(until, datetime.date):
        return None
    try:
        came_out = await at_work(seat, services.hold(case.number, until))
    except DecisionRefused as refused:
        if not refused.is_day_kept:
            raise
        return Decided(seat, "clerk.told.day_kept", services.failure_texts(refused.code), number=case.number, day=until)
    told = "clerk.told.held" if came_out else "clerk.told.held_without_slip"
    return Decided(seat, told, number=case.number, day=until)


async def _resume(seat: Seat, services: Services, case: LeftCase) -> Decided:
    await at_work(seat, services.resume(case.number))
    return Decided(seat, "clerk.told.resumed", number=case.number)


async def _abort(seat: Seat, services: Services, case: LeftCase, show: Show) -> Decided | None:
    if await show(seat, ConfirmAbort(seat, case)) is not True:
        return None
    code = await at_work(seat, services.abort(case.number))
    return Decided(seat, "clerk.told.aborted", services.failure_texts(code), number=case.number)


async def _settle(seat: Seat, services: Services, case: LeftCase, show: Show) -> Decided | None:
    terminals = seat.board.terminals
    asked = question_about(terminals, case)
    if case.station and asked is None:
        return Decided(seat, "clerk.told.refused")  # the terminal does not wait any more
    question = await services.question(case.number) if asked is None else settled_by(asked)
    looking: SettlePaper | SettleCertificate | SettleAmount
    if question == Step.RECEIPT:
        looking = SettlePaper(seat, case)
    elif question == Undo.REVOKE:
        looking = SettleCertificate(seat, case)
    else:
        known = await services.known_money(case.number) if asked is None else known_at(asked)
        looking = SettleAmount(seat, case, known)
    purpose = seat.words("clerk.second.settle", number=case.number)
    signing = SecondClerk(seat, services.second_clerks(), purpose)
    if asked is not None:
        looking.concerning = signing.concerning = terminal_name(seat.words, asked)
    answer = await show(seat, looking)
    if not isinstance(answer, str):
        return None
    second = await show(seat, signing)
    if not isinstance(second, str):
        return None
    if terminals is None or asked is None:
        await at_work(seat, services.settle(case.number, answer, second))
    elif not terminals.answer(asked, Finding(answer, second)):
        return Decided(seat, "clerk.told.refused")
    return Decided(seat, "clerk.told.settled", number=case.number)
