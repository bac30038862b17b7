"""Decides a certification request: read, proof of possession, rules, and the pending certificate in the books."""

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from kiosk.authority import asn1, oids
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.in_step import Stages
from kiosk.authority.embedded.leave import check_attestation, check_authorisation
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.requester import LARGEST_CERTIFICATE, Requester, wanted_profile
from kiosk.authority.embedded.store import Books, CertificateRecord
from kiosk.authority.embedded.subject import Granted, check_subject, name_holder
from kiosk.authority.embedded.weak_key import modulus_weakness
from kiosk.authority.issuer import UNREADABLE
from kiosk.authority.items import ItemsInvalid, check_items, read_items
from kiosk.authority.message import EMPTY_NAME, BodyKind, Received, read, read_elements
from kiosk.authority.profile import usage, validity_end
from kiosk.authority.signature import AlgorithmUnknown, SignatureInvalid, is_spoken, verify_identified
from kiosk.authority.unreadable import reason
from kiosk.model.certificate import BookedState, CertifiedItems, serial_text
from kiosk.model.policy import CertificateRules

PLAIN = "plain"

_JOURNAL_HEAD_BYTES = 4096
_VERSION_3 = 2

_PLAIN_RSA_BITS = range(2048, 8193)
_PLAIN_PURPOSES = {
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ExtendedKeyUsageOID.CODE_SIGNING,
    ExtendedKeyUsageOID.TIME_STAMPING,
}
_OWN_PURPOSES = {
    oids.STATION,
    oids.CMP_AUTHORITY,
    oids.CLERK,
    ExtendedKeyUsageOID.OCSP_SIGNING,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}
"""With these a certificate would speak for others; an unknown purpose is only left out."""

INHERITED = (x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)
"""What a renewed certificate has from the one before it, where nothing else is asked for."""

_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign"),
)
_CANNOT: Mapping[type, frozenset[str]] = MappingProxyType(
    {
        rsa.RSAPublicKey: frozenset({"key_agreement"}),
        ec.EllipticCurvePublicKey: frozenset({"key_encipherment", "data_encipherment"}),
        ed25519.Ed25519PublicKey: frozenset({"key_encipherment", "data_encipherment", "key_agreement"}),
    }
)
"""What keys of each kind cannot do (RFC 4055, 1.2; RFC 8813, section 3; RFC 9295, section 3)."""


