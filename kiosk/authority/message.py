"""PKIMessages (RFC 9810, 5.1): built, protected, taken apart and checked; bytes in, bytes out, no I/O."""

import datetime
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority import asn1, oids
from kiosk.authority.credential import Credential, subject_key_id
from kiosk.authority.issuer import UNREADABLE
from kiosk.authority.mac import MacAlgorithm, SharedSecret, read_mac_algorithm
from kiosk.authority.signature import (
    AlgorithmUnknown,
    SignatureInvalid,
    has_null_parameters,
    sign,
    signature_algorithm,
    verify_identified,
)
from kiosk.authority.unreadable import reason
from kiosk.authority.verification import load_certificate


class BodyKind(IntEnum):
    """PKIBody's choices by their tag (RFC 9810, 5.1.2)."""

    IR = 0
    IP = 1
    CR = 2
    CP = 3
    P10CR = 4
    KUR = 7
    KUP = 8
    RR = 11
    RP = 12
    PKICONF = 19
    NESTED = 20
    GENM = 21
    GENP = 22
    ERROR = 23
    CERT_CONF = 24
    POLL_REQ = 25
    POLL_REP = 26


class Status(IntEnum):
    """PKIStatus (RFC 9810, 5.2.3)."""

    ACCEPTED = 0
    GRANTED_WITH_MODS = 1
    REJECTION = 2
    WAITING = 3
    REVOCATION_WARNING = 4
    REVOCATION_NOTIFICATION = 5
    KEY_UPDATE_WARNING = 6


class MessageInvalid(ValueError):
    """A message that must not be acted upon; `fail_info` names the bit that says why."""

    def __init__(self, fail_info: str, text: str) -> None:
        super().__init__(text)
        self.fail_info = fail_info
        self.text = text


GeneralInfo = tuple[tuple[x509.ObjectIdentifier, bytes], ...]
"""A header's items and the DER of their values."""


@dataclass(frozen=True)
class Received:
    """A message as it came. `kind` is the body's tag, known to us or not; `body` is the DER of the choice's value.

    `protected` are the bytes that the protection covers.
    """

    header: asn1.PKIHeader
    kind: int
    body: bytes
    protected: bytes
    protection: bytes | None
    extra_certs: tuple[bytes, ...]

    @property
    def general_info(self) -> dict[x509.ObjectIdentifier, asn1.TLV | None]:
        """The header's generalInfo; None stands for an item without value. Raises `MessageInvalid`."""
        return _info(self.header.general_info or [])

    @property
    def general_message(self) -> dict[x509.ObjectIdentifier, asn1.TLV | None]:
        """The items of a genm's or genp's body (RFC 9810, 5.3.19), likewise. Raises `MessageInvalid`."""
        try:
            return _info([asn1.elements(asn1.encode(item)) for item in _elements(self.body)])
        except asn1.Asn1Invalid as error:
            raise MessageInvalid("badDataFormat", str(error)) from None


def info_item(oid: x509.ObjectIdentifier, value: bytes) -> bytes:
    """An InfoTypeAndValue with this value (DER)."""
    return asn1.sequence_of([asn1.encode(oid), value])


def _info(items: Sequence[Sequence[asn1.TLV]]) -> dict[x509.ObjectIdentifier, asn1.TLV | None]:
    found = {}
    for item in items:
        try:
            oid, *value = item
            found[asn1.oid(oid)] = value[0] if value else None
        except (asn1.Asn1Invalid, ValueError):
            raise MessageInvalid("badDataFormat", "something else than InfoTypeAndValue") from None
    return found


@dataclass(frozen=True)
class Head:
    """What a message's header says besides its protection. `sender` and `recipient` are Names (DER)."""

    sender: bytes
    recipient: bytes
    time: datetime.datetime
    transaction_id: bytes
    sender_nonce: bytes
    recipient_nonce: bytes | None = None
    general_info: GeneralInfo = ()
    pvno: int = 2


EMPTY_NAME = b"\x30\x00"
"""DER of the NULL-DN."""


def parse_message(der: bytes) -> Received:
    """Takes a message apart, checks nothing. Raises `MessageInvalid`."""
    try:
        message = asn1.decode(asn1.PKIMessage, der)
        header_der = asn1.encode(message.header)
        header = asn1.decode(asn1.PKIHeader, header_der)
    except asn1.Asn1Invalid as error:
        raise MessageInvalid("badDataFormat", str(error)) from None
    (tag,) = message.body.tag_bytes if len(message.body.tag_bytes) == 1 else (0,)
    if tag & 0xE0 != 0xA0:
        raise MessageInvalid("badDataFormat", "not a PKIBody")
    return Received(
        header=header,
        kind=tag & 0x1F,
        body=bytes(message.body.data),
        protected=asn1.sequence_of([header_der, asn1.encode(message.body)]),
        protection=None if message.protection is None else message.protection.as_bytes(),
        extra_certs=tuple(asn1.encode(c) for c in message.extra_certs or []),
    )


