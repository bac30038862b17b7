"""Who sent a message: the header's checks, and the signer found in the authority's own books (RFC 9483, 3.1 to 3.5)."""

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from kiosk.authority import asn1, oids
from kiosk.authority.embedded.store import Books, State
from kiosk.authority.message import BodyKind, MessageInvalid, Received
from kiosk.model.certificate import serial_text

CLOCK_SKEW = datetime.timedelta(minutes=5)
"""How far a message's time may lie from ours."""

TRANSACTION_ID_BYTES = 16
NONCE_BYTES = 16


@dataclass(frozen=True)
class Requester:
    """The owner of one of our certificates. A station may ask for others; anybody else only for his own."""

    name: str
    serial: str
    is_station: bool


def check_transaction_id(message: Received) -> bytes:
    """The transaction's id. Raises `MessageInvalid` for a header without a known version or a proper id."""
    if message.header.pvno not in (2, 3):
        raise MessageInvalid("unsupportedVersion", "pvno must be 2, or 3 where a newer syntax needs it")
    transaction_id = message.header.transaction_id
    if transaction_id is None or len(transaction_id) != TRANSACTION_ID_BYTES:
        # An answer within a transaction that names none is no answer; a first message is badly formed.
        fail_info = "badRequest" if message.kind == BodyKind.CERT_CONF else "badDataFormat"
        raise MessageInvalid(fail_info, f"transactionID must have {TRANSACTION_ID_BYTES} octets")
    return transaction_id


def check_header(message: Received, now: datetime.datetime) -> None:
    """Raises `MessageInvalid` for a bad nonce or time.

    A confirmation may be old: the nonce that it repeats makes it fresh. So may a revocation, which takes away only.
    """
    nonce = message.header.sender_nonce
    if nonce is None or len(nonce) < NONCE_BYTES:
        raise MessageInvalid("badSenderNonce", f"senderNonce must have at least {NONCE_BYTES} octets")
    time = message_time(message)
    if time - now > CLOCK_SKEW:
        raise MessageInvalid("badTime", "messageTime lies in the future")
    if now - time > CLOCK_SKEW and message.kind not in (BodyKind.CERT_CONF, BodyKind.RR):
        raise MessageInvalid("badTime", "messageTime is too long ago")


def message_time(message: Received) -> datetime.datetime:
    """When the message was made. Raises `MessageInvalid` when it does not say."""
    if message.header.message_time is None:
        raise MessageInvalid("badTime", "messageTime is missing")
    return message.header.message_time.as_datetime()


def identify(signer: x509.Certificate, message: Received, books: Books, now: datetime.datetime) -> Requester:
    """The requester behind a certificate that verified the protection. Raises `MessageInvalid`."""
    serial = serial_text(signer.serial_number)
    record = books.certificate(serial)
    if record is None or record.der != message.extra_certs[0]:
        raise MessageInvalid("signerNotTrusted", "the signer's certificate is not of this authority")
    if record.state is not State.GOOD:
        raise MessageInvalid("certRevoked", f"the signer's certificate is {record.state}")
    if not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
        raise MessageInvalid("signerNotTrusted", "the signer's certificate is out of its time")
    return Requester(_common_name(signer), serial, is_station=record.profile == "station" and _may_request(signer))


def check_general_info(message: Received) -> dict[x509.ObjectIdentifier, asn1.TLV | None]:
    """The header's items. Raises `MessageInvalid` when the standard ones among them are malformed (RFC 9483, 3.1)."""
    items = message.general_info
    if oids.IMPLICIT_CONFIRM in items:
        value = items[oids.IMPLICIT_CONFIRM]
        if value is not None and asn1.encode(value) != asn1.encode(asn1.Null()):
            raise MessageInvalid("badRequest", "implicitConfirm must be NULL")
        if oids.CONFIRM_WAIT_TIME in items:
            raise MessageInvalid("badRequest", "implicitConfirm and confirmWaitTime exclude each other")
    if oids.CONFIRM_WAIT_TIME in items:
        value = items[oids.CONFIRM_WAIT_TIME]
        try:
            asn1.decode(asn1.GeneralizedTime, b"" if value is None else asn1.encode(value))
        except asn1.Asn1Invalid:
            raise MessageInvalid("badDataFormat", "confirmWaitTime must be a GeneralizedTime") from None
    return items


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _may_request(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return oids.STATION in usage
