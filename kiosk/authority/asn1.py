"""CMP and CRMF in ASN.1: the only module that stands on cryptography's (unstable) ASN.1 classes.

Sources: RFC 9810 appendix F (CMP, EXPLICIT TAGS) and RFC 4211 appendix B (CRMF, IMPLICIT TAGS); field names are the
standard's in Python spelling. A field whose content is open (ANY) is a `TLV`. An AlgorithmIdentifier and an
InfoTypeAndValue, whose second part is open and optional, are read as `list[TLV]` of one or two elements. A Name is
kept as its relative names.
"""

import datetime
import unicodedata
from collections import Counter
from typing import Annotated, Any, Literal, TypeVar

from cryptography import x509
from cryptography.hazmat.asn1 import (
    TLV,
    BitString,
    Default,
    Explicit,
    GeneralizedTime,
    Implicit,
    Null,
    SetOf,
    UTCTime,
    Variant,
    decode_der,
    encode_der,
    sequence,
)

from kiosk.authority.unreadable import reason, standard_name

__all__ = ["TLV", "BitString", "GeneralizedTime", "Null", "Variant"]

T = TypeVar("T")


_UTF8_STRING, _PRINTABLE_STRING, _UTC_TIME, _DIRECTORY_NAME = b"\x0c", b"\x13", b"\x17", b"\xa4"


class Asn1Invalid(ValueError):
    """Bytes that are not the DER of what they should be."""


@sequence
class Attribute:
    """AttributeTypeAndValue."""

    type: x509.ObjectIdentifier
    value: TLV


@sequence
class Extension:
    """Extension of a certificate or a CRL entry."""

    oid: x509.ObjectIdentifier
    critical: Annotated[bool, Default(False)] = False
    value: bytes


@sequence
class PKIHeader:
    """RFC 9810, 5.1.1."""

    pvno: int
    sender: TLV
    recipient: TLV
    message_time: Annotated[GeneralizedTime | None, Explicit(0)] = None
    protection_alg: Annotated[list[TLV] | None, Explicit(1)] = None
    sender_kid: Annotated[bytes | None, Explicit(2)] = None
    recip_kid: Annotated[bytes | None, Explicit(3)] = None
    transaction_id: Annotated[bytes | None, Explicit(4)] = None
    sender_nonce: Annotated[bytes | None, Explicit(5)] = None
    recip_nonce: Annotated[bytes | None, Explicit(6)] = None
    free_text: Annotated[list[str] | None, Explicit(7)] = None
    general_info: Annotated[list[list[TLV]] | None, Explicit(8)] = None


@sequence
class PKIMessage:
    """RFC 9810, 5.1; header and body stay raw, because the protection covers their bytes as sent."""

    header: TLV
    body: TLV
    protection: Annotated[BitString | None, Explicit(0)] = None
    extra_certs: Annotated[list[TLV] | None, Explicit(1)] = None


@sequence
class ProtectedPart:
    """RFC 9810, 5.1.3: what the protection is computed over."""

    header: TLV
    body: TLV


@sequence
class PBMParameter:
    """RFC 9810, 5.1.3.1: PasswordBasedMac; `owf` and `mac` are algorithms."""

    salt: bytes
    owf: list[TLV]
    iteration_count: int
    mac: list[TLV]


@sequence
class PBKDF2Params:
    """RFC 8018, appendix A.2, with the one kind of salt that is used."""

    salt: bytes
    iteration_count: int
    key_length: int | None = None
    prf: list[TLV] | None = None


@sequence
class PBMAC1Params:
    """RFC 8018, appendix A.5: a key derivation and a MAC."""

    key_derivation: list[TLV]
    message_auth: list[TLV]


@sequence
class RSASSAPSSParams:
    """RFC 4055, 3.1; what is left out is SHA-1 (RFC 4055), which nobody here takes."""

    hash: Annotated[list[TLV] | None, Explicit(0)] = None
    mask_generation: Annotated[list[TLV] | None, Explicit(1)] = None
    salt_length: Annotated[int, Explicit(2), Default(20)] = 20
    trailer_field: Annotated[int, Explicit(3), Default(1)] = 1


@sequence
class PKIStatusInfo:
    """RFC 9810, 5.2.3."""

    status: int
    status_string: list[str] | None = None
    fail_info: BitString | None = None


@sequence
class CertTemplate:
    """RFC 4211, section 5."""

    version: Annotated[int | None, Implicit(0)] = None
    serial_number: Annotated[int | None, Implicit(1)] = None
    signing_alg: Annotated[list[TLV] | None, Implicit(2)] = None
    issuer: Annotated[list[SetOf[Attribute]] | None, Explicit(3)] = None
    validity: Annotated[list[TLV] | None, Implicit(4)] = None
    subject: Annotated[list[SetOf[Attribute]] | None, Explicit(5)] = None
    public_key: Annotated[list[TLV] | None, Implicit(6)] = None
    issuer_uid: Annotated[BitString | None, Implicit(7)] = None
    subject_uid: Annotated[BitString | None, Implicit(8)] = None
    extensions: Annotated[list[Extension] | None, Implicit(9)] = None


