"""The resident's way from the first touch to the last, one screen after another; no screen knows the next."""

import asyncio
from functools import partial
from typing import Any, Protocol

from hw.ports import PinPolicy
from kiosk.issuance.persons import CardAction
from kiosk.model.resident import Resident
from kiosk.model.step import Actor, Step
from kiosk.reception_hours import Closed
from kiosk.ui.case import AtWork, OpenCase
from kiosk.ui.counter import FailureText
from kiosk.ui.devices import SimulatedCard
from kiosk.ui.ending import Finished, Outcome, Trouble
from kiosk.ui.persons import CardRequest, Consent, PasswordChoice, PasswordEntry, ResidentAsked
from kiosk.ui.resident.application import ConfirmItems
from kiosk.ui.resident.card import HandleCard
from kiosk.ui.resident.card_watch import show_asked, until_gone
from kiosk.ui.resident.comfort import Comfort
from kiosk.ui.resident.consent import Agree
from kiosk.ui.resident.finish import Finish, TroubleNotice
from kiosk.ui.resident.form_flow import FormsCorner, consult, take_form
from kiosk.ui.resident.guide import Guide
from kiosk.ui.resident.learn import TOPICS, topic
from kiosk.ui.resident.own_flow import OwnCard, move_card, show_certificate, try_out
from kiosk.ui.resident.password import ChoosePassword, EnterPassword
from kiosk.ui.resident.service_flow import Services, accompany, choose_service
from kiosk.ui.resident.start import Start, Wish
from kiosk.ui.resident.wait import AtStationWork, FeeNotice, KeyGeneration, Notice, Waiting
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen, Stop


class Reception(Protocol):
    """What the resident's way needs of the counter."""

    fee_yen: int
    validity_years: int
    entry_policy: PinPolicy
    """The passwords that can be typed when a card's own is asked for."""
    card: SimulatedCard | None
    own_card: OwnCard
    forms: FormsCorner

    @property
    def services(self) -> Services:
        """What the counter does besides issuing."""
        ...

    async def open_case(self, resident: Resident) -> OpenCase:
        """Takes the form in and starts its case."""
        ...

    @property
    def usual_key_generation_s(self) -> int | None:
        """How long cards here usually take to make their key, None as long as nobody knows."""
        ...

    def note_key_generation(self, took_s: int) -> None:
        """A card has made its key in that many seconds."""
        ...

    def closed(self) -> Closed | None:
        """Whether applications are taken in now: None, or when they are."""
        ...

    def leave(self) -> None:
        """The resident of an ended case leaves."""
        ...

    def failure_texts(self, code: str) -> dict[str, FailureText]:
        """The words for a failure, by language."""
        ...


async def serve_residents(seat: Seat, reception: Reception, first_language: str) -> None:
    """Serves one resident after another, until a case is interrupted because the program ends."""
    seat.welcome(first_language)
    while True:
        if seat.board.is_maintained:
            await seat.show(Notice(seat, Waiting.MAINTENANCE, None), lambda: seat.board.is_maintained)
            continue
        # A form that the clerk has taken in, and a case that he goes on with, begin by themselves.
        seat.board.greet(True)
        wish = await seat.show(Start(seat, reception.fee_yen, reception.closed), lambda: not _is_wanted_elsewhere(seat))
        if seat.board.is_maintained:
            continue
        seat.board.greet(False)
        ended = await _do(seat, reception, wish)
        if ended is Outcome.INTERRUPTED:
            return
        # Who has only gone back is still there, and goes on in his language and layout.
        if ended is not Stop.BACK:
            seat.welcome(first_language)


