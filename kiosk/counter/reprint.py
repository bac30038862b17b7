"""Copies for whoever has a receipt: of the receipt, 領収書(写), and of what the certificate says, 電子証明書の写し.

An original is printed once, by the issuance itself. Here nothing but copies leave the printer; that of a receipt has
its number, is marked as a copy, and is journaled before it is printed. Whoever can still read the case prints them: of
a closed case the clerk's station, where there is one.
"""

import datetime
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509

from hw.errors import TextDoesNotFit
from hw.ports import PrintJob, PrintOutcome
from kiosk.authority.client import PendingCertificate
from kiosk.issuance.effect import outcome_in
from kiosk.issuance.receipt import ReceiptValues, compose_receipt, cut_off
from kiosk.issuance.station import Station
from kiosk.issuance.steps import AUTHORISE, CERTIFY, FEE
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.journal.records import NumberedReceipt
from kiosk.model.application import AuthorisedApplicant, SettledFee
from kiosk.model.resident import Sex

CERTIFICATE_COPIED = "certificate_copy"
"""The event of a copy of what a certificate says, likewise."""
COPIED = "receipt_copy"
"""The event of a copy, which is in the journal whether or not the paper then came out."""


class CopyReason(StrEnum):
    """Why a payer needs his receipt again."""

    LOST = "lost"
    UNREADABLE = "unreadable"
    FOR_AN_AGENCY = "for_an_agency"


class ReceiptUnknown(Exception):
    """No receipt of that number can be read here: there is none, or only another station has its records, or nobody."""


@dataclass(frozen=True)
class Copied:
    """What became of the copy, and how many copies this receipt has now."""

    outcome: PrintOutcome
    copies: int


def can_copy(number: int, journal: Journal) -> bool:
    """Whether a receipt of that number can be read here, so that nobody says why he needs a copy of none."""
    try:
        _issued(number, journal)
    except ReceiptUnknown:
        return False
    return True


def copy_receipt(number: int, reason: CopyReason, operator: str, journal: Journal, station: Station) -> Copied:
    """Prints one copy; `operator` is who had it printed. Raises `ReceiptUnknown`, and `hw.errors` of the printer.

    `journal` is of the thread that calls.
    """
    job = _job(number, journal, station)
    # Of any station: numbers of receipts are the store's.
    copies = 1 + sum(_is_copy_of(entry, number) for entry in journal.entries())
    facts: dict[str, str | int] = {"event": COPIED, "receipt": number, "copy": copies, "reason": reason.value}
    journal.note({**facts, "operator": operator}, lambda _: None)
    if journal.has_open_paper():
        cut_off(station.printer)
    return Copied(station.printer.print(job), copies)


@dataclass(frozen=True)
class _Issued:
    """What was issued against a receipt, and what was paid for it."""

    receipt: NumberedReceipt
    authorised: AuthorisedApplicant
    pending: PendingCertificate
    fee: SettledFee


@dataclass(frozen=True, repr=False)
class CertificateContent:
    """What a certificate says; `issuer` is its issuer's name, the narrowest part first."""

    name: str
    address: str
    birth_date: datetime.date
    sex: Sex
    serial: str
    not_before: datetime.datetime
    not_after: datetime.datetime
    issuer: str


def certificate_of(number: int, journal: Journal) -> CertificateContent:
    """What the certificate says that was issued against this receipt. Raises `ReceiptUnknown`."""
    issued = _issued(number, journal)
    pending = issued.pending
    eligible = issued.authorised.identified.eligible
    registered = eligible.resident.items
    issuer = x509.load_der_x509_certificate(pending.certificate).issuer
    return CertificateContent(
        eligible.items.name,
        eligible.items.address,
        registered.birth_date,
        registered.sex,
        pending.serial,
        pending.not_before,
        pending.not_after,
        ", ".join(str(attribute.value) for attribute in reversed(list(issuer))),
    )


def note_certificate_copy(number: int, operator: str, journal: Journal) -> None:
    """Journals, before it is printed, for whom what this receipt's certificate says is printed."""
    journal.note({"event": CERTIFICATE_COPIED, "receipt": number, "operator": operator}, lambda _: None)


def _issued(number: int, journal: Journal) -> _Issued:
    found = journal.numbered(number)
    if found is None or found[0].seal.is_destroyed:
        raise ReceiptUnknown(f"receipt {number}")
    if elsewhere := found[0].seal.elsewhere:
        raise ReceiptUnknown(f"receipt {number} is read at station {elsewhere}")
    case, receipt = found
    authorised = outcome_in(journal.effect(case, AUTHORISE.step), AUTHORISE)
    pending = outcome_in(journal.effect(case, CERTIFY.step), CERTIFY)
    fee = outcome_in(journal.effect(case, FEE.step), FEE)
    if authorised is None or pending is None or fee is None:
        raise ReceiptUnknown(f"receipt {number}")
    return _Issued(receipt, authorised, pending, fee)


def _job(number: int, journal: Journal, station: Station) -> PrintJob:
    issued = _issued(number, journal)

    def render(receipt: NumberedReceipt) -> PrintJob:
        values = ReceiptValues(
            number=number,
            printed_on=station.clock(),
            fee=issued.fee,
            serial=issued.pending.serial,
            valid_until=issued.pending.not_after,
            town=station.town,
            clerk=issued.authorised.identified.clerk,
            is_copy=True,
            proof=receipt.proof,
        )
        return station.printer.render(compose_receipt(station.receipt_form, values), f"{number % 10000:04d}")

    try:
        return render(issued.receipt)
    except TextDoesNotFit:
        return render(NumberedReceipt(number, ""))


def _is_copy_of(entry: Entry, number: int) -> bool:
    return f'"event":"{COPIED}"' in entry.body and f'"receipt":{number},' in entry.body
