"""What changing a password and unlocking it have in common at the card: which passwords fit, and whether one holds.

Every try is one that the resident makes himself by typing; nothing here presents a password twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hw.errors import PinLocked, PinRefused, Refused
from hw.ports import CardSession, PinPolicy, PinStatus
from kiosk.issuance.card_key import password_policy
from kiosk.issuance.failure import PasswordUnproven
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.persons import Abandoned, Persons
from kiosk.issuance.roll_back import return_card
from kiosk.issuance.station import Station
from kiosk.model.secret import wipe

_LOCKED = 0x6983
"""Authentication method blocked (ISO/IEC 7816-4, table 6)."""

Typed = Callable[[PinStatus], bytearray]
"""The resident types a password, seeing how many tries remain."""


def choosable(session: CardSession, station: Station) -> PinPolicy:
    """What both the policy and the card accept as a new password. Raises `PasswordRulesIncompatible`."""
    return password_policy(station.policy.passwords["signature"], session.pin_policy())


def tries_left(session: CardSession) -> PinStatus:
    """How often the password may still be wrong, as the card counts. Raises `PinLocked` when not once more."""
    status = session.pin_status()
    if not status.attempts_remaining:
        raise PinLocked("ask for attempts", _LOCKED)
    return status


def holds(session: CardSession, typed: Typed) -> bool:
    """Whether the card has the password that the resident types now: one try. Raises `PinLocked`."""
    with _wiped(typed(tries_left(session))) as password:
        try:
            session.verify_pin(password)
        except PinRefused:
            return False
        return True


def prove(session: CardSession, password: bytearray) -> None:
    """The card is shown the password that it has just taken, before it is handed back. Raises `PasswordUnproven`."""
    try:
        session.verify_pin(password)
    except Refused as refused:
        # Whatever it says now, it has said before that it took the new password.
        raise PasswordUnproven("the card refuses the password that it has just taken") from refused


def hand_back(card: InsertedCard, station: Station, persons: Persons) -> None:
    """The session is over, and the resident is asked to take his card; it no longer matters when he has gone."""
    card.release()
    with suppress(Abandoned):
        return_card(station, persons)


@contextmanager
def _wiped(password: bytearray) -> Iterator[bytearray]:
    try:
        yield password
    finally:
        wipe(password)
