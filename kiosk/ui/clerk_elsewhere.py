"""The terminal's side of a clerk who sits at a station of his own.

Its cases know what he is asked there, and its residents reach him.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from hw.ports import CashTrouble, MachineMoney
from kiosk.issuance.persons import (
    CLERK_ALONE,
    Abandoned,
    Clerk,
    Exemption,
    IdentityEvidence,
    IdentityQuestion,
    OpenDeposit,
    Persons,
)
from kiosk.model.resident import Resident
from kiosk.model.testimony import PaperSeen
from kiosk.ui.board import Board
from kiosk.ui.deserted import DesertedEntry
from kiosk.ui.far import FarClerk
from kiosk.ui.persons import (
    Approval,
    CardReturn,
    CaseLine,
    CashMinded,
    ChangeDue,
    ClerkAnswered,
    ClerkAsked,
    FeeDue,
    IdentityCheck,
    PaperLook,
    PaymentCount,
    Repayment,
)
from kiosk.ui.station_thread import StationThread
from kiosk.ui.submission import Accepted, Referred, Returned

if TYPE_CHECKING:
    from kiosk.issuance.station import Station
    from kiosk.journal.records import CaseRecord

A = TypeVar("A")

_TRIES_AGAIN_AFTER_S = 2.0
"""A clerk's station that is away is asked again after this long."""
_LOOKS_FOR_SUSPECT_EVERY_S = 2.0

_log = logging.getLogger(__name__)


def persons_of(line: CaseLine, number: str, post: Callable[[object], None], far: FarClerk | None) -> Persons:
    """Whom a use case asks: both at this terminal's screens, or the clerk at his own station."""
    persons = line.persons(post)
    if far is None:
        return persons
    return replace(persons, clerk=ClerkElsewhere(line, far.clerk(number, line.raise_if_stopped)))


@dataclass(frozen=True)
class ClerkElsewhere:
    """The clerk at his station, as `kiosk.issuance.persons.Clerk`; the terminal's screens know what he is asked."""

    line: CaseLine
    clerk: Clerk

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        """Asks for the identity check."""
        return self._ask(IdentityCheck(question), partial(self.clerk.check_identity, question))

    def approve(self, question: IdentityQuestion) -> Exemption | None:
        """Asks for leave."""
        return self._ask(Approval(question), partial(self.clerk.approve, question))

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """Asks for the fee."""
        return self._ask(FeeDue(due_yen), partial(self.clerk.take_fee, due_yen, deposit))

    def give_change(self, change_yen: int) -> None:
        """Asks to hand the change back."""
        self._ask(ChangeDue(change_yen), partial(self.clerk.give_change, change_yen))

    def mind_cash(self, trouble: CashTrouble) -> None:
        """Has him read what is wrong with the cash."""
        self._ask(CashMinded(trouble), partial(self.clerk.mind_cash, trouble))

    def repay(self, amount_yen: int) -> None:
        """Asks to give money back; nobody is asked about nothing."""
        if amount_yen:
            self._ask(Repayment(amount_yen), partial(self.clerk.repay, amount_yen))

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        """Asks how much of this payment lies in the till."""
        return self._ask(PaymentCount(due_yen, known), partial(self.clerk.count_payment, due_yen, known))

    def is_card_returned(self) -> bool:
        """Asks whether the resident has his card."""
        return self._ask(CardReturn(), self.clerk.is_card_returned)

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Asks what came out of the printer."""
        return self._ask(PaperLook(receipt_number), partial(self.clerk.look_at_paper, receipt_number))

    def _ask(self, question: ClerkAsked[Any], ask: Callable[[], A]) -> A:
        self.line.tell(question)
        answer = ask()
        # What the clerk did counts, whatever the resident wants by now: nothing is raised here.
        self.line.note(ClerkAnswered(question, answer))
        return answer


class _NotWanted(Exception):
    """The resident has gone on, and what the clerk was asked for him is of no use."""


async def reach_clerk(board: Board, far: FarClerk, is_leaving: Callable[[], bool]) -> None:
    """Carries to the clerk's station what residents bring before there is a case, one thing at a time, until it leaves.

    A form that was typed, a password entry that nobody seems to be at, or a call; and while there is none of these,
    that the terminal is free for a form he takes in.
    """
    thread = StationThread()
    try:
        while not is_leaving():
            await board.bell.until(lambda: _wanted(board) is not None)
            wanted = _wanted(board)
            assert wanted is not None, "just looked at"

            def is_wanted(wanted: object = wanted) -> bool:
                return _wanted(board) is wanted and not is_leaving()

            is_lost = await _reach(board, far, thread, wanted, is_wanted)
            if is_lost:
                await asyncio.sleep(_TRIES_AGAIN_AFTER_S)
    finally:
        thread.end()


def _wanted(board: Board) -> object | None:
    """For what the clerk is needed now."""
    if board.submitted is not None:
        return board.submitted
    if board.is_deserted:
        return board.deserted
    if board.is_clerk_called:
        return "call"
    return "free" if board.is_greeting and board.offered is None else None


async def _reach(
    board: Board, far: FarClerk, thread: StationThread, wanted: object, is_wanted: Callable[[], bool]
) -> bool:
    """Asks once; whether the clerk's station could not be reached."""

    def give_up() -> None:
        if not is_wanted():
            raise _NotWanted

    reception = await thread.call(far.reception, give_up)
    try:
        if wanted == "call":
            await thread.call(reception.come)
            board.answer_call()
        elif wanted == "free":
            board.offer(await thread.call(reception.send_form))
        elif isinstance(wanted, DesertedEntry):
            await thread.call(reception.end_deserted)
            # Who has come back in the same moment goes on.
            if board.deserted is wanted:
                board.end_deserted()
        elif (submission := board.submitted) is not None:
            looked = await thread.call(reception.look_at_form, submission.form)
            board.answer_submission(submission, _answer(looked.resident, looked.items))
    except _NotWanted:
        return False
    except Abandoned:
        return True
    return False


