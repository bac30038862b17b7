"""Who sent a message: the header's checks, and the sender found in the authority's own books (RFC 9483, 3.1 to 3.5)."""

import datetime
import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kiosk.authority import asn1, oids
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.store import Books
from kiosk.authority.mac import SharedSecret
from kiosk.authority.message import (
    BodyKind,
    MessageInvalid,
    Received,
    is_by_secret,
    parse_message,
    salvage_header,
    verify_mac,
    verify_protection,
)
from kiosk.model.certificate import BookedState, serial_text

CLOCK_SKEW = datetime.timedelta(minutes=5)
"""How far a message's time may lie from ours."""

TRANSACTION_ID_BYTES = 16
NONCE_BYTES = 16
LONGEST_NONCE_BYTES = 256

LARGEST_CERTIFICATE = 1 << 14
"""So many octets has a certificate of this authority at most, and what is larger is a stranger's: it is not read."""

_WITHIN_A_TRANSACTION = frozenset({BodyKind.CERT_CONF, BodyKind.POLL_REQ, BodyKind.ERROR})
_NAMES_A_PROFILE = frozenset({BodyKind.IR, BodyKind.CR, BodyKind.KUR, BodyKind.P10CR, BodyKind.GENM})
_MAY_COME_LATE = frozenset({BodyKind.CERT_CONF, BodyKind.RR, BodyKind.ERROR})

CLIENT_OWNER = "client:"
"""How the owner's name of a client with a shared secret begins; its reference in hex follows."""


@dataclass(frozen=True)
class Signer:
    """Whoever has the key of this certificate; `der` are its bytes as they came or as we know them."""

    certificate: x509.Certificate
    der: bytes


Sender = Signer | SharedSecret
"""By what a message was proven to come from its sender."""


@dataclass(frozen=True)
class OpenedRequest:
    """A request taken apart, and checked as far as that goes without the books.

    `message` is None for what is no message; as much of its `header` as could be read is there. `sender` is who signed
    it, None when only the books can tell; `invalid` is why it is no message, or not signed by whom it names.
    """

    der: bytes
    message: Received | None
    sender: Signer | None = None
    invalid: MessageInvalid | None = None
    header: asn1.PKIHeader | None = None

    @cached_property
    def hash(self) -> bytes:
        """SHA-256 of its bytes, under which its answer is kept."""
        return hashlib.sha256(self.der).digest()

    @property
    def readable(self) -> Received:
        """The message. Raises `MessageInvalid`."""
        if self.message is None:
            raise self.invalid or MessageInvalid("badDataFormat", "no message")
        return self.message

    def prove(self, books: Books) -> Sender:
        """By whom the message is protected. Raises `MessageInvalid` unless its protection is right.

        Says nothing of whether the sender is trusted.
        """
        if self.invalid is not None:
            raise self.invalid
        return self.sender or _authenticate(self.readable, books)


def open_request(der: bytes) -> OpenedRequest:
    """Takes a request apart; never raises."""
    try:
        message = parse_message(der)
    except MessageInvalid as invalid:
        return OpenedRequest(der, None, invalid=invalid, header=salvage_header(der))
    try:
        if message.extra_certs and not is_by_secret(message):
            if len(message.extra_certs[0]) > LARGEST_CERTIFICATE:
                raise MessageInvalid(
                    "signerNotTrusted", "the signer's certificate is larger than any of this authority"
                )
            sender = Signer(verify_protection(message), message.extra_certs[0])
            return OpenedRequest(der, message, sender, header=message.header)
    except MessageInvalid as invalid:
        # Told in its turn: the header comes first, and before that the question whether it was answered already.
        return OpenedRequest(der, message, invalid=invalid, header=message.header)
    return OpenedRequest(der, message, header=message.header)


class SignerRevoked(MessageInvalid):
    """A message is signed with a certificate that was revoked; `serial` is its serial number.

    Not certRevoked: that is what is said of the certificate that a message is about.
    """

    def __init__(self, serial: str) -> None:
        super().__init__("signerNotTrusted", "the signer's certificate is revoked")
        self.serial = serial


