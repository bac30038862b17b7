"""What changing a password and unlocking it have in common: which is meant, which fit, whether the card has one.

Every try is one that the resident makes himself by typing; nothing here presents a password twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hw.errors import PinLocked, PinRefused, Refused
from hw.ports import CardSession, KeyUse, PinPolicy, PinStatus
from kiosk.issuance.card_key import password_policy
from kiosk.issuance.effect import Case
from kiosk.issuance.failure import CARD_BLANK, NOT_ON_CARD, PasswordUnproven
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.persons import AskedPassword, Persons, Resident
from kiosk.issuance.roll_back import return_card
from kiosk.issuance.station import Station
from kiosk.model.policy import PasswordKind
from kiosk.model.secret import wipe

_LOCKED = 0x6983
"""Authentication method blocked (ISO/IEC 7816-4, table 6)."""

Typed = Callable[[PinStatus, AskedPassword], bytearray]
"""The resident types a password, seeing how many tries remain."""


def meant(
    case: Case, session: CardSession, named: PasswordKind | None, station: Station, resident: Resident
) -> PasswordKind:
    """Which of the card's passwords: the one named, the only one, else the one that the resident says.

    Raises `Refusal` when the card has none, or not the one named.
    """
    own = (use for use in session.uses() if session.has_own_pin(use) and use.value in station.policy.passwords)
    statuses = {use: status for use in own if (status := session.pin_status(use)).is_set}
    if not statuses:
        raise case.refuse(CARD_BLANK)
    if named is not None:
        if KeyUse(named) not in statuses:
            raise case.refuse(NOT_ON_CARD)
        return named
    use = next(iter(statuses)) if len(statuses) == 1 else resident.which_password(statuses)
    return _kind(use)


def choose(session: CardSession, use: KeyUse, station: Station, resident: Resident) -> bytearray:
    """A new password that both the policy and the card accept. Raises `PasswordRulesIncompatible`, `Abandoned`."""
    policy = choosable(session, use, station)
    if use is KeyUse.AUTHENTICATION:
        return resident.choose_authentication_password(policy)
    return resident.choose_password(policy)


def choosable(session: CardSession, use: KeyUse, station: Station) -> PinPolicy:
    """What both the policy and the card accept as a new password. Raises `PasswordRulesIncompatible`."""
    return password_policy(station.policy.passwords[_kind(use)], session.pin_policy(use))


def _kind(use: KeyUse) -> PasswordKind:
    return "authentication" if use is KeyUse.AUTHENTICATION else "signature"


def tries_left(session: CardSession, use: KeyUse) -> PinStatus:
    """How often the password may still be wrong, as the card counts. Raises `PinLocked` when not once more."""
    status = session.pin_status(use)
    if not status.attempts_remaining:
        raise PinLocked("ask for attempts", _LOCKED)
    return status


def asked(session: CardSession, use: KeyUse) -> AskedPassword:
    """What the card holds as this password, whatever the policy says: another program may have set it."""
    return AskedPassword(use, session.pin_policy(use))


def holds(session: CardSession, use: KeyUse, typed: Typed) -> bool:
    """Whether the card has the password that the resident types now: one try. Raises `PinLocked`."""
    with _wiped(typed(tries_left(session, use), asked(session, use))) as password:
        try:
            session.verify_pin(password, use)
        except PinRefused:
            return False
        return True


def prove(session: CardSession, use: KeyUse, password: bytearray) -> None:
    """The card is shown the password that it has just taken, before it is handed back. Raises `PasswordUnproven`."""
    try:
        session.verify_pin(password, use)
    except Refused as refused:
        # Whatever it says now, it has said before that it took the new password.
        raise PasswordUnproven("the card refuses the password that it has just taken") from refused


def hand_back(card: InsertedCard, station: Station, persons: Persons) -> None:
    """The session is over, and the resident is asked to take his card; it no longer matters when he has gone."""
    card.release()
    return_card(station, persons)


@contextmanager
def _wiped(password: bytearray) -> Iterator[bytearray]:
    try:
        yield password
    finally:
        wipe(password)
