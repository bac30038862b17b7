"""Asks an authority's OCSP responder without being its station: what a relying party does (RFC 6960, appendix A)."""

import datetime
import os
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from kiosk.authority.credential import Credential
from kiosk.authority.errors import AuthorityOutcomeUnknown
from kiosk.authority.http import post
from kiosk.authority.signed_inquiry import sign_inquiry
from kiosk.authority.verification import OCSP_NONCE_BYTES, StatusUndecidable, ocsp_request, ocsp_status
from kiosk.model.certificate import CertificateStatus


def ask_status(
    url: str,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    clock: Callable[[], datetime.datetime],
    timeout_s: float,
    random_bytes: Callable[[int], bytes] = os.urandom,
    credential: Credential | None = None,
) -> CertificateStatus:
    """What the responder at `url` says. Plain HTTP will do: the answer is signed, and repeats our nonce.

    Who asks is said by a signature where there is a `credential`: some responders answer registered relying parties
    only. Raises `AuthorityUnreachable`, and `AuthorityOutcomeUnknown` for an answer that proves nothing.
    """
    nonce = random_bytes(OCSP_NONCE_BYTES)
    query = ocsp_request(certificate, issuer, nonce)
    if credential is not None:
        query = sign_inquiry(query, credential)
    code, _, body = post(url, "application/ocsp-request", query, timeout_s)
    if code != 200:
        raise AuthorityOutcomeUnknown(f"the status service answers HTTP {code}")
    try:
        return ocsp_status(body, certificate, issuer, nonce, clock())
    except StatusUndecidable as error:
        raise AuthorityOutcomeUnknown(str(error)) from error


def ocsp_url(certificate: x509.Certificate) -> str | None:
    """Where the certificate itself says that its status service is (AIA), or None."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return None
    for description in access:
        location = description.access_location
        if description.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
            location, x509.UniformResourceIdentifier
        ):
            return location.value
    return None