@sequence
class CertRequest:
    """RFC 4211, section 5."""

    cert_req_id: int
    cert_template: CertTemplate
    controls: list[list[TLV]] | None = None


@sequence
class POPOSigningKey:
    """RFC 4211, section 4.1: a signature over the DER of the CertRequest (no poposkInput) or over poposkInput."""

    poposk_input: Annotated[list[TLV] | None, Implicit(0)] = None
    algorithm: list[TLV]
    signature: BitString


@sequence
class CertReqMsg:
    """RFC 4211, section 3; the CertRequest stays raw, because the proof of possession covers its bytes as sent."""

    cert_req: TLV
    popo: (
        Annotated[Variant[Null, Literal["ra_verified"]], Implicit(0)]
        | Annotated[Variant[POPOSigningKey, Literal["signature"]], Implicit(1)]
        | Annotated[Variant[TLV, Literal["key_encipherment"]], Explicit(2)]
        | Annotated[Variant[TLV, Literal["key_agreement"]], Explicit(3)]
        | None
    ) = None
    reg_info: list[list[TLV]] | None = None


@sequence
class CertifiedKeyPair:
    """RFC 9810, 5.3.4, with the only choice that this product speaks: a certificate in clear."""

    certificate: Annotated[TLV, Explicit(0)]
    private_key: Annotated[list[TLV] | None, Explicit(0)] = None
    publication_info: Annotated[list[TLV] | None, Explicit(1)] = None


@sequence
class CertResponse:
    """RFC 9810, 5.3.4."""

    cert_req_id: int
    status: PKIStatusInfo
    certified_key_pair: CertifiedKeyPair | None = None
    rsp_info: bytes | None = None


@sequence
class CertRepMessage:
    """RFC 9810, 5.3.4."""

    ca_pubs: Annotated[list[TLV] | None, Explicit(1)] = None
    response: list[CertResponse]


@sequence
class CertStatus:
    """RFC 9810, 5.3.18: one certificate confirmed or declined."""

    cert_hash: bytes
    cert_req_id: int
    status_info: PKIStatusInfo | None = None
    hash_alg: Annotated[list[TLV] | None, Explicit(0)] = None


@sequence
class RevDetails:
    """RFC 9810, 5.3.9."""

    cert_details: CertTemplate
    crl_entry_details: list[Extension] | None = None


@sequence
class RevRepContent:
    """RFC 9810, 5.3.10."""

    status: list[PKIStatusInfo]
    rev_certs: Annotated[list[TLV] | None, Explicit(0)] = None
    crls: Annotated[list[TLV] | None, Explicit(1)] = None


@sequence
class ErrorMsgContent:
    """RFC 9810, 5.3.21."""

    status: PKIStatusInfo
    error_code: int | None = None
    error_details: list[str] | None = None


@sequence
class CertId:
    """RFC 4211, section 7: a certificate by its issuer (a GeneralName) and serial number."""

    issuer: TLV
    serial_number: int


@sequence
class CertReqTemplate:
    """RFC 9810, 5.3.19.16: what a request should hold, and by controls how its key may be."""

    cert_template: CertTemplate
    key_spec: list[list[TLV]] | None = None


@sequence
class PollReq:
    """RFC 9810, 5.3.22."""

    cert_req_id: int


@sequence
class PollRep:
    """RFC 9810, 5.3.22; `check_after` in seconds."""

    cert_req_id: int
    check_after: int
    reason: list[str] | None = None


@sequence
class AuthorisationValue:
    """The value of our InfoTypeAndValue `AUTHORISATION`."""

    payload: bytes
    signature: bytes
    clerk_certificate: TLV


@sequence
class AttestationValue:
    """The value of our InfoTypeAndValue `ATTESTATION`."""

    nonce: bytes
    value: bytes


@sequence
class ProspectValue:
    """The value of our InfoTypeAndValue `PROSPECT`: the leave, and the hash of the key that the card holds now.

    `key_hash` is SHA-256 of the SubjectPublicKeyInfo, empty for none.
    """

    authorisation: AuthorisationValue
    key_hash: bytes


@sequence
class IssuedValue:
    """One certificate in the value of our InfoTypeAndValue `STATION_RECORD`.

    `transaction_id` is that of the request; `state` is the authority's word for it; `journal_head` is the text that
    came with the request, empty for none.
    """

    transaction_id: bytes
    serial_number: int
    state: str
    issued_at: GeneralizedTime
    journal_head: bytes


@sequence
class _CertificationRequestInfo:
    version: int
    subject: list[SetOf[Attribute]]
    public_key: list[TLV]
    attributes: Annotated[SetOf[Attribute], Implicit(0)]


@sequence
class _CertificationRequest:
    info: _CertificationRequestInfo
    algorithm: list[TLV]
    signature: BitString


@sequence
class _Elements:
    elements: list[TLV]


@sequence
class _Name:
    rdns: list[SetOf[Attribute]]


@sequence
class _Extensions:
    extensions: list[Extension]


