"""What whoever relies on a certificate checks: the path to a trusted authority, its policy, and its status by OCSP.

RFC 5280, section 6 (by cryptography's verifier, which knows no policies: they are read here) and RFC 6960.
"""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from kiosk.authority.issuer import NOT_ISSUED, UNREADABLE, is_issued_by
from kiosk.authority.items import ItemsInvalid, read_items
from kiosk.authority.signature import AlgorithmUnknown, SignatureInvalid, verify_signature
from kiosk.model.certificate import CertificateState, CertificateStatus, CertifiedItems, RevocationReason

CLOCK_SKEW = datetime.timedelta(minutes=5)

OCSP_NONCE_BYTES = 32
"""Of a nonce in a question about a certificate's status (RFC 9654, 2.1); more are not taken by RFC 8954."""


class PathInvalid(Exception):
    """No valid path leads from the certificate to a trusted one, or it lacks the policy asked for."""


class StatusUndecidable(Exception):
    """An OCSP response that proves nothing about the certificate."""


@dataclass(frozen=True)
class ValidPath:
    """A validated certificate, the certificates above it (issuer first, anchor last), and the policies it asserts."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    policies: frozenset[str]


def load_certificate(der: bytes) -> x509.Certificate:
    """A certificate that came from outside. Raises `ValueError` for whatever is none, of an unknown version too."""
    try:
        return x509.load_der_x509_certificate(der)
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from None


def validate_path(
    certificate: x509.Certificate,
    trust: Sequence[x509.Certificate],
    at: datetime.datetime,
    *,
    intermediates: Sequence[x509.Certificate] = (),
    policies: Collection[str] = (),
) -> ValidPath:
    """Raises `PathInvalid` unless a path to one of `trust` is valid at that time.

    `policies`: the certificate must assert one of these (dotted), when any are given. Says nothing about revocation.
    """
    later = _later_generations(trust, intermediates, at)
    end_entity = ExtensionPolicy.permit_all().may_be_present(x509.CertificatePolicies, Criticality.AGNOSTIC, None)
    verifier = (
        PolicyBuilder()
        .store(Store([*trust, *later]))
        .time(at.astimezone(datetime.UTC).replace(tzinfo=None))
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=end_entity)
        .build_client_verifier()
    )
    try:
        verified = verifier.verify(certificate, list(intermediates))
        chain = verified.chain[1:]
        asserted = asserted_policies(certificate)
    except (VerificationError, *UNREADABLE) as error:
        # A certificate whose names or extensions cannot be read is noticed only here.
        raise PathInvalid(str(error)) from error
    if policies and not asserted & frozenset(policies):
        raise PathInvalid(f"asserts none of the policies {', '.join(sorted(policies))}")
    # The verifier ends at a link, which is where whoever trusts another generation begins.
    while chain and chain[-1] in later:
        chain.append(later[chain[-1]])
    return ValidPath(certificate, tuple(chain), asserted)


def _later_generations(
    trust: Sequence[x509.Certificate], certificates: Sequence[x509.Certificate], at: datetime.datetime
) -> dict[x509.Certificate, x509.Certificate]:
    """The links among `certificates`, each with the certificate whose key has signed it, in the end one of `trust`.

    A link is another key of a trusted authority, certified by it under its own name; what that key says of itself comes
    before it, so that a path leads over both. cryptography's verifier counts a link against the length of the path,
    which RFC 5280, 4.2.1.9 does not.
    """
    later: dict[x509.Certificate, x509.Certificate] = {}
    anchors = list(trust)
    # Each link may lead to the next.
    while anchors:
        anchor = anchors.pop()
        found = [link for link in certificates if link not in (*trust, *later) and is_link(link, anchor, at)]
        later |= dict.fromkeys(found, anchor)
        anchors += found
    # Of two with one key the verifier takes the first.
    return dict(sorted(later.items(), key=lambda found: not is_issued_by(found[0], found[0])))


def is_link(link: x509.Certificate, anchor: x509.Certificate, at: datetime.datetime) -> bool:
    """Whether a certificate is one of the authority `anchor` itself, by its key, valid at that time."""
    try:
        # Its signature is not looked at before it could be one.
        if link.subject != anchor.subject or not link.not_valid_before_utc <= at <= link.not_valid_after_utc:
            return False
        link.verify_directly_issued_by(anchor)
        constraints = link.extensions.get_extension_for_class(x509.BasicConstraints).value
        may_sign = link.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except NOT_ISSUED:
        return False
    return constraints.ca and may_sign


def asserted_policies(certificate: x509.Certificate) -> frozenset[str]:
    """The certificate policies that it asserts, dotted."""
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(policy.policy_identifier.dotted_string for policy in policies)


def certified_items(certificate: x509.Certificate) -> CertifiedItems | None:
    """The personal data items that it carries, None when it carries none. Raises `ItemsInvalid`."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    except UNREADABLE as error:
        raise ItemsInvalid(str(error)) from None
    return read_items(names)


def ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate, nonce: bytes) -> bytes:
    """An OCSP request (DER) about one certificate; `nonce` of 1 to 128 octets (RFC 9654, 2.1)."""
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    return request.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)


def asks_for_signature(response: bytes) -> bool:
    """Whether a responder answers signed requests only (RFC 6960, 2.3: sigRequired)."""
    try:
        return ocsp.load_der_ocsp_response(response).response_status is ocsp.OCSPResponseStatus.SIG_REQUIRED
    except ValueError:
        return False


def ocsp_status(
    response: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    nonce: bytes | None,
    at: datetime.datetime,
) -> CertificateStatus:
    """What an OCSP response says about the certificate; on hold reads as pending.

    Believed is the issuer itself and a responder to which it delegated (RFC 6960, 4.2.2.2). With a `nonce` the response
    must repeat it. Raises `StatusUndecidable`.
    """
    try:
        answer = ocsp.load_der_ocsp_response(response)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise StatusUndecidable(f"the responder answers {answer.response_status.name}")
        _check_responder(answer, issuer, at)
        if nonce is not None and _nonce(answer) != nonce:
            raise StatusUndecidable("the response does not repeat our nonce")
        wanted = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
        for single in answer.responses:
            if _is_about(single, wanted):
                return replace(_read_single(single, at), produced_at=answer.produced_at_utc)
    except UNREADABLE as error:
        raise StatusUndecidable(f"the response cannot be read: {error}") from error
    raise StatusUndecidable("the response is about another certificate")


def _check_responder(answer: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime.datetime) -> None:
    responder = next((c for c in answer.certificates if _is_delegated(c, issuer, at)), issuer)
    try:
        verify_signature(
            answer.signature_algorithm_oid, responder.public_key(), answer.signature, answer.tbs_response_bytes
        )
    except (SignatureInvalid, AlgorithmUnknown) as error:
        raise StatusUndecidable(f"the response is not by the issuer or its delegate: {error}") from error


def _is_delegated(certificate: x509.Certificate, issuer: x509.Certificate, at: datetime.datetime) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except NOT_ISSUED:
        return False
    is_in_time = certificate.not_valid_before_utc - CLOCK_SKEW <= at <= certificate.not_valid_after_utc
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage and is_in_time


def _nonce(answer: ocsp.OCSPResponse) -> bytes | None:
    try:
        return answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None


def _is_about(single: ocsp.OCSPSingleResponse, wanted: ocsp.OCSPRequest) -> bool:
    return (
        isinstance(single.hash_algorithm, hashes.SHA256)
        and single.serial_number == wanted.serial_number
        and single.issuer_name_hash == wanted.issuer_name_hash
        and single.issuer_key_hash == wanted.issuer_key_hash
    )


def _read_single(single: ocsp.OCSPSingleResponse, at: datetime.datetime) -> CertificateStatus:
    if single.this_update_utc - CLOCK_SKEW > at:
        behind_s = (single.this_update_utc - at).total_seconds()
        raise StatusUndecidable(
            f"the response is from the future: this clock is {behind_s:.0f} s behind the responder's"
        )
    if single.next_update_utc is not None and single.next_update_utc + CLOCK_SKEW < at:
        raise StatusUndecidable("the response is out of date")
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return CertificateStatus(CertificateState.GOOD)
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return CertificateStatus(CertificateState.UNKNOWN)
    reason = _reason(single.revocation_reason)
    state = CertificateState.PENDING if reason is RevocationReason.CERTIFICATE_HOLD else CertificateState.REVOKED
    return CertificateStatus(state, reason, single.revocation_time_utc)


def _reason(flag: x509.ReasonFlags | None) -> RevocationReason:
    try:
        return RevocationReason(flag.value) if flag else RevocationReason.UNSPECIFIED
    except ValueError:
        return RevocationReason.UNSPECIFIED
