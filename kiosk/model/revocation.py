"""A revocation (失効) on its way; each value is made from the one before, so no step is skipped."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kiosk.model.authorisation import Authorisation
from kiosk.model.certificate import RevocationReason
from kiosk.model.identity import IdentityDocument
from kiosk.model.resident import FourItems
from kiosk.model.testimony import ClerkSignature


class RevocationCause(StrEnum):
    """Why a certificate is to be revoked (公的個人認証法15条)."""

    WITHDRAWN = "withdrawn"
    """失効申請: its owner wants it no longer."""
    COMPROMISED = "compromised"
    """届出: the card is lost or broken, or somebody else may know the key or its password."""
    MOVED = "moved"
    """異動等: he has moved, died, changed his name; the office was informed."""
    ERRONEOUS = "erroneous"
    """記録誤り: the certificate says what is not so; the office was informed."""

    @property
    def is_on_information(self) -> bool:
        """Whether the office acts by itself; then nobody's identity is checked, and two clerks sign."""
        return self in (RevocationCause.MOVED, RevocationCause.ERRONEOUS)


REASON: Mapping[RevocationCause, RevocationReason] = {
    RevocationCause.WITHDRAWN: RevocationReason.CESSATION_OF_OPERATION,
    RevocationCause.COMPROMISED: RevocationReason.KEY_COMPROMISE,
    RevocationCause.MOVED: RevocationReason.AFFILIATION_CHANGED,
    RevocationCause.ERRONEOUS: RevocationReason.SUPERSEDED,
}
"""What the authority is told (RFC 5280, 5.3.1)."""


@dataclass(frozen=True)
class RevocationApplication:
    """電子証明書失効申請書 as filed, or what the office was informed of: its number, whose certificate, and why.

    `has_card`: the card is there, so that its key can be erased.
    """

    number: str
    resident_code: str
    cause: RevocationCause
    has_card: bool = False


@dataclass(frozen=True, repr=False)
class FiledRevocation:
    """The valid certificate (DER) that it is about, the items that it carries, and the card that it is in.

    `second_certificate` is the other one in that card, empty where there is none.
    """

    case: str
    application: RevocationApplication
    serial: str
    certificate: bytes
    items: FourItems
    items_hash: bytes
    card_number: str
    second_certificate: bytes = b""


@dataclass(frozen=True, repr=False)
class IdentifiedRevocation:
    """The clerk has compared form, register, document and face; on information there is no document."""

    filed: FiledRevocation
    document: IdentityDocument | None
    clerk: str
    checked_on: datetime.date


@dataclass(frozen=True, repr=False)
class AuthorisedRevocation:
    """The clerk's key has signed for this case and this certificate; on information a second clerk's too."""

    identified: IdentifiedRevocation
    authorisation: Authorisation
    second: ClerkSignature | None = None


@dataclass(frozen=True)
class CardEmptied:
    """What became of the card: its key erased, or not, by which code of the failure book (empty: it was not there)."""

    is_emptied: bool
    code: str = ""


@dataclass(frozen=True)
class RevocationNotice:
    """The paper that says so: `came_out`, or None when the printer does not tell; `code` when it could not print."""

    came_out: bool | None
    code: str = ""


@dataclass(frozen=True)
class RevocationClosed:
    """How a revocation ended: the serial that is revoked, what became of the card, and of the paper."""

    case: str
    serial: str
    reason: str
    card: CardEmptied
    notice: RevocationNotice
