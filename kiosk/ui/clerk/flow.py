"""The clerk's day: whatever a case asks the clerk comes before him, over the desk and all he does there."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from kiosk.model.resident import Resident
from kiosk.model.step import Actor
from kiosk.ui.board import Board
from kiosk.ui.case import OpenCase
from kiosk.ui.clerk.audit import Audit
from kiosk.ui.clerk.day_close import CountDrawer, DaySums
from kiosk.ui.clerk.desk import Desk
from kiosk.ui.clerk.identity import Approve, CheckIdentity
from kiosk.ui.clerk.left import DECIDE, LeftCases
from kiosk.ui.clerk.look import LookAtPaper, LookForCard
from kiosk.ui.clerk.menu import Duty, Menu
from kiosk.ui.clerk.money import EnterAmount, GiveMoney
from kiosk.ui.clerk.receive import FindResident
from kiosk.ui.clerk.service_flow import Services, decide, put_question, revoke, unlock
from kiosk.ui.counter import Counter, DayTakings, JournalView, LeftCase
from kiosk.ui.persons import (
    Approval,
    CardReturn,
    ChangeDue,
    ClerkAsked,
    FeeDue,
    IdentityCheck,
    PaperLook,
    PaymentCount,
    Repayment,
)
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen, Stop

R = TypeVar("R")


class Office(Protocol):
    """What the desk asks of the station beside the case at the terminal."""

    @property
    def services(self) -> Services:
        """What the counter does besides issuing."""
        ...

    async def left_cases(self) -> Sequence[LeftCase]:
        """Cases that have not ended, without the one at the terminal."""
        ...

    async def journal(self) -> JournalView:
        """The newest entries."""
        ...

    async def takings(self) -> DayTakings:
        """Today's money."""
        ...

    async def residents(self) -> Sequence[Resident]:
        """The register."""
        ...

    def offer(self, resident: Resident) -> None:
        """Sends a form that was taken in to the terminal."""
        ...

    async def resume(self, case: LeftCase) -> None:
        """Goes on with a case that was left."""
        ...


async def attend(seat: Seat, office: Office, counter: Counter, clerk: str) -> None:
    """The clerk's day. `clerk` is the operator's name in the journal.

    What was left comes first; then whatever a case asks goes before everything else at the desk.
    """
    board = seat.board
    if await office.left_cases():
        await _look_at_left(seat, office)
    while True:
        case, service = board.case, board.service
        if case is not None and case.clerk_asked is not None:
            await _put(seat, case, case.clerk_asked, clerk)
        elif service is not None and service.clerk_asked is not None:
            await put_question(seat, service, service.clerk_asked, clerk)
        elif await _show(seat, Desk(seat, counter)) is True:
            duty = await _show(seat, Menu(seat))
            if isinstance(duty, Duty):
                await _do(duty, seat, office)


def _is_free(board: Board) -> bool:
    """Whether no case waits for the clerk."""
    return not board.asks_clerk


async def _show(seat: Seat, screen: SeatScreen[R]) -> R | Stop | None:
    """Shows a screen for as long as no case waits for the clerk."""
    return await seat.show(screen, lambda: _is_free(seat.board))


async def _do(duty: Duty, seat: Seat, office: Office) -> None:
    match duty:
        case Duty.RECEIVE:
            found = await _show(seat, FindResident(seat, await office.residents()))
            if isinstance(found, Resident):
                office.offer(found)
        case Duty.LEFT:
            await office.left_cases()
            await _look_at_left(seat, office)
        case Duty.AUDIT:
            await _show(seat, Audit(seat, await office.journal()))
        case Duty.DAY_CLOSE:
            await _close_day(seat, await office.takings())
        case Duty.REVOKE:
            await revoke(seat, office.services, await office.residents(), _show)
        case Duty.UNLOCK:
            await unlock(seat, office.services, await office.residents(), _show)
        case Duty.LOCK:
            seat.lock()


async def _look_at_left(seat: Seat, office: Office) -> None:
    chosen = await _show(seat, LeftCases(seat, seat.board.left))
    seat.board.has_seen_left = True
    if isinstance(chosen, LeftCase):
        await office.resume(chosen)
    elif chosen is DECIDE:
        await decide(seat, office.services, seat.board.left, _show)
        await office.left_cases()


async def _close_day(seat: Seat, takings: DayTakings) -> None:
    pieces = await _show(seat, CountDrawer(seat, takings))
    if isinstance(pieces, dict):
        counted_yen = sum(yen * count for yen, count in pieces.items())
        await _show(seat, DaySums(seat, takings, counted_yen))


async def _put(seat: Seat, case: OpenCase, question: ClerkAsked[Any], clerk: str) -> None:
    answer = await seat.show(_screen(seat, case.position, question, clerk), lambda: case.clerk_asked is question)
    if isinstance(answer, Stop):
        case.stop(Actor.CLERK)
    elif answer is not None:
        case.answer(question, None if isinstance(question, Approval | ChangeDue | Repayment) else answer)


def _screen(seat: Seat, position: int, question: ClerkAsked[Any], clerk: str) -> SeatScreen[Any]:
    match question:
        case IdentityCheck(question=comparison):
            return CheckIdentity(seat, position, comparison, clerk)
        case Approval(question=comparison):
            return Approve(seat, position, comparison)
        case FeeDue(due_yen=due_yen):
            return EnterAmount(seat, position, due_yen, least_yen=due_yen, purpose="fee")
        case PaymentCount(due_yen=due_yen):
            return EnterAmount(seat, position, due_yen, least_yen=0, purpose="count")
        case ChangeDue(change_yen=change_yen):
            return GiveMoney(seat, position, change_yen, purpose="change" if change_yen else "no_change")
        case PaperLook(receipt_number=number):
            return LookAtPaper(seat, position, number)
        case Repayment(amount_yen=amount_yen):
            return GiveMoney(seat, position, amount_yen, purpose="repay")
        case CardReturn():
            return LookForCard(seat, position)
    raise TypeError(f"the clerk has no screen for {question!r}")