@sequence
class _ExtensionRequest:
    values: SetOf[TLV]


def decode(kind: type[T], der: bytes | memoryview) -> T:
    """The value that `der` encodes. Raises `Asn1Invalid`."""
    try:
        return decode_der(kind, bytes(der))
    except (ValueError, OverflowError) as error:
        raise Asn1Invalid(f"{standard_name(kind)} cannot be read: {reason(error)}") from None


def encode(value: Any) -> bytes:
    """DER of a value of the classes above, or of an int, str, bytes, object identifier, time or `TLV`."""
    return encode_der(value)


def tlv(der: bytes) -> TLV:
    """A piece of DER as the content of an open field."""
    return decode(TLV, der)


def elements(der: bytes | memoryview) -> list[TLV]:
    """The elements of a SEQUENCE. Raises `Asn1Invalid`."""
    return decode(_Elements, tagged(0x30, bytes(der))).elements


def sequence_of(parts: list[bytes]) -> bytes:
    """A SEQUENCE of pieces of DER."""
    return tagged(0x30, b"".join(parts))


def explicit(number: int, der: bytes) -> bytes:
    """DER under an explicit context tag (0 to 30)."""
    return tagged(0xA0 | number, der)


def algorithm(oid: x509.ObjectIdentifier, has_null: bool) -> list[TLV]:
    """An AlgorithmIdentifier without parameters, or with NULL where the algorithm's standard demands it."""
    return [tlv(encode(oid))] + ([tlv(encode(Null()))] if has_null else [])


def oid(element: TLV) -> x509.ObjectIdentifier:
    """An object identifier. Raises `Asn1Invalid`."""
    return decode(x509.ObjectIdentifier, encode(element))


def time(element: TLV) -> datetime.datetime:
    """A Time (RFC 5280, 4.1): UTCTime or GeneralizedTime, as UTC. Raises `Asn1Invalid`."""
    der = encode(element)
    moment = decode(UTCTime, der) if der[:1] == _UTC_TIME else decode(GeneralizedTime, der)
    return moment.as_datetime()


def name(rdns: list[SetOf[Attribute]]) -> bytes:
    """DER of a Name."""
    return encode(elements(encode(_Name(rdns=rdns)))[0])


def rdns(name_der: bytes) -> list[SetOf[Attribute]]:
    """A Name's relative names. Raises `Asn1Invalid`."""
    return decode(_Name, sequence_of([name_der])).rdns


def directory_name(general_name: TLV) -> bytes | None:
    """The Name (DER) that a GeneralName is, None when it is something else (RFC 5280, 4.2.1.6)."""
    return bytes(general_name.data) if general_name.tag_bytes == _DIRECTORY_NAME else None


def is_same_name(one: bytes, other: bytes) -> bool:
    """Whether two Names (DER) are the same by RFC 5280, 7.1: kind of string, case, width and spaces aside."""
    if one == other:
        return True
    try:
        return [_folded(rdn) for rdn in rdns(one)] == [_folded(rdn) for rdn in rdns(other)]
    except Asn1Invalid:
        return False


def _folded(rdn: SetOf[Attribute]) -> Counter[tuple[x509.ObjectIdentifier, bytes | str]]:
    return Counter((attribute.type, _folded_value(attribute.value)) for attribute in rdn.as_list())


def _folded_value(value: TLV) -> bytes | str:
    der = encode(value)
    if der[:1] not in (_UTF8_STRING, _PRINTABLE_STRING):
        return der
    try:
        return " ".join(unicodedata.normalize("NFKC", bytes(value.data).decode()).casefold().split())
    except UnicodeDecodeError:
        return der


def extensions(values: x509.Extensions) -> list[Extension]:
    """Extensions of cryptography as those of a template."""
    return [Extension(oid=e.oid, critical=e.critical, value=e.value.public_bytes()) for e in values]


def as_csr(template: CertTemplate) -> x509.CertificateSigningRequest:
    """A template as an unsigned certification request, the one form in which cryptography reads a bare Name.

    Its signature is void. Raises `Asn1Invalid` when subject or key are missing; what the request's properties raise
    (`ValueError` and others) is the caller's to handle.
    """
    if template.subject is None or template.public_key is None:
        raise Asn1Invalid("template without subject or public key")
    attributes = []
    if template.extensions:
        wanted = elements(encode(_Extensions(extensions=template.extensions)))[0]
        values = elements(encode(_ExtensionRequest(values=SetOf([wanted]))))[0]
        attributes = [Attribute(type=x509.ObjectIdentifier("1.2.840.113549.1.9.14"), value=values)]
    info = _CertificationRequestInfo(
        version=0, subject=template.subject, public_key=template.public_key, attributes=SetOf(attributes)
    )
    void = algorithm(x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256, has_null=False)
    request = _CertificationRequest(info=info, algorithm=void, signature=BitString(b"\0", 0))
    return x509.load_der_x509_csr(encode(request))


def tagged(tag: int, content: bytes) -> bytes:
    """Content under a tag of one octet, its length in DER."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content
