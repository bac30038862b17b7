"""The ways of a resident with the certificate that he has: looking at it, and trying it out."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from hw.ports import PinPolicy
from kiosk.issuance.persons import CardAction
from kiosk.ui.card_services import CardUnusable, Judgement, OwnCertificate
from kiosk.ui.devices import SimulatedCard
from kiosk.ui.resident.card import HandleCard
from kiosk.ui.resident.own import Attempt, CardNotice, ShowCertificate, TryOut
from kiosk.ui.resident.password import EnterPassword
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import Stop
from kiosk.ui.words import Words


class OwnCard(Protocol):
    """The card in the terminal's reader, and what can be done with its certificate; `card` is a demo's."""

    card: SimulatedCard | None

    async def is_inside(self) -> bool:
        """Whether a card lies in the reader."""
        ...

    async def look(self) -> bool | None:
        """Whether a card lies in a reader of the terminal, asked beside a case; None when that cannot be told."""
        ...

    async def wait(self, is_inside: bool) -> None:
        """Waits until a card lies in the reader, or lies there no longer."""
        ...

    async def attempts(self) -> int:
        """How often the card's password may still be wrong. Raises `CardUnusable`."""
        ...

    async def certificate(self, password: bytearray, sample: Callable[[str], str] | None) -> OwnCertificate:
        """The certificate; the sample is signed; the password is wiped. Raises `CardUnusable`."""
        ...

    async def judge(self, document: str, name: str) -> Judgement:
        """What an agency says to this text with that signature."""
        ...


async def show_certificate(seat: Seat, own: OwnCard, policy: PinPolicy) -> None:
    """Card in, password, certificate shown, card out."""
    if await move_card(seat, own, is_going_in=True):
        certificate = await _open(seat, own, policy, None)
        if certificate is not None:
            await seat.ask(ShowCertificate(seat, certificate))
        await move_card(seat, own, is_going_in=False)


async def try_out(seat: Seat, own: OwnCard, policy: PinPolicy) -> None:
    """Card in, a sample signed, and what an agency says to it as it is and after somebody has meddled; card out."""
    if await move_card(seat, own, is_going_in=True):
        # In the language in which it was signed: another language would be another document.
        sample = partial(_document, seat.words)
        certificate = await _open(seat, own, policy, sample)
        if certificate is not None:
            await _meddle(seat, own, certificate, sample)
        await move_card(seat, own, is_going_in=False)


async def _open(
    seat: Seat, own: OwnCard, policy: PinPolicy, sample: Callable[[str], str] | None
) -> OwnCertificate | None:
    """The certificate in the card; None, after a notice, when there is none to be had or the resident stops."""
    try:
        attempts, was_wrong = await own.attempts(), False
        while attempts:
            screen = EnterPassword(seat, None, policy, attempts, was_wrong=was_wrong)
            password = await _ask_password(seat, own, screen)
            if isinstance(password, Stop):
                return None
            if password is None:
                if await own.is_inside():
                    return None
                raise CardUnusable("no_card")
            try:
                return await own.certificate(password, sample)
            except CardUnusable as error:
                if error.reason != "wrong":
                    raise
                attempts, was_wrong = error.attempts, True
        raise CardUnusable("locked")
    except CardUnusable as error:
        await seat.ask(CardNotice(seat, error.reason))
        return None


async def _ask_password(seat: Seat, own: OwnCard, screen: EnterPassword) -> bytearray | Stop | None:
    """His password; None when he has taken his card and gone, or the clerk has looked and ended it."""
    board = seat.board
    gone = asyncio.ensure_future(own.wait(False))
    gone.add_done_callback(lambda _: seat.bell.ring())
    try:
        return await seat.show(screen, lambda: not gone.done() and not (board.deserted and board.deserted.is_ended))
    finally:
        gone.cancel()
        board.come_back()


async def _meddle(seat: Seat, own: OwnCard, certificate: OwnCertificate, sample: Callable[..., str]) -> None:
    attempt: Attempt | Stop = Attempt.HONEST
    while not isinstance(attempt, Stop):
        name = certificate.name
        document = sample(name, copies=9 if attempt is Attempt.TAMPERED else 1)
        claimed = seat.words("resident.try.other_name") if attempt is Attempt.IMPERSONATED else name
        judgement = await own.judge(document, claimed)
        shown = document.replace(name, claimed).split("\n")
        attempt = await seat.ask(TryOut(seat, attempt, shown, judgement, certificate.serial))


def _document(words: Words, name: str, *, copies: int = 1) -> str:
    return words("resident.try.document", name=name, copies=copies)


async def move_card(seat: Seat, own: OwnCard, *, is_going_in: bool) -> bool:
    """Has the card put in or taken out; False when the resident will not."""
    if await own.is_inside() is is_going_in:
        return True
    moved = asyncio.ensure_future(own.wait(is_going_in))
    moved.add_done_callback(lambda _: seat.bell.ring())
    action = CardAction.INSERT if is_going_in else CardAction.TAKE
    screen = HandleCard(
        seat,
        None,
        action,
        own.card,
        can_stop=is_going_in,
        told_as="look" if is_going_in else "take_back",
        is_awaited_only=is_going_in,
    )
    seat.board.ask_card_back(not is_going_in)
    try:
        answer = await seat.show(screen, lambda: not moved.done())
    finally:
        moved.cancel()
        seat.board.ask_card_back(False)
    return not isinstance(answer, Stop)