@dataclass(frozen=True)
class Requester:
    """A station, the holder of one of our certificates, or a client that is known by a shared secret.

    `owner` is for whom he speaks (a renewed certificate speaks for the same owner); `serial` and `profile` are of the
    certificate that signed, None and `client` for a shared secret. A station may ask for others' certificates;
    `vouches` says that a station stands behind the message, and may say that it checked the possession of a key.
    """

    name: str
    owner: str
    serial: str | None
    profile: str
    is_station: bool
    vouches: bool


def check_transaction_id(message: Received) -> bytes:
    """The transaction's id. Raises `MessageInvalid` for a header without a known version or a proper id."""
    if message.header.pvno not in (2, 3):
        raise MessageInvalid("unsupportedVersion", "pvno must be 2, or 3 where a newer syntax needs it")
    transaction_id = message.header.transaction_id
    if transaction_id is None or len(transaction_id) != TRANSACTION_ID_BYTES:
        # An answer within a transaction that names none is no answer; a first message is badly formed.
        fail_info = "badRequest" if message.kind in _WITHIN_A_TRANSACTION else "badDataFormat"
        raise MessageInvalid(fail_info, f"transactionID must have {TRANSACTION_ID_BYTES} octets")
    return transaction_id


def check_header(message: Received, now: datetime.datetime) -> None:
    """Raises `MessageInvalid` for a bad nonce or time.

    A confirmation may be old, and without a time: the nonce that it repeats makes it fresh. So may a revocation, and an
    error message that gives a certificate up, which take away only.
    """
    nonce = message.header.sender_nonce
    if nonce is None or not NONCE_BYTES <= len(nonce) <= LONGEST_NONCE_BYTES:
        raise MessageInvalid("badSenderNonce", f"senderNonce must have at least {NONCE_BYTES} octets")
    may_come_late = message.kind in _MAY_COME_LATE
    if may_come_late and message.header.message_time is None:
        return
    time = message_time(message)
    if time - now > CLOCK_SKEW:
        raise MessageInvalid("badTime", "messageTime lies in the future")
    if now - time > CLOCK_SKEW and not may_come_late:
        raise MessageInvalid("badTime", "messageTime is too long ago")


def message_time(message: Received) -> datetime.datetime:
    """When the message was made. Raises `MessageInvalid` when it does not say."""
    if message.header.message_time is None:
        raise MessageInvalid("missingTimeStamp", "messageTime is missing")
    return message.header.message_time.as_datetime()


def _authenticate(message: Received, books: Books) -> Sender:
    if is_by_secret(message):
        if asn1.directory_name(message.header.sender) is None:
            raise MessageInvalid("badMessageCheck", "sender must be a directoryName")
        reference = message.header.sender_kid
        secret = books.client_secret(reference) if reference else None
        if reference is None or secret is None:
            raise MessageInvalid("badMessageCheck", "senderKID names no shared secret that is known here")
        return SharedSecret(reference, secret, verify_mac(message, secret))
    known = None
    if not message.extra_certs and message.kind in _WITHIN_A_TRANSACTION:
        # A later message of a transaction may leave out what the first one brought (RFC 9483, 3.3).
        begun = books.transaction(message.header.transaction_id or b"")
        record = books.certificate(begun.signer) if begun and begun.signer else None
        known = x509.load_der_x509_certificate(record.der) if record else None
    certificate = verify_protection(message, known)
    return Signer(certificate, certificate.public_bytes(Encoding.DER) if known else message.extra_certs[0])


def identify(sender: Sender, books: Books, now: datetime.datetime, *, has_vouching_station: bool = False) -> Requester:
    """The requester behind an authenticated message. Raises `MessageInvalid`, of which `SignerRevoked` is one."""
    if isinstance(sender, SharedSecret):
        owner = CLIENT_OWNER + sender.reference.hex()
        name = sender.reference.decode("utf-8", "replace")
        return Requester(name, owner, None, "client", is_station=False, vouches=has_vouching_station)
    speaker = books.speaker(serial_text(sender.certificate.serial_number))
    if speaker is None or speaker.der != sender.der:
        raise MessageInvalid("signerNotTrusted", "the signer's certificate is not of this authority")
    # Read only now: a stranger's may be such that it cannot be.
    rights = _read_rights(sender.der)
    if speaker.state is BookedState.REVOKED:
        raise SignerRevoked(rights.serial)
    if speaker.state is not BookedState.GOOD:
        raise MessageInvalid("signerNotTrusted", f"the signer's certificate is {speaker.state}")
    if not rights.start <= now <= rights.end:
        raise MessageInvalid("signerNotTrusted", "the signer's certificate is out of its time")
    if not rights.may_sign:
        raise MessageInvalid("signerNotTrusted", "the signer's certificate is not for signatures")
    is_station = speaker.profile == "station" and rights.may_request
    return Requester(
        name=rights.name,
        owner=speaker.owner,
        serial=rights.serial,
        profile=speaker.profile,
        is_station=is_station,
        vouches=is_station or has_vouching_station,
    )