async def _do(seat: Seat, reception: Reception, wish: object) -> Outcome | Stop | None:
    """What a resident, or the clerk for him (None), wants; a `Stop` when nothing came of it."""
    match wish:
        case Wish.COMFORT:
            return await _ask_for_comfort(seat)
        case Wish.LEARN:
            return await _teach(seat, reception)
        case Wish.SHOW:
            await show_certificate(seat, reception.own_card, reception.entry_policy)
        case Wish.TRY:
            await try_out(seat, reception.own_card, reception.entry_policy)
        case Wish.SERVICES:
            return await choose_service(seat, reception.services, reception.own_card)
        case Wish.ISSUE:
            return await _issue(seat, reception)
        case None:
            return await _take_over(seat, reception)
    return None


async def _ask_for_comfort(seat: Seat) -> Stop:
    """Three questions, and one more where there is a voice; what was chosen holds until the resident leaves."""
    questions = [("language", seat.speak), ("colours", seat.dress), ("layout", seat.arrange)]
    if seat.voice is not None:
        questions.append(("voice", seat.hear))
    for question, choose in questions:
        answer = await seat.ask(Comfort(seat, question))
        if isinstance(answer, Stop):
            return answer
        choose(answer)
    return Stop.BACK


async def _teach(seat: Seat, reception: Reception) -> Stop:
    """One topic after another, as far as the resident wants to read."""
    index = 0
    while 0 <= index < len(TOPICS):
        answer = await seat.ask(topic(seat, TOPICS[index], reception.fee_yen, reception.validity_years))
        if isinstance(answer, Stop):
            return answer
        index += answer.value
    return Stop.BACK


def _is_wanted_elsewhere(seat: Seat) -> bool:
    return seat.board.is_maintained or _is_sent_for(seat)


def _is_sent_for(seat: Seat) -> bool:
    return seat.board.has_work or seat.board.offered is not None


async def _issue(seat: Seat, reception: Reception) -> Outcome | None:
    """The whole way of one certificate; the outcome when it is not the good one."""
    resident = await _take_form(seat, reception)
    # A form that the clerk has sent meanwhile waits for the next start: it is somebody else's.
    if resident is None or seat.board.has_work:
        return None
    return await _attend(seat, reception, await reception.open_case(resident))


async def _take_over(seat: Seat, reception: Reception) -> Outcome | None:
    """What the clerk has sent: a case to go on with, or a form that its resident looks at first."""
    board = seat.board
    if board.service is not None:
        return await accompany(seat, reception.services, reception.own_card, board.service)
    if board.case is not None:
        return await _attend(seat, reception, board.case)
    resident = board.offered
    board.offer(None)
    if resident is None:
        return None
    answer = await seat.ask(ConfirmItems(seat, resident))
    if answer is False:
        await consult(seat, denied=resident)
    if answer is not True or board.has_work:
        return None
    return await _attend(seat, reception, await reception.open_case(resident))


async def _attend(seat: Seat, reception: Reception, case: OpenCase) -> Outcome | None:
    await _accompany(seat, case, reception)
    outcome = case.ending.outcome if isinstance(case.ending, Trouble) else None
    if outcome is not Outcome.INTERRUPTED:
        await _say_goodbye(seat, case, reception)
        reception.leave()
        # With whom he spoke nobody knows any more; a card that still lies there is asked for until somebody takes it.
        await move_card(seat, reception.own_card, is_going_in=False)
    return outcome


async def _take_form(seat: Seat, reception: Reception) -> Resident | None:
    """Guide and form; None when the resident changes his mind, of which nothing remains."""
    match await seat.ask(Guide(seat, reception.fee_yen)):
        case Stop():
            return None
        case False:
            await consult(seat)
            return None
    return await take_form(seat, reception.forms)


async def _accompany(seat: Seat, case: OpenCase, reception: Reception) -> None:
    """Shows what the case needs of the resident, until it has ended."""
    before: PasswordEntry | None = None
    while case.ending is None:
        view = _view(case)
        was_wrong = isinstance(view, PasswordEntry) and view.follows_wrong(before)
        screen = _screen(seat, case, reception, view, was_wrong=was_wrong)
        answer = await show_asked(seat, screen, view, partial(_still_sees, case, view), reception.own_card)
        before = view if isinstance(view, PasswordEntry) else before
        if isinstance(screen, KeyGeneration) and Step.GENERATE_KEY in case.done:
            reception.note_key_generation(screen.elapsed_s)
        if isinstance(answer, Stop):
            case.stop(Actor.RESIDENT)
        elif answer is not None and isinstance(view, ResidentAsked):
            _give(case, view, answer)


