"""The ways of a resident with the certificate that he has: looking at it, and trying it out."""

import asyncio
from typing import Protocol

from hw.ports import PinPolicy
from kiosk.issuance.persons import CardAction
from kiosk.ui.counter import CannotSign, Judgement, OwnCertificate, SimulatedCard
from kiosk.ui.resident.card import HandleCard
from kiosk.ui.resident.own import Attempt, CardNotice, ShowCertificate, TryOut
from kiosk.ui.resident.password import EnterPassword
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import Stop


class OwnCard(Protocol):
    """The card in the terminal's reader, and what can be done with its certificate; `card` is a demo's."""

    card: SimulatedCard | None

    async def is_inside(self) -> bool:
        """Whether a card lies in the reader."""
        ...

    async def wait(self, is_inside: bool) -> None:
        """Waits until a card lies in the reader, or lies there no longer."""
        ...

    async def certificate(self) -> OwnCertificate | None:
        """The certificate in the card. Raises `CannotSign`."""
        ...

    async def sign(self, document: str, password: bytearray) -> None:
        """Signs a text; the password is wiped. Raises `CannotSign`."""
        ...

    async def judge(self, document: str, name: str) -> Judgement:
        """What an agency says to this text with that signature."""
        ...


async def show_certificate(seat: Seat, own: OwnCard) -> None:
    """Card in, certificate shown, card out."""
    if await _move_card(seat, own, is_going_in=True):
        certificate = await _read(seat, own)
        if certificate is not None:
            await seat.ask(ShowCertificate(seat, certificate))
        await _move_card(seat, own, is_going_in=False)


async def try_out(seat: Seat, own: OwnCard, policy: PinPolicy) -> None:
    """Card in, a sample signed, and what an agency says to it as it is and after somebody has meddled; card out."""
    if not await _move_card(seat, own, is_going_in=True):
        return
    certificate = await _read(seat, own)
    if certificate is not None and await _sign(seat, own, policy, certificate):
        await _meddle(seat, own, certificate)
    await _move_card(seat, own, is_going_in=False)


async def _sign(seat: Seat, own: OwnCard, policy: PinPolicy, certificate: OwnCertificate) -> bool:
    attempts = certificate.attempts
    while attempts:
        password = await seat.ask(EnterPassword(seat, None, policy, attempts))
        if isinstance(password, Stop):
            return False
        try:
            await own.sign(_document(seat, certificate), password)
            return True
        except CannotSign as error:
            if error.reason not in ("wrong", "locked"):
                await seat.ask(CardNotice(seat, error.reason))
                return False
            attempts = error.attempts
    await seat.ask(CardNotice(seat, "locked"))
    return False


async def _meddle(seat: Seat, own: OwnCard, certificate: OwnCertificate) -> None:
    attempt: Attempt | Stop = Attempt.HONEST
    # In the language in which it was signed: another language would be another document.
    language = seat.language
    while not isinstance(attempt, Stop):
        document = _document(seat, certificate, language, is_changed=attempt is Attempt.TAMPERED)
        name = certificate.name
        if attempt is Attempt.IMPERSONATED:
            name = seat.words("resident.try.other_name")
        judgement = await own.judge(document, name)
        shown = document if attempt is not Attempt.IMPERSONATED else document.replace(certificate.name, name)
        attempt = await seat.ask(TryOut(seat, attempt, shown.split("\n"), judgement, certificate.serial))


def _document(seat: Seat, certificate: OwnCertificate, language: str = "", *, is_changed: bool = False) -> str:
    words = seat.words_in(language or seat.language)
    return words("resident.try.document", name=certificate.name, copies=9 if is_changed else 1)


async def _read(seat: Seat, own: OwnCard) -> OwnCertificate | None:
    """The certificate; a notice and None when there is none to be had."""
    try:
        certificate = await own.certificate()
    except CannotSign as error:
        await seat.ask(CardNotice(seat, error.reason))
        return None
    if certificate is None:
        await seat.ask(CardNotice(seat, "empty"))
    return certificate


async def _move_card(seat: Seat, own: OwnCard, *, is_going_in: bool) -> bool:
    """Has the card put in or taken out; False when the resident will not."""
    if await own.is_inside() is is_going_in:
        return True
    moved = asyncio.ensure_future(own.wait(is_going_in))
    moved.add_done_callback(lambda _: seat.bell.ring())
    action = CardAction.INSERT if is_going_in else CardAction.TAKE
    screen = HandleCard(
        seat, None, action, own.card, can_stop=is_going_in, told_as="look" if is_going_in else "take_back"
    )
    try:
        answer = await seat.show(screen, lambda: not moved.done())
    finally:
        moved.cancel()
    return not isinstance(answer, Stop)