def protector(sender: Sender, authority: Authority) -> Credential | SharedSecret:
    """How an answer to this sender is protected: as his message was (RFC 9483, 3.2)."""
    if isinstance(sender, Signer):
        return authority.speaker
    return SharedSecret(
        sender.reference,
        sender.secret,
        sender.algorithm.with_salt(authority.random_bytes(len(sender.algorithm.salt))),
        authority.generations[:1],
    )


def check_general_info(message: Received) -> dict[x509.ObjectIdentifier, asn1.TLV | None]:
    """The header's items. Raises `MessageInvalid` when the standard ones among them are malformed (RFC 9483, 3.1)."""
    if message.header.free_text == [] or message.header.general_info == []:
        raise MessageInvalid("badDataFormat", "freeText and generalInfo are left out when there is nothing in them")
    items = message.general_info
    if len(items) < len(message.header.general_info or []):
        raise MessageInvalid("badRequest", "generalInfo holds each item once")
    if oids.CERT_PROFILE in items and message.kind not in _NAMES_A_PROFILE:
        raise MessageInvalid("badRequest", "certProfile belongs to a request for a certificate, or for its template")
    if oids.IMPLICIT_CONFIRM in items:
        value = items[oids.IMPLICIT_CONFIRM]
        if value is None or asn1.encode(value) != asn1.encode(asn1.Null()):
            raise MessageInvalid("badRequest", "implicitConfirm must be NULL")
        if oids.CONFIRM_WAIT_TIME in items:
            raise MessageInvalid("badRequest", "implicitConfirm and confirmWaitTime exclude each other")
    if oids.CONFIRM_WAIT_TIME in items:
        value = items[oids.CONFIRM_WAIT_TIME]
        try:
            asn1.decode(asn1.GeneralizedTime, b"" if value is None else asn1.encode(value))
        except asn1.Asn1Invalid:
            raise MessageInvalid("badDataFormat", "confirmWaitTime must be a GeneralizedTime") from None
    wanted_profile(items)
    return items


def wanted_profile(items: dict[x509.ObjectIdentifier, asn1.TLV | None]) -> str | None:
    """The certificate profile that a header's items ask for, None when they leave that open. Raises `MessageInvalid`.

    CertProfileValue (RFC 9810, 5.1.1.4): a name for each request of the message, of which there is one here.
    """
    if oids.CERT_PROFILE not in items:
        return None
    value = items[oids.CERT_PROFILE]
    try:
        elements = asn1.elements(b"" if value is None else asn1.encode(value))
        names = [asn1.decode(str, asn1.encode(element)) for element in elements]
    except (asn1.Asn1Invalid, ValueError):
        raise MessageInvalid("badDataFormat", "certProfile must be a sequence of UTF8String") from None
    if len(names) != 1:
        raise MessageInvalid("badRequest", "certProfile names as many profiles as there are requests: one")
    return names[0]


@dataclass(frozen=True)
class _Rights:
    """What a certificate says of its owner."""

    serial: str
    name: str
    start: datetime.datetime
    end: datetime.datetime
    may_sign: bool
    may_request: bool


@lru_cache(512)
def _read_rights(der: bytes) -> _Rights:
    # Kept, because the same few stations ask for everything.
    certificate = x509.load_der_x509_certificate(der)
    return _Rights(
        serial=serial_text(certificate.serial_number),
        name=_common_name(certificate),
        start=certificate.not_valid_before_utc,
        end=certificate.not_valid_after_utc,
        may_sign=_may_sign(certificate),
        may_request=_may_request(certificate),
    )


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _may_request(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return oids.STATION in usage


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True