def salvage_header(der: bytes) -> asn1.PKIHeader | None:
    """What can still be read of the header of something that is no message: whom to answer, and in which transaction.

    None when that cannot be told either.
    """
    try:
        header = asn1.elements(der)[0]
        with suppress(asn1.Asn1Invalid):
            return asn1.decode(asn1.PKIHeader, asn1.encode(header))
        version, sender, recipient, *rest = asn1.elements(asn1.encode(header))
        kept = [version, sender, recipient, *(part for part in rest if part.tag_bytes in _NAMES_THE_TRANSACTION)]
        return asn1.decode(asn1.PKIHeader, asn1.sequence_of([asn1.encode(part) for part in kept]))
    except (asn1.Asn1Invalid, IndexError, ValueError):
        return None


_NAMES_THE_TRANSACTION = (b"\xa4", b"\xa5")
"""Tags of transactionID and senderNonce in a header."""


def build_message(kind: BodyKind, body: bytes, head: Head, protector: Credential | SharedSecret) -> bytes:
    """A message protected by a key, whose certificate and chain go along (RFC 9483, 3.3), or by a shared secret."""
    header = asn1.PKIHeader(
        pvno=head.pvno,
        sender=asn1.tlv(asn1.explicit(4, head.sender)),
        recipient=asn1.tlv(asn1.explicit(4, head.recipient)),
        message_time=asn1.GeneralizedTime(head.time.replace(microsecond=0)),
        protection_alg=_protection_algorithm(protector),
        sender_kid=_sender_key_id(protector),
        transaction_id=head.transaction_id,
        sender_nonce=head.sender_nonce,
        recip_nonce=head.recipient_nonce,
        general_info=[[asn1.tlv(asn1.encode(o)), asn1.tlv(v)] for o, v in head.general_info] or None,
    )
    header_der, body_der = asn1.encode(header), asn1.explicit(kind, body)
    protection = _protect(protector, asn1.sequence_of([header_der, body_der]))
    parts = [header_der, body_der, asn1.explicit(0, asn1.encode(asn1.BitString(protection, 0)))]
    if certificates := _certificates(protector):
        parts.append(asn1.explicit(1, asn1.sequence_of(certificates)))
    return asn1.sequence_of(parts)


def _protection_algorithm(protector: Credential | SharedSecret) -> list[asn1.TLV]:
    if isinstance(protector, SharedSecret):
        return protector.algorithm.identifier()
    return _identifier(signature_algorithm(protector.key))


@cache
def _identifier(algorithm: x509.ObjectIdentifier) -> list[asn1.TLV]:
    return asn1.algorithm(algorithm, has_null_parameters(algorithm))


def _sender_key_id(protector: Credential | SharedSecret) -> bytes | None:
    return protector.reference if isinstance(protector, SharedSecret) else protector.key_id


def _certificates(protector: Credential | SharedSecret) -> list[bytes]:
    if isinstance(protector, SharedSecret):
        return [certificate.public_bytes(Encoding.DER) for certificate in protector.certificates]
    return list(protector.ders)


def _protect(protector: Credential | SharedSecret, data: bytes) -> bytes:
    if isinstance(protector, SharedSecret):
        return protector.algorithm.compute(protector.secret, data)
    return sign(protector.key, data)


def is_by_secret(message: Received) -> bool:
    """Whether a message says that a shared secret protects it. Raises `MessageInvalid` when it is not protected."""
    if message.protection is None or message.header.protection_alg is None:
        raise MessageInvalid("badMessageCheck", "message is not protected")
    try:
        return asn1.oid(message.header.protection_alg[0]) in oids.MAC_PROTECTIONS
    except (asn1.Asn1Invalid, IndexError):
        raise MessageInvalid("badAlg", "protectionAlg is not an algorithm") from None


def verify_mac(message: Received, secret: bytes) -> MacAlgorithm:
    """How the message was protected by this secret (RFC 9483, 3.2 and 3.5). Raises `MessageInvalid`."""
    if not is_by_secret(message) or message.header.protection_alg is None or message.protection is None:
        raise MessageInvalid("wrongIntegrity", "protection by a signature where a shared secret was expected")
    try:
        algorithm = read_mac_algorithm(message.header.protection_alg)
    except AlgorithmUnknown as error:
        raise MessageInvalid("badAlg", str(error)) from None
    if not hmac.compare_digest(algorithm.compute(secret, message.protected), message.protection):
        raise MessageInvalid("badMessageCheck", "protection: the MAC does not verify")
    return algorithm


