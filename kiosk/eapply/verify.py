"""What a receiving agency (署名検証者) does with a signed application: signature, path, revocation, name, one verdict.

Three things must fail visibly: another's certificate (impersonation), another document (tampering), and a certificate
that was not valid (repudiation). What cannot be found out makes the verdict undecided, never accepted.
"""

import datetime
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cryptography import x509

from kiosk.authority.errors import AuthorityError
from kiosk.authority.verification import (
    PathInvalid,
    StatusUndecidable,
    certified_items,
    load_certificate,
    validate_path,
)
from kiosk.eapply.cms import SignedData, check_integrity, is_cms, read_signed_data
from kiosk.eapply.errors import SignatureUnreadable
from kiosk.eapply.name import NameMatch, match_name
from kiosk.eapply.pdf import MAGIC as PDF_MAGIC
from kiosk.eapply.pdf import read_signed_pdf
from kiosk.eapply.xml import SignedXml, read_signed_xml
from kiosk.model.certificate import CertificateState, CertificateStatus, serial_text

_DIGESTS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


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


StatusSource = Callable[[x509.Certificate, x509.Certificate], CertificateStatus]
"""Answers the status of a certificate under its issuer; raises `AuthorityError` when it cannot be had."""


class Judge(Protocol):
    """Judges a signature (DER) at a time, and the document that it does not enclose, if one is given."""

    def __call__(
        self,
        signature: bytes,
        at: datetime.datetime,
        *,
        content: bytes | None = None,
        claimed_name: str | None = None,
    ) -> Verdict:
        """See `verify`."""


def verify(
    content: bytes | None,
    signature: bytes,
    trust: tuple[x509.Certificate, ...],
    policies: Collection[str],
    at: datetime.datetime,
    status_of: StatusSource,
    claimed_name: str | None = None,
) -> Verdict:
    """Judges a CMS signature (DER) over `content`, which is None when the signature encloses the document.

    Without `content`, `signature` may be a PDF or XML document that holds its signature within itself. `policies`: the
    signer's certificate must assert one of these (dotted), by which its authority says that it looked at a resident's
    identity.
    """
    try:
        certificate_der, check_signature = _read(content, signature)
        certificate = load_certificate(certificate_der)
        serial = serial_text(certificate.serial_number)
    except ValueError as error:
        return Verdict((Finding("signature", Outcome.REJECTED, str(error)),))
    # The path first: what follows then only ever sees a certificate that the authority has signed.
    try:
        valid = validate_path(certificate, trust, at)
    except (PathInvalid, ValueError) as error:
        return Verdict((Finding("path", Outcome.REJECTED, str(error)),), serial)
    if not valid.chain:
        return Verdict((Finding("path", Outcome.REJECTED, "the authority's own certificate is no resident's"),), serial)
    path = Finding("path", Outcome.ACCEPTED, "issued by the trusted authority, within its validity")
    finding = check_signature()
    if finding.outcome is not Outcome.ACCEPTED:
        return Verdict((path, finding), serial)
    findings = [
        path,
        finding,
        _check_usage(certificate, valid.policies & frozenset(policies)),
        _check_status(certificate, valid.chain[0], status_of),
    ]
    if claimed_name is not None:
        findings.append(_check_name(certificate, claimed_name))
    return Verdict(tuple(findings), serial)


def _read(content: bytes | None, signature: bytes) -> tuple[bytes, Callable[[], Finding]]:
    """The signer's certificate (DER), and what checks his signature. Raises `SignatureUnreadable`."""
    if content is not None or is_cms(signature):
        signed = read_signed_data(signature)
        return signed.certificate_der, lambda: _check_signature(signed, content)
    if signature.startswith(PDF_MAGIC):
        pdf = read_signed_pdf(signature)
        return pdf.signed.certificate_der, lambda: _check_digest(pdf.signed, pdf.digest)
    document = read_signed_xml(signature)
    return document.certificate_der, lambda: _check_xml(document)


def _check_signature(signed: SignedData, content: bytes | None) -> Finding:
    if content is None and signed.enclosed is None:
        return _rejected("the signature encloses no document, and none was given")
    if content is not None and signed.enclosed not in (None, content):
        return _rejected("the signature encloses another document")
    document = content if content is not None else signed.enclosed
    assert document is not None, "one of the two is there"
    if signed.digest_name not in _DIGESTS:
        return _rejected(f"digest algorithm {signed.digest_name} is not acceptable")
    return _check_digest(signed, _DIGESTS[signed.digest_name](document).digest())


def _check_digest(signed: SignedData, digest: bytes) -> Finding:
    if signed.digest_name not in _DIGESTS:
        return _rejected(f"digest algorithm {signed.digest_name} is not acceptable")
    try:
        integrity = check_integrity(signed, digest)
    except SignatureUnreadable as error:
        return _rejected(str(error))
    if not integrity.is_intact:
        return _rejected("the document is not the one that was signed")
    if not integrity.is_valid:
        return _rejected("the signature was not made by the certificate's key")
    return _MADE_BY_KEY


def _check_xml(signed: SignedXml) -> Finding:
    try:
        signed.check()
    except SignatureUnreadable as error:
        return _rejected(str(error))
    return _MADE_BY_KEY


_MADE_BY_KEY = Finding("signature", Outcome.ACCEPTED, "made by the certificate's key over exactly this document")


def _rejected(reason: str) -> Finding:
    return Finding("signature", Outcome.REJECTED, reason)


def _check_usage(certificate: x509.Certificate, policies: Collection[str]) -> Finding:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        items = certified_items(certificate)
    except (x509.ExtensionNotFound, ValueError) as error:
        return Finding("usage", Outcome.REJECTED, f"not a resident's signature certificate: {error}")
    if not policies:
        return Finding("usage", Outcome.REJECTED, "issued under no policy of residents' signature certificates")
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