@dataclass(frozen=True)
class Wanted:
    """What a request asks for. `is_proven` says that the key's owner signed it; else a station must vouch for that.

    `old_certificate` names the one that is to be renewed, None when the request does not; `validity` is the time that
    it asks for, begin and end, None when it asks for none; `issuer` is by whom (Name, DER), None when that is open.
    """

    cert_req_id: int
    subject: x509.Name
    public_key: CertificatePublicKeyTypes
    extensions: x509.Extensions
    is_proven: bool
    old_certificate: asn1.CertId | None = None
    validity: tuple[datetime.datetime | None, datetime.datetime | None] | None = None
    issuer: bytes | None = None

    @cached_property
    def key_hash(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo."""
        return hashlib.sha256(self.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()

    def extension(self, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
        """The requested extension of this kind."""
        return next((e.value for e in self.extensions if isinstance(e.value, kind)), None)


@dataclass(frozen=True)
class Issued:
    """A pending certificate (DER). `has_mods` when it does not carry everything that was asked for."""

    serial: str
    certificate: bytes
    confirm_before: datetime.datetime
    has_mods: bool


def read_request(message: Received) -> Wanted:
    """The request in an ir, cr, kur or p10cr, its proof of possession checked. Raises `Refusal`, `MessageInvalid`."""
    if message.kind == BodyKind.P10CR:
        return _read_csr(message.body)
    requests = read_elements(asn1.CertReqMsg, message.body)
    if len(requests) != 1:
        raise Refusal("badRequest", "one CertReqMsg a message")
    raw_request = asn1.encode(requests[0].cert_req)
    request = read(asn1.CertRequest, raw_request)
    if request.cert_req_id != 0:
        raise Refusal("badRequest", "certReqId must be 0")
    _check_template(request.cert_template)
    try:
        csr = asn1.as_csr(request.cert_template)
    except ValueError as error:
        raise Refusal("badCertTemplate", str(error)) from None
    wanted = replace(
        _wanted(0, csr, is_proven=requests[0].popo is not None and requests[0].popo.tag == "signature"),
        old_certificate=old_certificate(request.controls or []),
        validity=_validity(request.cert_template),
        issuer=None if request.cert_template.issuer is None else asn1.name(request.cert_template.issuer),
    )
    _check_possession(requests[0], raw_request, wanted)
    return wanted


def _check_template(template: asn1.CertTemplate) -> None:
    """Refuses what RFC 4211, section 5 leaves to the authority, or gave up."""
    for name in ("serial_number", "signing_alg", "issuer_uid", "subject_uid"):
        if getattr(template, name) is not None:
            raise Refusal("badCertTemplate", f"{name} is not for a request to choose")
    if template.version not in (None, _VERSION_3):
        raise Refusal("badCertTemplate", "certificates have version 3")


def _validity(template: asn1.CertTemplate) -> tuple[datetime.datetime | None, datetime.datetime | None] | None:
    """OptionalValidity (RFC 4211, section 5): a begin, an end or both, each a Time under its tag."""
    if template.validity is None:
        return None
    try:
        times = {part.tag_bytes: asn1.time(asn1.tlv(bytes(part.data))) for part in template.validity}
    except asn1.Asn1Invalid:
        raise Refusal("badDataFormat", "the validity cannot be read") from None
    if list(times) not in ([_BEGIN], [_END], [_BEGIN, _END]) or len(times) < len(template.validity):
        raise Refusal("badDataFormat", "a validity has a begin or an end")
    return times.get(_BEGIN), times.get(_END)


_BEGIN, _END = b"\xa0", b"\xa1"


def check_template(wanted: Wanted, authority: Authority) -> None:
    """Raises `Refusal` for a request to somebody else, or for a time that never comes.

    A NULL-DN as issuer is nobody (RFC 9810, 5.2.3: wrongAuthority).
    """
    if wanted.issuer not in (None, EMPTY_NAME) and not authority.is_named(wanted.issuer):
        raise Refusal("wrongAuthority", "the template names another issuer")
    begin, end = wanted.validity or (None, None)
    if end is not None and end <= max(begin or authority.now(), authority.now()):
        raise Refusal("badCertTemplate", "the validity is over, or ends before it begins")


def old_certificate(controls: list[list[asn1.TLV]]) -> asn1.CertId | None:
    """What oldCertId names, None without it. Raises `Refusal`."""
    try:
        found = [value for oid, *value in controls if asn1.oid(oid) == oids.OLD_CERT_ID]
        return asn1.decode(asn1.CertId, asn1.encode(found[0][0])) if found else None
    except (ValueError, IndexError):
        raise Refusal("badDataFormat", "the controls, or oldCertId among them, cannot be read") from None


def issue(
    wanted: Wanted,
    info: dict[x509.ObjectIdentifier, asn1.TLV | None],
    requester: Requester,
    authority: Authority,
    books: Books,
) -> Stages[Issued]:
    """Issues a pending certificate, or raises `Refusal`. `info` are the items of the message's header."""
    check_template(wanted, authority)
    items = _items(wanted)
    if not requester.is_station and (items is not None or oids.AUTHORISATION in info or not _is_known(requester)):
        raise Refusal("notAuthorized", "only a station may ask for certificates of others")
    if oids.AUTHORISATION in info:
        return (yield from _issue_resident(wanted, items, info, requester, authority, books))
    if items is not None:
        raise Refusal("notAuthorized", "a resident's certificate needs a clerk's authorisation")
    if not authority.is_training:
        raise Refusal("notAuthorized", "a clerk's authorisation is missing")
    check_profile(info, PLAIN)
    return (yield from _issue_plain(wanted, requester, authority, books))


def check_profile(info: dict[x509.ObjectIdentifier, asn1.TLV | None], profile: str) -> None:
    """Raises `Refusal` when the message asks for another profile (RFC 9810, 5.1.1.4) than what it would get."""
    if wanted_profile(info) not in (None, profile):
        raise Refusal("badCertTemplate", f"this would be a {profile} certificate, and certProfile names something else")


def _is_known(requester: Requester) -> bool:
    """Whether he may have certificates of the plain profile, being no station: who has one, or shares a secret."""
    return requester.profile in (PLAIN, "client")


def check_prospect(value: asn1.TLV, requester: Requester, authority: Authority, books: Books) -> None:
    """Whether a key made on this leave could be certified. Raises `Refusal`, `MessageInvalid`.

    Making a key destroys the one before: whoever has a valid certificate must not lose its key to a request that fails.
    """
    if not requester.is_station:
        raise Refusal("notAuthorized", "only a station may ask for certificates")
    asked = read(asn1.ProspectValue, asn1.encode(value))
    leave = asn1.tlv(asn1.encode(asked.authorisation))
    for rules in authority.policy.certificates:
        terms = check_authorisation(leave, requester, None, rules.kind, books, authority.now())
        _refuse_second(authority.person(terms.person), rules.kind, books)
    if asked.key_hash and books.has_live_certificate(asked.key_hash):
        raise Refusal("notAuthorized", "E06: the key in the card belongs to a valid certificate")


def _refuse_second(person: bytes, kind: str, books: Books) -> None:
    if books.live_certificate(person, kind):
        raise Refusal("duplicateCertReq", f"E07: the resident has a valid {kind} certificate")


def _issue_resident(
    wanted: Wanted,
    items: CertifiedItems | None,
    info: dict[x509.ObjectIdentifier, asn1.TLV | None],
    requester: Requester,
    authority: Authority,
    books: Books,
) -> Stages[Issued]:
    rules = _rules(wanted, items, authority)
    check_profile(info, rules.kind)
    key = wanted.public_key
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size != rules.key_bits or key.public_numbers().e != 65537:
        raise Refusal("badCertTemplate", f"E20: the key must be RSA of {rules.key_bits} bits with exponent 65537")
    if weakness := modulus_weakness(key.public_numbers().n):
        raise Refusal("badCertTemplate", f"E20: {weakness}")
    if not wanted.is_proven:
        raise Refusal("notAuthorized", "nobody vouches for a resident's key but the key itself")
    now = authority.now()
    terms = check_authorisation(info[oids.AUTHORISATION], requester, items, rules.kind, books, now)
    check_attestation(info.get(oids.ATTESTATION), terms, wanted.key_hash, rules.kind, authority)
    if books.profiles_of_key(wanted.key_hash):
        raise Refusal("badCertTemplate", "E19: this key was certified before")
    journal_head = _journal_head(info)
    person = authority.person(terms.person)
    _refuse_second(person, rules.kind, books)
    yield
    certificate = authority.profiles.resident(
        rules,
        key,
        items,
        authority.random_bytes(10).hex().upper() + authority.town.code,
        authority.new_serial(),
        now,
        _end(rules, items, person, books, now),
    )
    yield
    has_mods = wanted.validity is not None
    issued = enter(certificate, rules.kind, wanted, person, requester, authority, books, has_mods=has_mods)
    books.use_authorisation(terms.nonce, rules.kind, issued.serial)
    if journal_head is not None:
        books.witness(issued.serial, requester.owner, journal_head)
    return issued


def _journal_head(info: dict[x509.ObjectIdentifier, asn1.TLV | None]) -> bytes | None:
    """The head of the station's journal in a message; it is kept for auditors, and nothing depends on it here."""
    value = info.get(oids.JOURNAL_HEAD)
    if value is None:
        return None
    try:
        head = asn1.decode(bytes, asn1.encode(value))
    except asn1.Asn1Invalid:
        raise Refusal("badDataFormat", "the journal's head cannot be read") from None
    if len(head) > _JOURNAL_HEAD_BYTES:
        raise Refusal("badDataFormat", "the journal's head is too long")
    return head


def _issue_plain(wanted: Wanted, requester: Requester, authority: Authority, books: Books) -> Stages[Issued]:
    check_plain_key(wanted.public_key)
    check_subject(wanted.subject, authority.credential.certificate.subject)
    if not (wanted.is_proven or requester.vouches):
        raise Refusal("notAuthorized", "only a station may vouch for the possession of a key")
    if books.profiles_of_key(wanted.key_hash) - {PLAIN}:
        raise Refusal("badCertTemplate", "E19: this key was certified before for somebody")
    granted, has_mods = plain_extensions(wanted)
    yield
    certificate = authority.profiles.plain(
        wanted.subject,
        wanted.public_key,
        name_holder(wanted.subject, with_usage(granted)),
        authority.new_serial(),
        authority.now(),
    )
    yield
    return enter(certificate, PLAIN, wanted, None, requester, authority, books, has_mods=has_mods)


def plain_extensions(wanted: Wanted) -> tuple[Granted, bool]:
    """Which of the wanted extensions a plain certificate gets, and whether that is less than was asked for.

    Raises `Refusal` for power over others, and for what its key cannot be used for.
    """
    granted: Granted = []
    for extension in wanted.extensions:
        match extension.value:
            case x509.KeyUsage() as value:
                _check_usage(value, wanted.public_key)
                granted.append((value, extension.critical))
            case x509.ExtendedKeyUsage() as purposes:
                if set(purposes) & _OWN_PURPOSES:
                    raise Refusal("notAuthorized", "an extended key usage of the authority's own people")
                known = [purpose for purpose in purposes if purpose in _PLAIN_PURPOSES]
                if not known:
                    # Left out as a whole it would be a certificate for every purpose (RFC 5280, 4.2.1.12).
                    raise Refusal("badCertTemplate", "no extended key usage that is known here")
                granted.append((x509.ExtendedKeyUsage(known), extension.critical))
            case x509.SubjectAlternativeName() as names:
                if not list(names):
                    raise Refusal("badCertTemplate", "an alternative name without a name (RFC 5280, 4.2.1.6)")
                granted.append((names, extension.critical))
    asked = [(extension.value, extension.critical) for extension in wanted.extensions]
    has_mods = granted != asked or wanted.validity is not None
    return granted, has_mods


def with_usage(granted: Granted) -> Granted:
    """The same with a key usage, where there is none."""
    if any(isinstance(value, x509.KeyUsage) for value, _ in granted):
        return granted
    return [*granted, (usage("digitalSignature"), True)]


def usable_part(value: x509.ExtensionType, key: CertificatePublicKeyTypes) -> x509.ExtensionType | None:
    """A key usage without what this key cannot be used for, None when nothing is left; anything else as it is."""
    if not isinstance(value, x509.KeyUsage):
        return value
    left = {name: getattr(value, name) and name not in _unusable(key) for name in _USAGES}
    if not any(left.values()):
        return None
    has_agreement = left["key_agreement"]
    return x509.KeyUsage(
        **left,
        encipher_only=has_agreement and value.encipher_only,
        decipher_only=has_agreement and value.decipher_only,
    )


def _check_usage(value: x509.KeyUsage, key: CertificatePublicKeyTypes) -> None:
    """Raises `Refusal` for the usage of an authority, and for one that a key of this kind cannot have."""
    asked = {name for name in _USAGES if getattr(value, name)}
    if asked & {"key_cert_sign", "crl_sign"}:
        raise Refusal("notAuthorized", "the key usage of an authority")
    if not asked:
        raise Refusal("badCertTemplate", "a key usage for nothing (RFC 5280, 4.2.1.3)")
    if asked & _unusable(key):
        raise Refusal("badCertTemplate", "the key usage is none that a key of this kind can have")


def _unusable(key: CertificatePublicKeyTypes) -> frozenset[str]:
    return next((names for kind, names in _CANNOT.items() if isinstance(key, kind)), frozenset())


def enter(
    certificate: x509.Certificate,
    profile: str,
    wanted: Wanted,
    person: bytes | None,
    requester: Requester,
    authority: Authority,
    books: Books,
    *,
    has_mods: bool = False,
) -> Issued:
    """Enters a certificate into the books, pending. Raises `Refusal` for one that its owner could not sign with."""
    der = certificate.public_bytes(Encoding.DER)
    if len(der) > LARGEST_CERTIFICATE:
        raise Refusal("badCertTemplate", f"a certificate has {LARGEST_CERTIFICATE} octets at most")
    confirm_before = authority.now() + datetime.timedelta(hours=authority.policy.deadlines.pending_h)
    serial = serial_text(certificate.serial_number)
    books.add_certificate(
        CertificateRecord(
            serial=serial,
            profile=profile,
            der=der,
            key_hash=wanted.key_hash,
            state=BookedState.PENDING,
            issued_at=int(certificate.not_valid_before_utc.timestamp()),
            not_after=int(certificate.not_valid_after_utc.timestamp()),
            confirm_before=int(confirm_before.timestamp()),
            person=person,
            generation=authority.generation,
            note=f"issued to {requester.profile} {requester.name}",
        )
    )
    return Issued(serial, der, confirm_before, has_mods)


def _read_csr(der: bytes) -> Wanted:
    try:
        csr = x509.load_der_x509_csr(der)
    except (ValueError, x509.InvalidVersion) as error:
        raise Refusal(
            "badDataFormat", f"the certification request (PKCS #10) cannot be read: {reason(error)}"
        ) from None
    wanted = _wanted(-1, csr, is_proven=True)
    if not is_spoken(csr.signature_algorithm_oid):
        raise Refusal("badAlg", "the request's signature is by an algorithm that is not spoken")
    try:
        is_proven = csr.is_signature_valid
    except UnsupportedAlgorithm as error:
        raise Refusal("badAlg", f"the request's signature: {error}") from None
    if not is_proven:
        raise Refusal("badPOP", "the request's signature does not verify")
    return wanted


def _wanted(cert_req_id: int, csr: x509.CertificateSigningRequest, *, is_proven: bool) -> Wanted:
    if _key_algorithm(csr) == SignatureAlgorithmOID.RSASSA_PSS:
        # The certificate would hold the key without what it is restricted to (RFC 4055, 1.2).
        raise Refusal("badCertTemplate", "E20: a key that is for RSASSA-PSS alone is not certified")
    try:
        key = csr.public_key()
        wanted = Wanted(cert_req_id, csr.subject, key, csr.extensions, is_proven)
        wanted.key_hash  # noqa: B018  # a key that cannot be encoded again is none
        return wanted
    except UNREADABLE as error:
        raise Refusal("badCertTemplate", f"subject, key or extensions cannot be read: {reason(error)}") from None


def _key_algorithm(csr: x509.CertificateSigningRequest) -> x509.ObjectIdentifier:
    _, _, key, *_ = asn1.elements(csr.tbs_certrequest_bytes)
    algorithm, _ = asn1.elements(asn1.encode(key))
    return asn1.oid(asn1.elements(asn1.encode(algorithm))[0])


def _check_possession(request: asn1.CertReqMsg, raw_request: bytes, wanted: Wanted) -> None:
    """Raises `Refusal` for a missing or wrong proof; raVerified is left to who decides about this certificate."""
    if request.popo is None:
        raise Refusal("badPOP", "the proof of possession is missing")
    proof = request.popo.value
    if isinstance(proof, asn1.Null):
        return
    if not isinstance(proof, asn1.POPOSigningKey) or proof.poposk_input is not None:
        raise Refusal("badPOP", "the proof of possession must be a signature over the CertRequest")
    try:
        verify_identified(proof.algorithm, wanted.public_key, proof.signature.as_bytes(), raw_request)
    except SignatureInvalid as error:
        raise Refusal("badPOP", f"the proof of possession: {error}") from None
    except AlgorithmUnknown as error:
        raise Refusal("badAlg", f"the proof of possession: {error}") from None


def _items(wanted: Wanted) -> CertifiedItems | None:
    names = wanted.extension(x509.SubjectAlternativeName)
    try:
        items = read_items(names) if isinstance(names, x509.SubjectAlternativeName) else None
        if items is not None:
            check_items(items)
        return items
    except ItemsInvalid as error:
        raise Refusal("badCertTemplate", f"subject alternative name: {error}") from None


def _rules(wanted: Wanted, items: CertifiedItems | None, authority: Authority) -> CertificateRules:
    wanted_usage = wanted.extension(x509.KeyUsage)
    for rules in authority.policy.certificates:
        if wanted_usage == usage(*rules.key_usage) and rules.carries_personal_data == (items is not None):
            return rules
    raise Refusal("badCertTemplate", f"policy {authority.policy.name} has no certificate of this use and content")


def _end(
    rules: CertificateRules, items: CertifiedItems | None, person: bytes, books: Books, now: datetime.datetime
) -> datetime.datetime:
    if items is None and (signature := books.live_certificate(person, "signature")):
        # Without a date of birth of its own, it ends with the certificate beside it in the card.
        return datetime.datetime.fromtimestamp(signature.not_after, datetime.UTC)
    return validity_end(rules, items.birth if items else None, now)


def check_plain_key(key: CertificatePublicKeyTypes) -> None:
    """Raises `Refusal` for a weak key, and for one of a kind that is not certified."""
    match key:
        case rsa.RSAPublicKey() if key.key_size in _PLAIN_RSA_BITS and key.public_numbers().e == 65537:
            if weakness := modulus_weakness(key.public_numbers().n):
                raise Refusal("badCertTemplate", f"E20: {weakness}")
            return
        case ec.EllipticCurvePublicKey() if key.curve.key_size >= 256:
            return
        case ed25519.Ed25519PublicKey():
            return
    raise Refusal("badCertTemplate", "E20: a weak key, or one of a kind that is not certified")
