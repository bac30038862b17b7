"""An application on its way to a certificate; each value is made from the one before, so no step is skipped."""

import datetime
import re
from dataclasses import dataclass
from enum import StrEnum

from kiosk.model.authorisation import Authorisation
from kiosk.model.certificate import CertifiedItems
from kiosk.model.identity import IdentityDocument
from kiosk.model.resident import FourItems, Resident
from kiosk.model.testimony import Testimony

LONGEST_NUMBER = 40
APPLICATION_NUMBER = re.compile(rf"[0-9A-Za-z][0-9A-Za-z._-]{{0,{LONGEST_NUMBER - 1}}}")
"""How an application is numbered: what can be typed at every keyboard, read aloud, and named in a line of the log."""


@dataclass(frozen=True, repr=False)
class Application:
    """電子証明書発行申請書 as filed: its number, whom it is for, and what the form says.

    `form_items` is None when the form was pre-filled from the register and left unchanged.
    """

    number: str
    resident_code: str
    form_items: FourItems | None = None


class Delivery(StrEnum):
    """Where the certificate is written into the card."""

    TERMINAL = "terminal"
    """In the terminal, where the card stays to the end."""
    WINDOW = "window"
    """At the counter, where the resident hands his card in once the key is made."""


@dataclass(frozen=True)
class FiledApplication:
    """An application whose card has been read once; `case` is its random pseudonym in the journal."""

    case: str
    application: Application
    card_number: str
    delivery: Delivery = Delivery.TERMINAL


@dataclass(frozen=True)
class EligibleApplication:
    """Found in the register, and no rule of the policy stands against it."""

    filed: FiledApplication
    resident: Resident
    items: CertifiedItems


@dataclass(frozen=True)
class IdentifiedApplicant:
    """The clerk has compared form, register, document and face."""

    eligible: EligibleApplication
    document: IdentityDocument
    clerk: str
    checked_on: datetime.date
    document_beside: IdentityDocument | None


@dataclass(frozen=True)
class AuthorisedApplicant:
    """The clerk's key has signed for this case and this card; `exemption` is two clerks' word that no fee is due."""

    identified: IdentifiedApplicant
    authorisation: Authorisation
    exemption: Testimony | None = None


@dataclass(frozen=True)
class KeyReady:
    """A key pair was made in the card: its SubjectPublicKeyInfo (DER) and the card's attestation of it."""

    public_key: bytes
    attestation_nonce: bytes
    attestation: bytes


@dataclass(frozen=True, repr=False)
class DeliveredCertificate:
    """The certificate was read back from the card and a test text signed by its key was verified."""

    certificate: bytes
    proof: bytes


@dataclass(frozen=True)
class ExemptedFee:
    """On which ground of the policy, by its code, no fee is due, and what the journal knows the two clerks by."""

    ground: str
    operators: tuple[str, str]


@dataclass(frozen=True)
class SettledFee:
    """What was paid: the fee, what the payer handed over, and the change he got; `exempted` where none was due."""

    fee_yen: int
    tendered_yen: int
    change_yen: int
    exempted: ExemptedFee | None = None


@dataclass(frozen=True)
class PrintedReceipt:
    """The receipt as printed; `copies` counts prints after the first, each marked 領収書(写)."""

    number: int
    copies: int


@dataclass(frozen=True, repr=False)
class Closed:
    """How a case ended well: serial in upper-case hex, the certificate (DER), the receipt's number."""

    case: str
    serial: str
    certificate: bytes
    receipt_number: int
    valid_until: datetime.datetime
