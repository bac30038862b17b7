"""The clerk's day: whatever a case asks the clerk comes before him, over the desk."""

from typing import Any

from kiosk.model.step import Actor
from kiosk.ui.case import OpenCase
from kiosk.ui.clerk.identity import Approve, CheckIdentity
from kiosk.ui.clerk.look import LookAtPaper, LookForCard
from kiosk.ui.clerk.money import EnterAmount, GiveMoney
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


async def attend(seat: Seat, clerk: str) -> None:
    """Answers the cases' questions, for ever. `clerk` is the operator's name in the journal."""
    board = seat.board
    while True:
        await seat.bell.until(lambda: board.case is not None and board.case.clerk_asked is not None)
        case = board.case
        if case is not None and case.clerk_asked is not None:
            await _put(seat, case, case.clerk_asked, clerk)


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
