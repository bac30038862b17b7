"""Revocation on request: what an rr asks for, and whether the requester may (RFC 9483, 4.2)."""

import datetime
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from kiosk.authority import asn1, oids
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.requester import CLOCK_SKEW, Requester, message_time
from kiosk.authority.embedded.store import Books, CertificateRecord
from kiosk.authority.message import MessageInvalid, Received, read_elements
from kiosk.model.certificate import BookedState, RevocationReason, serial_text

_OWN_PEOPLE = frozenset({"station", "clerk", "relying_party", "ocsp", "cmp", "tls", "link"})
_REMOVE_FROM_CRL = "removeFromCRL"


@dataclass(frozen=True)
class Revoked:
    """What was done: the certificate's serial number, and a word for the answer."""

    serial: int
    text: str


def revoke(message: Received, requester: Requester, authority: Authority, books: Books) -> Revoked:
    """Revokes, holds or releases one certificate. Raises `Refusal`, `MessageInvalid`."""
    if requester.serial is None:
        raise MessageInvalid("wrongIntegrity", "a revocation is signed, by the certificate's key or by a station")
    details = read_elements(asn1.RevDetails, message.body)
    if len(details) != 1:
        raise Refusal("badRequest", "one RevDetails a message")
    template = details[0].cert_details
    if template.issuer is None or template.serial_number is None:
        raise Refusal("addInfoNotAvailable", "issuer and serialNumber name the certificate")
    if not authority.is_named(asn1.name(template.issuer)):
        raise Refusal("badCertId", "not a certificate of this authority")
    books.lock_certificate(serial_text(template.serial_number))
    record = books.certificate(serial_text(template.serial_number))
    if record is None or not _fits(template, record):
        raise Refusal("badCertId", "no such certificate")
    if not _may_revoke(requester, record, books):
        raise Refusal("notAuthorized", "not for this requester to revoke")
    entry_details = details[0].crl_entry_details or []
    reason, invalid_since = _reason(entry_details), _invalid_since(entry_details, authority)
    note = f"asked for by {requester.name}"
    if reason == _REMOVE_FROM_CRL:
        _release(message, record, note, authority, books)
        return Revoked(template.serial_number, "revived: no longer on hold")
    _withdraw(record, RevocationReason(reason), note, invalid_since, books)
    return Revoked(template.serial_number, "revoked")


@dataclass(frozen=True)
class RevokedByHand:
    """What else speaks for the same owner, being renewed from one another: `revoked` now too, or left `live`."""

    revoked: tuple[str, ...]
    live: tuple[str, ...]


def revokes(message: Received, serial: str, authority: Authority) -> bool:
    """Whether an rr is about this certificate of the authority; one that cannot be read is about none."""
    try:
        templates = [details.cert_details for details in read_elements(asn1.RevDetails, message.body)]
    except MessageInvalid:
        return False
    return any(_names(template, serial, authority) for template in templates)


def _names(template: asn1.CertTemplate, serial: str, authority: Authority) -> bool:
    return (
        template.issuer is not None
        and template.serial_number is not None
        and authority.is_named(asn1.name(template.issuer))
        and serial_text(template.serial_number) == serial
    )


def revoke_by_hand(serial: str, reason: RevocationReason, books: Books) -> RevokedByHand:
    """Revokes or holds a certificate for the authority's own people, by the rules of a message. Raises `Refusal`.

    Whoever has stolen a key may have renewed its certificate: with `keyCompromise` all those of the same owner go.
    """
    family = books.of_owner(books.owner(serial))
    # In one order, lest two who revoke wait for each other.
    for one in sorted({serial, *family}):
        books.lock_certificate(one)
    record = books.certificate(serial)
    if record is None:
        raise Refusal("badCertId", "no such certificate")
    others = [other for other in map(books.certificate, family) if other is not None and other.serial != serial]
    live = [other for other in others if other.state is not BookedState.REVOKED]
    note = "by hand at the authority"
    is_stolen = reason is RevocationReason.KEY_COMPROMISE
    if not (is_stolen and live and record.state is BookedState.REVOKED):
        _withdraw(record, reason, note, None, books)
    if is_stolen:
        for other in live:
            _withdraw(other, reason, f"{note}: renewed from {serial}, or to it", None, books)
    serials = tuple(other.serial for other in live)
    return RevokedByHand(serials, ()) if is_stolen else RevokedByHand((), serials)


