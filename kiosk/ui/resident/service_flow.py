"""The resident's way through what the counter does besides issuing, one screen after another."""

from functools import partial
from typing import Any, Protocol

from hw.ports import PinPolicy
from kiosk.issuance.persons import CardAction
from kiosk.model.secret import wipe
from kiosk.model.step import Actor
from kiosk.ui.counter import FailureText
from kiosk.ui.devices import SimulatedCard
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.persons import CardRequest, PasswordChoice, PasswordEntry, PasswordMeant, ResidentAsked
from kiosk.ui.resident.card import HandleCard
from kiosk.ui.resident.card_watch import show_asked
from kiosk.ui.resident.own_flow import OwnCard, move_card
from kiosk.ui.resident.password import ChoosePassword
from kiosk.ui.resident.service import (
    AskForClerk,
    ChoosePasswordMeant,
    ChooseService,
    RecallPassword,
    ServiceFinished,
    ServiceTrouble,
    ServiceWait,
    WishRevocation,
)
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen, Stop
from kiosk.ui.service import OpenService, ServiceKind, ServiceWork


class Services(Protocol):
    """What the resident's way needs of the station."""

    entry_policy: PinPolicy
    """The passwords that can be typed when a card's own is asked for."""
    card: SimulatedCard | None

    async def change_password(self) -> OpenService:
        """The card's owner wants another password."""
        ...

    async def again(self, service: OpenService) -> OpenService:
        """The same procedure once more."""
        ...

    def leave(self) -> None:
        """The resident has read how it ended."""
        ...

    def failure_texts(self, code: str) -> dict[str, FailureText]:
        """The words for a failure, by language."""
        ...


async def choose_service(seat: Seat, services: Services, own: OwnCard) -> Outcome | Stop | None:
    """What he wants; the change of a password begins at once, a revocation when the clerk has taken it in.

    `Stop` when he stops before anything has begun.
    """
    match await seat.ask(ChooseService(seat)):
        case Stop() as stopped:
            return stopped
        case ServiceKind.CHANGE if seat.board.service is None and seat.board.case is None:
            return await accompany(seat, services, own, await services.change_password())
        case ServiceKind.REVOKE:
            cause = await seat.ask(WishRevocation(seat))
            if isinstance(cause, Stop):
                return cause
            seat.board.wish_revocation(cause)
            answer = await seat.show(AskForClerk(seat), lambda: seat.board.is_wish_attended)
            if isinstance(answer, Stop):
                seat.board.wish_revocation(None)
                return answer
            if seat.board.is_wish_attended:
                seat.board.sit_down()
    return None


async def accompany(seat: Seat, services: Services, own: OwnCard, service: OpenService) -> Outcome | None:
    """Shows what a procedure needs of the resident, until it has ended and he has read how."""
    while True:
        await _follow(seat, services, own, service)
        ending = service.ending
        if isinstance(ending, Trouble) and ending.outcome is Outcome.INTERRUPTED:
            return ending.outcome
        await move_card(seat, own, is_going_in=False)
        if not isinstance(ending, Trouble):
            await seat.ask(ServiceFinished(seat, service.kind))
            break
        texts = services.failure_texts(ending.code)
        if await seat.ask(ServiceTrouble(seat, service.kind, ending, texts, services.card)) is not True:
            break
        service = await services.again(service)
    services.leave()
    return None


async def _follow(seat: Seat, services: Services, own: OwnCard, service: OpenService) -> None:
    before: PasswordEntry | None = None
    while service.ending is None:
        view = service.resident_sees
        was_wrong = isinstance(view, PasswordEntry) and view.follows_wrong(before)
        screen = _screen(seat, services, service, view, was_wrong=was_wrong)
        answer = await show_asked(seat, screen, view, partial(_still_sees, service, view), own)
        before = view if isinstance(view, PasswordEntry) else before
        if isinstance(answer, Stop):
            service.stop(Actor.RESIDENT)
        elif isinstance(view, ResidentAsked) and answer is not None:
            was_taken = service.answer(view, answer)
            if not was_taken and isinstance(answer, bytearray):
                wipe(answer)


def _still_sees(service: OpenService, view: object) -> bool:
    return service.ending is None and service.resident_sees == view


def _screen(seat: Seat, services: Services, service: OpenService, view: object, *, was_wrong: bool) -> SeatScreen[Any]:
    can_stop = service.can_be_stopped_at_terminal
    match view:
        case PasswordMeant(statuses=statuses):
            return ChoosePasswordMeant(seat, statuses)
        case PasswordChoice(policy=policy, use=use):
            return ChoosePassword(seat, None, policy, use, service.birth_date)
        case PasswordEntry(status=status, which=which, policy=policy, use=use):
            policy, left = policy or services.entry_policy, status.attempts_remaining
            return RecallPassword(seat, policy, left, which, use, was_wrong=was_wrong)
        case CardRequest(action=action):
            # Only a change of password is begun at the terminal alone, so that nobody else minds its resident.
            is_alone = action is CardAction.INSERT and service.kind is ServiceKind.CHANGE
            return HandleCard(seat, None, action, services.card, can_stop=can_stop, is_awaited_only=is_alone)
        case ServiceWork():
            return ServiceWait(seat, view, can_stop=can_stop)
    raise TypeError(f"the resident has no screen for {view!r}")