def verify_protection(message: Received, known_signer: x509.Certificate | None = None) -> x509.Certificate:
    """The certificate whose owner signed the message: the first of its extraCerts (RFC 9483, 3.2, 3.3 and 3.5).

    What the receiver has need not be sent to him: a `known_signer` goes first when the message names its key. Whether
    the certificate is trusted is another question. Raises `MessageInvalid`.
    """
    if is_by_secret(message) or message.header.protection_alg is None or message.protection is None:
        raise MessageInvalid("wrongIntegrity", "protection by a shared secret where a signature was expected")
    is_known = known_signer is not None and message.header.sender_kid == subject_key_id(known_signer)
    if not is_known and not message.extra_certs:
        raise MessageInvalid("badMessageCheck", "no extraCerts: the signer's certificate must come first in them")
    try:
        der = known_signer.public_bytes(Encoding.DER) if known_signer and is_known else message.extra_certs[0]
        signer = _read_signer(der)
    except UNREADABLE as error:
        raise MessageInvalid("badMessageCheck", f"the signer's certificate cannot be read: {reason(error)}") from None
    if not _is_sender(message.header.sender, signer):
        raise MessageInvalid("badMessageCheck", "sender is not the subject of the signer's certificate")
    if signer.key_id is None or message.header.sender_kid != signer.key_id:
        raise MessageInvalid("badMessageCheck", "senderKID is not the signer's subject key identifier")
    try:
        verify_identified(message.header.protection_alg, signer.key, message.protection, message.protected)
    except AlgorithmUnknown as error:
        raise MessageInvalid("badAlg", str(error)) from None
    except SignatureInvalid as error:
        raise MessageInvalid("badMessageCheck", f"protection: {error}") from None
    return signer.certificate


def _is_sender(sender: asn1.TLV, signer: "_ReadSigner") -> bool:
    name = asn1.directory_name(sender)
    return name is not None and asn1.is_same_name(name, signer.subject)


@dataclass(frozen=True)
class _ReadSigner:
    certificate: x509.Certificate
    key: object
    subject: bytes
    key_id: bytes | None


@lru_cache(512)
def _read_signer(der: bytes) -> _ReadSigner:
    # Kept, because the same few stations sign everything; taking a certificate apart takes longer than a signature.
    certificate = load_certificate(der)
    subject = certificate.subject.public_bytes()
    return _ReadSigner(certificate, certificate.public_key(), subject, subject_key_id(certificate))


def status_info(status: Status, text: str = "", fail_info: str = "") -> asn1.PKIStatusInfo:
    """A PKIStatusInfo; `fail_info` is the name of a bit or empty."""
    return asn1.PKIStatusInfo(
        status=status,
        status_string=[text] if text else None,
        fail_info=_fail_bits(fail_info) if fail_info else None,
    )


def read_status(info: asn1.PKIStatusInfo) -> tuple[str, str]:
    """The name of the first failInfo bit (empty if none) and the text of a status."""
    names = [name for number, name in enumerate(oids.FAIL_INFO) if info.fail_info and _bit(info.fail_info, number)]
    return (names[0] if names else ""), " ".join(info.status_string or [])


def _fail_bits(name: str) -> asn1.BitString:
    number = oids.FAIL_INFO.index(name)
    # A named bit list ends with its last one bit (X.690, 11.2.2).
    return asn1.BitString(bytes(number // 8) + bytes([0x80 >> number % 8]), 7 - number % 8)


def _bit(bits: asn1.BitString, number: int) -> bool:
    octets = bits.as_bytes()
    return number // 8 < len(octets) and bool(octets[number // 8] & 0x80 >> number % 8)


def read_elements(kind: type[asn1.T], body: bytes) -> Sequence[asn1.T]:
    """A body that is a SEQUENCE OF `kind`. Raises `MessageInvalid`."""
    return [read(kind, asn1.encode(e)) for e in _elements(body)]


def read_body_elements(body: bytes) -> list[bytes]:
    """A body that is a SEQUENCE of anything, each in DER. Raises `MessageInvalid`."""
    return [asn1.encode(element) for element in _elements(body)]


def read(kind: type[asn1.T], body: bytes) -> asn1.T:
    """A body of this kind. Raises `MessageInvalid`."""
    try:
        return asn1.decode(kind, body)
    except asn1.Asn1Invalid as error:
        raise MessageInvalid("badDataFormat", str(error)) from None


def _elements(body: bytes) -> list[asn1.TLV]:
    try:
        return asn1.elements(body)
    except asn1.Asn1Invalid as error:
        raise MessageInvalid("badDataFormat", str(error)) from None
