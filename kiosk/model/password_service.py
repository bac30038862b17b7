"""A change of password, or a new one for one that is locked or forgotten, on its way through the counter."""

import datetime
from dataclasses import dataclass

from kiosk.model.authorisation import Authorisation
from kiosk.model.identity import IdentityDocument
from kiosk.model.policy import PasswordKind
from kiosk.model.resident import Resident


@dataclass(frozen=True)
class PasswordChangeApplication:
    """The card's owner wants another password (パスワード変更); whoever knows the old one may.

    `which` is the password that he named, None when he is asked at the card, if it has two.
    """

    number: str
    which: PasswordKind | None = None


@dataclass(frozen=True)
class FiledPasswordChange:
    """The card that lies in the terminal, and which of its passwords is meant; `case` is its pseudonym in the journal.

    `which` has a default because entries of a journal may be older than it.
    """

    case: str
    card_number: str
    which: PasswordKind = "signature"


@dataclass(frozen=True)
class PasswordChanged:
    """The card has the password that its owner typed last: it was verified."""

    case: str


@dataclass(frozen=True)
class UnlockApplication:
    """パスワード初期化(ロック解除)申請書 as filed: its number, and who applies.

    `which` is the password that he named, None when he is asked at the card, if it has two.
    """

    number: str
    resident_code: str
    which: PasswordKind | None = None


@dataclass(frozen=True)
class FiledUnlock:
    """The card of which a password is locked or forgotten, which one, and how many tries it had when it was read.

    `which` has a default because entries of a journal may be older than it.
    """

    case: str
    application: UnlockApplication
    card_number: str
    attempts_remaining: int
    which: PasswordKind = "signature"


@dataclass(frozen=True, repr=False)
class IdentifiedOwner:
    """The clerk has compared form, register, document and face."""

    filed: FiledUnlock
    resident: Resident
    items_hash: bytes
    document: IdentityDocument
    clerk: str
    checked_on: datetime.date


@dataclass(frozen=True, repr=False)
class AuthorisedOwner:
    """The clerk's key has signed for this case and this card."""

    identified: IdentifiedOwner
    authorisation: Authorisation


@dataclass(frozen=True)
class Unlocked:
    """The card has the password that its owner chose: it was verified."""

    case: str