def _may_revoke(requester: Requester, record: CertificateRecord, books: Books) -> bool:
    if record.profile in _OWN_PEOPLE:
        # What it renewed it may put away, and nothing else of the authority's own people.
        return record.serial != requester.serial and books.owner(record.serial) == requester.owner
    # Whoever has renewed his certificate may put the old one away.
    return requester.is_station or requester.owner == books.owner(record.serial)


def _withdraw(
    record: CertificateRecord,
    reason: RevocationReason,
    note: str,
    invalid_since: datetime.datetime | None,
    books: Books,
) -> None:
    is_hold = reason is RevocationReason.CERTIFICATE_HOLD
    if record.state is BookedState.REVOKED or (is_hold and record.state is BookedState.HELD):
        raise Refusal("certRevoked", f"revoked already: {record.reason}")
    if is_hold and record.state is BookedState.PENDING:
        raise Refusal("badRequest", "a pending certificate is on hold already")
    books.revoke(record.serial, reason, note, invalid_since)


def _release(message: Received, record: CertificateRecord, note: str, authority: Authority, books: Books) -> None:
    if record.state is BookedState.REVOKED:
        raise Refusal("certRevoked", "revoked for good")
    if record.state is not BookedState.HELD:
        raise Refusal("badCertId", "not on hold")
    # Other revocations may come late, because they only take away; this one gives.
    if authority.now() - message_time(message) > CLOCK_SKEW:
        raise Refusal("badTime", "messageTime is too long ago")
    books.release(record.serial, note)


def _fits(template: asn1.CertTemplate, record: CertificateRecord) -> bool:
    """Whether what the template says besides issuer and serial number is true of the certificate."""
    certificate = load_der_x509_certificate(record.der)
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    subject = certificate.subject.public_bytes()
    return (template.subject is None or asn1.is_same_name(asn1.name(template.subject), subject)) and (
        template.public_key is None or asn1.sequence_of([asn1.encode(e) for e in template.public_key]) == key
    )


def _invalid_since(entry_details: list[asn1.Extension], authority: Authority) -> datetime.datetime | None:
    """Since when the key is said to be unreliable (RFC 5280, 5.3.2); it cannot be later than now."""
    values = [extension.value for extension in entry_details if extension.oid == oids.INVALIDITY_DATE]
    if not values:
        return None
    try:
        (value,) = values
        moment = asn1.decode(asn1.GeneralizedTime, value).as_datetime().replace(tzinfo=datetime.UTC)
    except (ValueError, asn1.Asn1Invalid):
        raise Refusal("badDataFormat", "invalidityDate cannot be read") from None
    if moment > authority.now() + CLOCK_SKEW:
        raise Refusal("badRequest", "invalidityDate lies in the future")
    return moment


def _reason(entry_details: list[asn1.Extension]) -> str:
    values = [extension.value for extension in entry_details if extension.oid == oids.CRL_REASON]
    if len(values) > 1:
        raise Refusal("badRequest", "one CRLReason a certificate")
    if not values and entry_details:
        raise Refusal("badRequest", "crlEntryDetails without a CRLReason")
    if not values:
        return RevocationReason.UNSPECIFIED
    # ENUMERATED of one octet
    reason = oids.CRL_REASONS.get(values[0][2]) if values[0][:2] == b"\x0a\x01" and len(values[0]) == 3 else None
    if reason is None:
        raise Refusal("badDataFormat", "unknown CRLReason")
    if reason not in {*RevocationReason, _REMOVE_FROM_CRL}:
        raise Refusal("badRequest", f"{reason} is not for this kind of certificate")
    return reason
