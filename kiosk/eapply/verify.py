"""What a receiving agency (署名検証者) does with a signed application: signature, path, revocation, name, one verdict.

Three things must fail visibly: another's certificate (impersonation), another document (tampering), and a certificate
that was not valid (repudiation). What cannot be found out makes the verdict undecided, never accepted.
"""

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509

from kiosk.authority.errors import AuthorityError
from kiosk.authority.verification import PathInvalid, StatusUndecidable, certified_items, validate_path
from kiosk.eapply.name import NameMatch, match_name
from kiosk.model.certificate import CertificateState, CertificateStatus, serial_text

_DIGESTS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, NotImplementedError, RecursionError)
"""What asn1crypto and pyHanko raise for structures that are not what they claim to be."""


class Outcome(StrEnum):
    """A verdict, and what each check contributes to it."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Finding:
    """One check and what it found, in a sentence."""

    check: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class Verdict:
    """All findings; `serial` is the signer's certificate's, empty when there was none to read."""

    findings: tuple[Finding, ...]
    serial: str = ""

    @property
    def outcome(self) -> Outcome:
        """Rejected by any check, else undecided by any, else accepted."""
        found = {finding.outcome for finding in self.findings}
        return next(o for o in (Outcome.REJECTED, Outcome.UNDECIDED, Outcome.ACCEPTED) if o in found)


class SignatureUnreadable(ValueError):
    """The signature is not one CMS SignedData of one signer that carries his certificate."""


StatusSource = Callable[[x509.Certificate, x509.Certificate], CertificateStatus]
"""Answers the status of a certificate under its issuer; raises `AuthorityError` when it cannot be had."""


def verify(
    content: bytes | None,
    signature: bytes,
    trust: tuple[x509.Certificate, ...],
    at: datetime.datetime,
    status_of: StatusSource,
    claimed_name: str | None = None,
) -> Verdict:
    """Judges a CMS signature (DER) over `content`, which is None when the signature encloses the document."""
    try:
        signed = read_signed_data(signature)
        certificate = x509.load_der_x509_certificate(signed.certificate_der)
        serial = serial_text(certificate.serial_number)
    except ValueError as error:
        return Verdict((Finding("signature", Outcome.REJECTED, str(error)),))
    # The path first: what follows then only ever sees a certificate that the authority has signed.
    try:
        issuer = validate_path(certificate, trust, at).chain[0]
    except (PathInvalid, ValueError) as error:
        return Verdict((Finding("path", Outcome.REJECTED, str(error)),), serial)
    path = Finding("path", Outcome.ACCEPTED, "issued by the trusted authority, within its validity")
    finding = _check_signature(signed, content)
    if finding.outcome is not Outcome.ACCEPTED:
        return Verdict((path, finding), serial)
    findings = [
        path,
        finding,
        _check_usage(certificate),
        _check_status(certificate, issuer, status_of),
    ]
    if claimed_name is not None:
        findings.append(_check_name(certificate, claimed_name))
    return Verdict(tuple(findings), serial)


@dataclass(frozen=True)
class SignedData:
    """One signer's part of a CMS message, as pyHanko's structures."""

    signer_info: object
    certificate_der: bytes
    enclosed: bytes | None


def read_signed_data(signature: bytes) -> SignedData:
    """Reads DER (or BER) of one signer. Raises `SignatureUnreadable`."""
    from asn1crypto import cms

    try:
        message = cms.ContentInfo.load(signature, strict=True)
        if message["content_type"].native != "signed_data":
            raise SignatureUnreadable("not CMS SignedData")
        signed = message["content"]
        (signer,) = signed["signer_infos"]
        if not signer["signed_attrs"]:
            # Without them an attacker could pass signed attributes off as a document (RFC 5652, 5.4).
            raise SignatureUnreadable("no signed attributes")
        enclosed = signed["encap_content_info"]["content"].native
        candidates = [choice.chosen for choice in signed["certificates"] or [] if choice.name == "certificate"]
        matching = [c for c in candidates if _is_signer(c, signer["sid"])]
        (certificate,) = matching
        return SignedData(signer, certificate.dump(), enclosed)
    except SignatureUnreadable:
        raise
    except _UNREADABLE as error:
        raise SignatureUnreadable("not a CMS signature of one signer with his certificate") from error


def _is_signer(certificate: object, sid: object) -> bool:
    if sid.name == "issuer_and_serial_number":  # type: ignore[attr-defined]  # asn1crypto is untyped
        wanted = sid.chosen  # type: ignore[attr-defined]
        return bool(
            certificate.issuer == wanted["issuer"]  # type: ignore[attr-defined]
            and certificate.serial_number == wanted["serial_number"].native  # type: ignore[attr-defined]
        )
    return bool(certificate.key_identifier == sid.chosen.native)  # type: ignore[attr-defined]


def _check_signature(signed: SignedData, content: bytes | None) -> Finding:
    from asn1crypto import x509 as asn1_x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    def rejected(reason: str) -> Finding:
        return Finding("signature", Outcome.REJECTED, reason)

    if content is None and signed.enclosed is None:
        return rejected("the signature encloses no document, and none was given")
    if content is not None and signed.enclosed not in (None, content):
        return rejected("the signature encloses another document")
    document = content if content is not None else signed.enclosed
    assert document is not None, "one of the two is there"
    digest_name = signed.signer_info["digest_algorithm"]["algorithm"].native  # type: ignore[index]  # asn1crypto
    if digest_name not in _DIGESTS:
        return rejected(f"digest algorithm {digest_name} is not acceptable")
    try:
        is_intact, is_valid = validate_sig_integrity(
            signed.signer_info,
            asn1_x509.Certificate.load(signed.certificate_der),
            expected_content_type="data",
            actual_digest=_DIGESTS[digest_name](document).digest(),
        )
    except (SignatureValidationError, UnsupportedAlgorithm, *_UNREADABLE) as error:
        return rejected(f"the signature cannot be checked: {error}")
    if not is_intact:
        return rejected("the document is not the one that was signed")
    if not is_valid:
        return rejected("the signature was not made by the certificate's key")
    return Finding("signature", Outcome.ACCEPTED, "made by the certificate's key over exactly these bytes")


def _check_usage(certificate: x509.Certificate) -> Finding:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        items = certified_items(certificate)
    except (x509.ExtensionNotFound, ValueError) as error:
        return Finding("usage", Outcome.REJECTED, f"not a resident's signature certificate: {error}")
    if not usage.content_commitment or items is None:
        return Finding("usage", Outcome.REJECTED, "not a resident's signature certificate")
    return Finding("usage", Outcome.ACCEPTED, "a resident's certificate for signatures")


def _check_status(certificate: x509.Certificate, issuer: x509.Certificate, status_of: StatusSource) -> Finding:
    try:
        status = status_of(certificate, issuer)
    except (AuthorityError, StatusUndecidable) as error:
        return Finding("status", Outcome.UNDECIDED, f"the authority's answer cannot be had: {error}")
    match status.state:
        case CertificateState.GOOD:
            return Finding("status", Outcome.ACCEPTED, "the authority says: good")
        case CertificateState.PENDING:
            return Finding("status", Outcome.REJECTED, "the certificate is not confirmed (on hold)")
        case CertificateState.REVOKED:
            reason = status.reason.value if status.reason else "unspecified"
            when = f" since {status.revoked_at:%Y-%m-%dT%H:%M:%SZ}" if status.revoked_at else ""
            return Finding("status", Outcome.REJECTED, f"revoked{when}: {reason}")
        case CertificateState.UNKNOWN:
            return Finding("status", Outcome.REJECTED, "the authority does not know this certificate")


def _check_name(certificate: x509.Certificate, claimed: str) -> Finding:
    items = certified_items(certificate)
    if items is None:
        return Finding("name", Outcome.REJECTED, "the certificate carries no name")
    match match_name(claimed, items):
        case NameMatch.EQUAL:
            return Finding("name", Outcome.ACCEPTED, "the name on the form is the certified one")
        case NameMatch.NEEDS_PERSON:
            return Finding("name", Outcome.UNDECIDED, "the certified name holds substitute characters: compare by eye")
        case NameMatch.DIFFERENT:
            return Finding("name", Outcome.REJECTED, "the name on the form is not the certified one")
