"""The clerk's day: whatever a case asks the clerk comes before him, over the desk and all he does there."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from kiosk.counter.cash_count import CountKind
from kiosk.counter.queue import Purpose, TicketState
from kiosk.counter.reprint import CopyReason
from kiosk.issuance.persons import Exemption
from kiosk.journal.errors import StoreLost
from kiosk.model.form import Form
from kiosk.model.identity import IdentityRoute
from kiosk.model.resident import Resident
from kiosk.model.step import Actor
from kiosk.ui.board import Board
from kiosk.ui.books import JournalQuery, JournalView, LeftCase
from kiosk.ui.case import OpenCase
from kiosk.ui.clerk.approval import Approve, ask_approval
from kiosk.ui.clerk.audit import Audit
from kiosk.ui.clerk.count_flow import count
from kiosk.ui.clerk.deserted import look_at_deserted
from kiosk.ui.clerk.desk import Desk
from kiosk.ui.clerk.fee_trouble import MindFeeTrouble
from kiosk.ui.clerk.form import CompareForm
from kiosk.ui.clerk.identity import CheckIdentity
from kiosk.ui.clerk.left import DECIDE, LeftCases
from kiosk.ui.clerk.left_elsewhere import left_at_terminals, tell_carried_out
from kiosk.ui.clerk.look import LookAtPaper, LookForCard
from kiosk.ui.clerk.menu import Duty, Menu
from kiosk.ui.clerk.money import EnterAmount, GiveMoney, MindCash
from kiosk.ui.clerk.papers import Choose, ConfirmCopy, EnterReceiptNumber, Told, told_of
from kiosk.ui.clerk.queue import QueueOrder, QueueScreen
from kiosk.ui.clerk.receive import FindResident
from kiosk.ui.clerk.service import Decided
from kiosk.ui.clerk.service_flow import Services, decide, is_terminal_free, put_question, revoke, tell_ended, unlock
from kiosk.ui.clerk.settlement import suspect_at_terminals
from kiosk.ui.clerk.terminals import form_looked, send_form, tell_broken_off
from kiosk.ui.counter import Counter
from kiosk.ui.day import CounterDay
from kiosk.ui.persons import (
    Approval,
    CardReturn,
    CashMinded,
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
from kiosk.ui.submission import Accepted, Referred, Returned, Submission
from kiosk.ui.terminals import FormLook, TerminalQuestion, Terminals, terminal_name

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

    async def journal(self, asked: JournalQuery) -> JournalView:
        """The entries that are asked for."""
        ...

    @property
    def day(self) -> CounterDay:
        """Queue, drawer and papers."""
        ...

    async def residents(self) -> Sequence[Resident]:
        """The register."""
        ...

    async def candidates(self, form: Form) -> Sequence[Resident]:
        """Whose form it may be, the likeliest first."""
        ...

    @property
    def identity_routes(self) -> Sequence[IdentityRoute]:
        """How the policy has an identity checked."""
        ...

    def offer(self, resident: Resident) -> None:
        """Sends a form that was taken in to the terminal."""
        ...

    async def resume(self, case: LeftCase) -> None:
        """Goes on with a case that was left."""
        ...


async def attend(seat: Seat, office: Office, counter: Counter, clerk: str) -> None:
    """The clerk's day. `clerk` is the operator's name in the journal until somebody signs in.

    What was left comes first; then whatever a case asks goes before everything else at the desk.
    """
    board = seat.board
    seat.person = seat.person or clerk
    await office.day.look_at_queue()
    if await office.left_cases():
        await _look_at_left(seat, office)
    while True:
        case, service = board.case, board.service
        if case is not None and case.clerk_asked is not None:
            await _put(seat, case, case.clerk_asked, counter, office)
        elif service is not None and service.clerk_asked is not None:
            await put_question(seat, service, service.clerk_asked, seat.person, office.identity_routes)
        elif board.terminals is not None and board.terminals.broken_off:
            await tell_broken_off(seat, board.terminals)
        elif board.terminals is not None and board.terminal_question is not None:
            await _put_for_terminal(seat, office, counter, board.terminals, board.terminal_question)
        elif board.submitted is not None:
            await _look_at_submission(seat, office, board.submitted)
        elif service is not None and service.ending is not None and not seat.is_demo:
            await tell_ended(seat, office.services, service)
        elif (terminals := board.terminals) is not None and terminals.carried_out:
            await tell_carried_out(seat, office.services, terminals)
        else:
            wish = await seat.show(Desk(seat, counter), lambda: _is_free(board) and not _has_news(board))
            if wish == "queue":
                await keep_queue(seat, office.day)
            elif wish == "deserted":
                await look_at_deserted(seat, _show)
            elif wish == "menu":
                duty = await _show(seat, Menu(seat))
                if isinstance(duty, Duty):
                    await _do(duty, seat, office, seat.person)


async def keep_left(office: Office, board: Board) -> None:
    """Reads the cases that were left anew whenever something begins or ends at the terminal."""

    def seen() -> tuple[object, ...]:
        return board.case, board.case and board.case.ending, board.service, len(board.ended)

    async def read_once() -> None:
        before = seen()
        # The next change tells; whoever needs the store finds out himself.
        with suppress(StoreLost):
            await office.left_cases()
        await board.bell.until(lambda: seen() != before)

    while True:
        await read_once()


def _is_free(board: Board) -> bool:
    """Whether neither a case, another procedure nor a form waits for the clerk."""
    return not board.asks_clerk and board.submitted is None


def _has_news(board: Board) -> bool:
    """Whether a terminal has told what came of a decision, which is read at the desk and disturbs no work."""
    return board.terminals is not None and bool(board.terminals.carried_out)


async def _show(seat: Seat, screen: SeatScreen[R], is_wanted: Callable[[], bool] = lambda: True) -> R | Stop | None:
    """Shows a screen for as long as neither a case nor a form waits for the clerk, and it is wanted."""
    return await seat.show(screen, lambda: _is_free(seat.board) and is_wanted())


async def _audit(seat: Seat, office: Office) -> None:
    asked, from_older = JournalQuery(), False
    while True:
        screen = Audit(seat, await office.journal(asked), asked, begins_at_end=from_older)
        answer = await _show(seat, screen)
        if not isinstance(answer, JournalQuery):
            return
        from_older = answer.text == asked.text and answer.skipped < asked.skipped
        asked = answer


async def _do(duty: Duty, seat: Seat, office: Office, clerk: str) -> None:
    match duty:
        case Duty.RECEIVE:
            await _receive(seat, office)
        case Duty.RENEW:
            match await _show(seat, Choose(seat, "renew", RENEWAL)):
                case "revoke":
                    await revoke(seat, office.services, await office.residents(), _show)
                case "receive":
                    await _receive(seat, office)
        case Duty.AGENT:
            paper = await _show(seat, Choose(seat, "agent", AGENTS_PAPERS))
            if isinstance(paper, str):
                await _print_for_resident(seat, office, is_letter=paper == "inquiry")
        case Duty.LEFT:
            await office.left_cases()
            await _look_at_left(seat, office)
        case Duty.AUDIT:
            await _audit(seat, office)
        case Duty.DAY_CLOSE:
            await count(seat, office.day, CountKind.DAY_CLOSE, clerk)
        case Duty.HANDOVER:
            if await count(seat, office.day, CountKind.HANDOVER, clerk):
                seat.lock()
        case Duty.QUEUE:
            await keep_queue(seat, office.day)
        case Duty.REPRINT:
            await _copy_receipt(seat, office.day)
        case Duty.PAPERS:
            await _print_paper(seat, office)
        case Duty.INQUIRY:
            await _print_for_resident(seat, office, is_letter=True)
        case Duty.SETTINGS:
            await choose_settings(seat)
        case Duty.REVOKE:
            await revoke(seat, office.services, await office.residents(), _show)
        case Duty.UNLOCK:
            await unlock(seat, office.services, await office.residents(), _show)
        case Duty.LOCK:
            seat.lock()


async def _receive(seat: Seat, office: Office) -> None:
    found = await _show(seat, FindResident(seat, await office.residents()))
    if isinstance(found, Resident):
        if seat.board.terminals is not None:
            await send_form(seat, seat.board.terminals, found, _show)
        elif seat.board.takes_form:
            office.offer(found)
        else:
            await _show(seat, Decided(seat, "clerk.told.terminal_busy"))


async def _look_at_submission(seat: Seat, office: Office, submission: Submission) -> None:
    answer = await _look_at_form(seat, office, submission.form, lambda: seat.board.submitted is submission)
    if answer is not None:
        seat.board.answer_submission(submission, answer)


async def _look_at_form(
    seat: Seat, office: Office, form: Form, is_waited_for: Callable[[], bool], concerning: str = ""
) -> Accepted | Returned | Referred | None:
    """The clerk compares a form that was handed in, beside those whose it may be or whom he has looked up."""
    found = await office.candidates(form)
    while True:
        screen = CompareForm(seat, form, found)
        screen.concerning = concerning
        answer = await seat.show(screen, is_waited_for)
        if answer is None or isinstance(answer, Stop):
            return None
        if not isinstance(answer, str):
            return answer
        search = FindResident(seat, await office.residents(), form.kana.partition("\u3000")[0], purpose="compare")
        resident = await seat.show(search, is_waited_for)
        if isinstance(resident, Resident):
            found = (resident,)


async def _put_for_terminal(
    seat: Seat, office: Office, counter: Counter, terminals: Terminals, question: TerminalQuestion
) -> None:
    """What a terminal elsewhere asks; whose matter it is stands in the banner."""
    concerning = terminal_name(seat.words, question)

    def is_waited_for() -> bool:
        return question in terminals.waiting

    if isinstance(question.asked, FormLook):
        looked = await _look_at_form(seat, office, question.asked.form, is_waited_for, concerning)
        if looked is not None:
            terminals.answer(question, form_looked(looked))
        return

    def make() -> SeatScreen[Any]:
        screen = _screen(seat, question.position, question.asked, seat.person, office)
        screen.concerning = concerning
        return screen

    answer = await _show_asked(seat, make, question.asked, counter, office, is_waited_for, question.station)
    if isinstance(answer, Stop):
        terminals.stop(question)
    elif answer is not None:
        terminals.answer(question, _said(question.asked, answer))


async def _look_at_left(seat: Seat, office: Office) -> None:
    terminals = seat.board.terminals
    elsewhere = () if terminals is None else (*suspect_at_terminals(terminals), *left_at_terminals(terminals))
    left = (*seat.board.left, *elsewhere)
    chosen = await _show(seat, LeftCases(seat, left))
    seat.board.has_seen_left = True
    if isinstance(chosen, LeftCase):
        if await is_terminal_free(seat, _show):
            await office.resume(chosen)
    elif chosen is DECIDE:
        await decide(seat, office.services, left, _show)
        await office.left_cases()


async def keep_queue(seat: Seat, day: CounterDay) -> None:
    """Numbers are given and called until the clerk goes back to the desk."""
    await day.look_at_queue()
    while True:
        order = await _show(seat, QueueScreen(seat))
        if not isinstance(order, QueueOrder):
            return
        match order:
            case QueueOrder("give", purpose=Purpose() as purpose):
                await day.give(purpose)
            case QueueOrder("call", number=int() as number):
                await day.call(number)
            case QueueOrder("next"):
                await day.call_next()
            case QueueOrder(kind):
                await day.end(_ENDS[kind])


_ENDS = {"serve": TicketState.SERVED, "absent": TicketState.ABSENT, "return": TicketState.WAITING}


async def _copy_receipt(seat: Seat, day: CounterDay) -> None:
    number = await _show(seat, EnterReceiptNumber(seat))
    if not isinstance(number, int):
        return
    if not await day.can_copy(number):
        await _show(seat, Told(seat, "no_receipt", number=number))
        return
    reason = await _show(seat, Choose(seat, "copy", tuple(CopyReason)))
    if not isinstance(reason, str):
        return
    copied = await day.copy_receipt(number, CopyReason(reason), seat.person)
    if copied is None:
        await _show(seat, Told(seat, "no_receipt", number=number))
    elif copied.outcome.is_on_paper:
        await _show(seat, Told(seat, "copied", number=number, copies=copied.copies))
    else:
        await _show(seat, Told(seat, told_of(copied.outcome)))


async def _print_paper(seat: Seat, office: Office) -> None:
    paper = await _show(seat, Choose(seat, "papers", PAPERS, blank=PAPERS.index(_FIRST_BLANK) + 1))
    if paper in ("application", "inquiry"):
        await _print_for_resident(seat, office, is_letter=paper == "inquiry")
    elif paper == "certificate_copy":
        await _print_certificate_copy(seat, office.day)
    elif isinstance(paper, str):
        await _show(seat, Told(seat, told_of(await office.day.print_blank(paper, seat.words))))


async def _print_certificate_copy(seat: Seat, day: CounterDay) -> None:
    number = await _show(seat, EnterReceiptNumber(seat))
    if not isinstance(number, int):
        return
    content = await day.certificate(number)
    if content is None:
        await _show(seat, Told(seat, "no_receipt", number=number))
    elif await _show(seat, ConfirmCopy(seat, content)) is True:
        outcome = await day.print_certificate_copy(number, content, seat.person, seat.words)
        await _show(seat, Told(seat, told_of(outcome)))


async def _print_for_resident(seat: Seat, office: Office, *, is_letter: bool) -> None:
    purpose = "letter" if is_letter else "print"
    resident = await _show(seat, FindResident(seat, await office.residents(), purpose=purpose))
    if not isinstance(resident, Resident):
        return
    print_it = office.day.print_letter if is_letter else office.day.print_form
    outcome = await print_it(resident, seat.words)
    is_hidden = is_letter and resident.is_protected
    await _show(seat, Told(seat, "protected" if is_hidden else told_of(outcome)))


async def choose_settings(seat: Seat) -> None:
    """How this seat's clerk likes it: colours, language, how soon an empty seat locks; until he goes back.

    It is kept for him, by whom he has signed in as.
    """
    while True:
        minutes = round(seat.patience.clerk_s / 60)
        setting = await _show(seat, Choose(seat, "settings", SETTINGS, minutes=minutes))
        match setting:
            case "look":
                seat.change_look()
            case "language":
                seat.speak(seat.other_language)
            case "lock_soon" | "lock_usual" | "lock_late":
                seat.lock_after(_LOCKS_AFTER_S[setting])
            case _:
                return
        seat.keep_liking()


PAPERS = ("application", "inquiry", "certificate_copy", "password_sheet", "hold", "refund", "refusal")
"""What is printed from the menu, in its order; from the first blank one on all are filled in by hand."""
_FIRST_BLANK = "password_sheet"
RENEWAL = ("revoke", "receive")
AGENTS_PAPERS = ("application", "inquiry")
SETTINGS = ("language", "look", "lock_soon", "lock_usual", "lock_late")
_LOCKS_AFTER_S = {"lock_soon": 60.0, "lock_usual": 300.0, "lock_late": 900.0}


async def _put(seat: Seat, case: OpenCase, question: ClerkAsked[Any], counter: Counter, office: Office) -> None:
    def is_waited_for() -> bool:
        return case.clerk_asked is question

    def make() -> SeatScreen[Any]:
        return _screen(seat, case.position, question, seat.person, office)

    answer = await _show_asked(seat, make, question, counter, office, is_waited_for)
    if isinstance(answer, Stop):
        case.stop(Actor.CLERK)
    elif answer is not None:
        case.answer(question, _said(question, answer))


async def _show_asked(
    seat: Seat,
    make: Callable[[], SeatScreen[Any]],
    asked: object,
    counter: Counter,
    office: Office,
    is_waited_for: Callable[[], bool],
    station: str = "",
) -> Any:
    """Asks the clerk; before a fee tells what is out of order, until it is not or he goes on knowing it.

    `make` makes the screen; `station` is where the fee is to be paid, empty for this one.
    """
    if isinstance(asked, Approval):
        return await ask_approval(seat, make, asked.question, office.services.second_clerks(), is_waited_for)
    screen = make()

    def is_in_trouble() -> bool:
        return bool(seat.board.fee_troubles_at(station))

    if isinstance(asked, FeeDue) and is_in_trouble():
        minding = MindFeeTrouble(seat, screen.position, counter, station)
        minding.concerning = screen.concerning
        minded = await seat.show(minding, lambda: is_waited_for() and is_in_trouble())
        if isinstance(minded, Stop):
            return minded
    return await seat.show(screen, is_waited_for)


def _said(question: ClerkAsked[Any], answer: object) -> object:
    if isinstance(question, Approval):
        return answer if isinstance(answer, Exemption) else None
    return None if isinstance(question, ChangeDue | CashMinded | Repayment) else answer


def _screen(seat: Seat, position: int | None, question: ClerkAsked[Any], clerk: str, office: Office) -> SeatScreen[Any]:
    match question:
        case IdentityCheck(question=comparison):
            return CheckIdentity(seat, position, comparison, clerk, office.identity_routes)
        case Approval(question=comparison):
            return Approve(seat, position, comparison, office.services.second_clerks())
        case FeeDue(due_yen=due_yen):
            return EnterAmount(seat, position, due_yen, least_yen=due_yen, purpose="fee")
        case PaymentCount(due_yen=due_yen, known=known):
            return EnterAmount(seat, position, due_yen, least_yen=0, purpose="count", known=known)
        case ChangeDue(change_yen=change_yen):
            return GiveMoney(seat, position, change_yen, purpose="change" if change_yen else "no_change")
        case PaperLook(receipt_number=number):
            return LookAtPaper(seat, position, number)
        case CashMinded(trouble=trouble):
            return MindCash(seat, position, trouble)
        case Repayment(amount_yen=amount_yen):
            return GiveMoney(seat, position, amount_yen, purpose="repay")
        case CardReturn():
            return LookForCard(seat, position)
    raise TypeError(f"the clerk has no screen for {question!r}")
