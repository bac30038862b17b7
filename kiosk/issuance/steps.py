"""The steps of an issuance as effects: what each makes durable before and after it touches the world."""

import datetime
from dataclasses import dataclass

from hw.ports import ChannelPurpose
from kiosk.authority.client import Message, PendingCertificate
from kiosk.issuance.effect import Effect, Note
from kiosk.journal.records import NumberedReceipt
from kiosk.model.application import (
    Application,
    AuthorisedApplicant,
    Closed,
    DeliveredCertificate,
    ExemptedFee,
    FiledApplication,
    IdentifiedApplicant,
    KeyReady,
    PrintedReceipt,
    SettledFee,
)
from kiosk.model.step import Step, Supplement, Undo


@dataclass(frozen=True)
class KeyIntent:
    """A key is about to be made in this card, which held a key of this hash (empty: none)."""

    card_number: str
    key_before: str


@dataclass(frozen=True)
class CardKeysIntent:
    """The keys of this card's secure channel are about to be replaced, of these versions by purpose."""

    card_number: str
    versions: dict[ChannelPurpose, int]


@dataclass(frozen=True)
class CardKeysReplaced:
    """The card has the issuer's newest keys, of these versions."""

    versions: dict[ChannelPurpose, int]


@dataclass(frozen=True, repr=False)
class RevokeIntent:
    """This certificate (DER) is about to be revoked by this message."""

    certificate: bytes
    message: Message


@dataclass(frozen=True)
class Revoked:
    """The authority's status service says that the certificate is revoked."""

    reason: str


@dataclass(frozen=True)
class WriteIntent:
    """A certificate of this SHA-256 is about to be written."""

    certificate_hash: str


@dataclass(frozen=True)
class Written:
    """The certificate was written."""

    certificate_hash: str


@dataclass(frozen=True)
class FeeIntent:
    """The till is about to take this amount; none where two clerks say that none is due."""

    fee_yen: int
    exempted: ExemptedFee | None = None


@dataclass(frozen=True)
class Confirmed:
    """The certificate is valid since the authority's acknowledgement."""

    serial: str


@dataclass(frozen=True)
class CardTaken:
    """The resident has his card."""

    seen_by: str


@dataclass(frozen=True)
class ReceiptIntent:
    """This receipt is about to be printed, dated so; `sha256` (hex) is of the original's bytes."""

    receipt: NumberedReceipt
    printed_on: datetime.datetime
    sha256: str


APPLICATION = Effect(Step.APPLICATION, Application, FiledApplication)
ELIGIBILITY_AND_IDENTITY = Note(Step.IDENTITY_CHECK, IdentifiedApplicant)
AUTHORISE = Note(Step.AUTHORISE, AuthorisedApplicant)
GENERATE_KEY = Effect(Step.GENERATE_KEY, KeyIntent, KeyReady)
REQUEST = Note(Step.REQUEST, bytes)
CERTIFY = Effect(Step.CERTIFY, Message, PendingCertificate)
WRITE = Effect(Step.WRITE, WriteIntent, Written)
READ_BACK = Note(Step.READ_BACK, DeliveredCertificate)
FEE = Effect(
    Step.FEE,
    FeeIntent,
    SettledFee,
    signs_head=True,
    yen=lambda fee: fee.fee_yen,
    exempted=lambda fee: fee.exempted,
)
REVOKE = Effect(Undo.REVOKE, RevokeIntent, Revoked)
CONFIRM = Effect(Step.CONFIRM, Message, Confirmed)
TAKE_CARD = Note(Step.TAKE_CARD, CardTaken)
RECEIPT = Effect(Step.RECEIPT, ReceiptIntent, PrintedReceipt)
CLOSED = Note(Step.CLOSED, Closed)

REPLACE_CARD_KEYS = Effect(Supplement.REPLACE_CARD_KEYS, CardKeysIntent, CardKeysReplaced)
SECOND_KEY = Effect(Supplement.SECOND_KEY, KeyIntent, KeyReady)
SECOND_REQUEST = Note(Supplement.SECOND_REQUEST, bytes)
SECOND_CERTIFY = Effect(Supplement.SECOND_CERTIFY, Message, PendingCertificate)
SECOND_WRITE = Effect(Supplement.SECOND_WRITE, WriteIntent, Written)
SECOND_READ_BACK = Note(Supplement.SECOND_READ_BACK, DeliveredCertificate)
SECOND_CONFIRM = Effect(Supplement.SECOND_CONFIRM, Message, Confirmed)
SECOND_REVOCATION = Effect(Supplement.SECOND_REVOCATION, RevokeIntent, Revoked)
SECOND_REVOKE = Effect(Supplement.SECOND_REVOKE, RevokeIntent, Revoked)