async def have_cases_settled(
    far: FarClerk, station: "Station", station_thread: StationThread, is_leaving: Callable[[], bool]
) -> None:
    """Asks two clerks at their station about every case that waits for them, one after the other, for ever.

    They take their time, and the terminal serves residents meanwhile.
    """
    thread = StationThread()
    told: set[str] = set()

    def give_up() -> None:
        if is_leaving():
            raise _NotWanted

    try:
        while not is_leaving():
            for waiting in await station_thread.call(station.journal.suspect_cases):
                await _settle(waiting, far, station, station_thread, thread, give_up, told)
            await asyncio.sleep(_LOOKS_FOR_SUSPECT_EVERY_S)
    finally:
        thread.end()


async def _settle(
    waiting: "CaseRecord",
    far: FarClerk,
    station: "Station",
    station_thread: StationThread,
    thread: StationThread,
    give_up: Callable[[], None],
    told: set[str],
) -> None:
    from hw.errors import LinkLost, Refused
    from kiosk.issuance.failure import Halted
    from kiosk.issuance.settle import NotSuspect, accept, known_money
    from kiosk.model.testimony import TestimonyInvalid
    from kiosk.model.transition import TransitionRefused

    two_clerks = await thread.call(far.two_clerks, give_up)
    try:
        known = await station_thread.call(known_money, waiting, station)
        testimony = await thread.call(two_clerks.testify, waiting.pseudonym, known)
        await station_thread.call(accept, waiting, testimony, station)
    except (_NotWanted, Abandoned, LinkLost):
        return  # it waits on, and is asked about again
    except (Refused, TestimonyInvalid, NotSuspect, TransitionRefused, Halted) as refused:
        line = f"two clerks' word is not taken: {type(refused).__name__}"
        # It is asked about again and again.
        if line not in told:
            told.add(line)
            _log.warning("%s", line)


def _answer(resident: Resident | None, items: tuple[str, ...]) -> Accepted | Returned | Referred:
    if resident is not None:
        return Accepted(resident)
    return Returned(items) if items else Referred()