def _still_sees(case: OpenCase, view: object) -> bool:
    return _view(case) == view


def _give(case: OpenCase, question: ResidentAsked[Any], answer: object) -> None:
    was_taken = case.answer(question, None if isinstance(question, Consent) else answer)
    if not was_taken and isinstance(answer, bytearray):
        answer[:] = bytes(len(answer))


def _view(case: OpenCase) -> ResidentAsked[Any] | CardRequest | Waiting | None:
    """What the resident has to see: while it stays equal, his screen stays."""
    sees = case.resident_sees
    if case.ending is not None:
        return None
    if not isinstance(sees, AtWork):
        return sees
    if case.is_stopping:
        return Waiting.STOPPING
    if sees.has_password and sees.step is Step.GENERATE_KEY:
        return Waiting.KEY
    if sees.step is Step.FEE and case.is_free:
        return Waiting.WORK
    return _WAITING.get(sees.step, Waiting.WORK)


_WAITING = {
    Step.IDENTITY_CHECK: Waiting.WINDOW,
    Step.AUTHORISE: Waiting.WINDOW,
    Step.FEE: Waiting.FEE,
    Step.TAKE_CARD: Waiting.RECEIPT,
    Step.RECEIPT: Waiting.RECEIPT,
    Step.CLOSED: Waiting.RECEIPT,
}
"""For what the resident waits while others act; in every other step it is the station's work."""


def _screen(seat: Seat, case: OpenCase, reception: Reception, view: object, *, was_wrong: bool) -> SeatScreen[Any]:
    position = case.position
    match view:
        case PasswordChoice(policy=policy, use=use):
            return ChoosePassword(seat, position, policy, use, case.resident.items.birth_date)
        case PasswordEntry(status=status, policy=policy, use=use):
            policy = policy or reception.entry_policy
            return EnterPassword(seat, position, policy, status.attempts_remaining, use, was_wrong=was_wrong)
        case Consent(summary=summary):
            return Agree(seat, position, summary)
        case CardRequest(action=action):
            is_unprinted = action is CardAction.TAKE and not seat.board.prints_receipts
            return HandleCard(
                seat,
                position,
                action,
                reception.card,
                can_stop=case.can_stop,
                told_as="take_unprinted" if is_unprinted else "",
                is_awaited_only=action is CardAction.INSERT and case.can_stop,
            )
        case Waiting.KEY:
            return KeyGeneration(seat, position, reception.usual_key_generation_s)
        case Waiting.WORK:
            return AtStationWork(seat, case)
        case Waiting.FEE:
            return FeeNotice(seat, case, position, reception.fee_yen)
        case Waiting():
            is_window = view is Waiting.WINDOW
            if view is Waiting.RECEIPT and not seat.board.prints_receipts:
                view = Waiting.RECEIPT_LATER
            return Notice(seat, view, position, can_stop=is_window)
    raise TypeError(f"the resident has no screen for {view!r}")


async def _say_goodbye(seat: Seat, case: OpenCase, reception: Reception) -> None:
    match case.ending:
        case Finished(closed):
            await seat.ask(Finish(seat, case.position, closed))
        case Trouble() as trouble:
            texts = reception.failure_texts(trouble.code)
            notice = TroubleNotice(seat, case, trouble, texts, reception.card)
            taken = asyncio.ensure_future(until_gone(reception.own_card.look))

            def note(done: asyncio.Future[None]) -> None:
                if not done.cancelled() and done.exception() is None:
                    notice.note_card_taken()

            taken.add_done_callback(note)
            try:
                await seat.ask(notice)
            finally:
                taken.cancel()
