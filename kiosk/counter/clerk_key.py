"""The clerk's signing key, with which he gives leave or testifies, and how any station checks what he signed."""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.authority import oids
from kiosk.authority.issuer import find_issuer
from kiosk.authority.signature import verify
from kiosk.authority.verification import load_certificate
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid, AuthorisationTerms
from kiosk.model.testimony import ClerkSignature, Testimony, TestimonyInvalid, TestimonyTerms


class ClerkKey(Protocol):
    """Signs what the clerk gives his word for."""

    @property
    def name(self) -> str:
        """The clerk's name in the authority's books."""
        ...

    @property
    def certificate(self) -> bytes:
        """The clerk's certificate (DER)."""
        ...

    def authorise(self, terms: AuthorisationTerms) -> Authorisation:
        """The terms under the clerk's signature (ECDSA with SHA-256)."""
        ...

    def testify(self, payload: bytes) -> ClerkSignature:
        """The clerk's signature over what he gives his word for: a testimony, a leave of another clerk, a count."""
        ...


@dataclass(frozen=True, repr=False)
class ClerkKeyFile:
    """A clerk's key in a file, as training authorities make them."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: bytes

    def authorise(self, terms: AuthorisationTerms) -> Authorisation:
        """The terms under the clerk's signature."""
        payload = terms.encode()
        return Authorisation(payload, self._sign(payload), self.certificate)

    def testify(self, payload: bytes) -> ClerkSignature:
        """The clerk's signature over what he gives his word for: a testimony, a leave of another clerk, a count."""
        return ClerkSignature(self._sign(payload), self.certificate)

    def _sign(self, payload: bytes) -> bytes:
        return self.key.sign(payload, ec.ECDSA(hashes.SHA256()))


def signed_by_two(terms: TestimonyTerms, first: ClerkKey, second: ClerkKey) -> Testimony:
    """The terms under both signatures, by whomever they are. Raises `TestimonyInvalid` for an answer that is none."""
    payload = terms.encode()
    return Testimony(payload, first.testify(payload), second.testify(payload))


def load_clerk_key(path: Path) -> ClerkKeyFile:
    """Reads key and certificate (PEM). Raises `ValueError` naming the file."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    try:
        key = serialization.load_pem_private_key(pem, password=None)
        certificate = x509.load_pem_x509_certificates(pem)[0]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: not a clerk's key: no PEM of a private key and its certificate") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"{path}: not a clerk's key: key and certificate do not belong together")
    return ClerkKeyFile(clerk_name(certificate), key, certificate.public_bytes(serialization.Encoding.DER))


def verify_authorisation(
    authorisation: Authorisation, issuers: Sequence[x509.Certificate], now: datetime.datetime
) -> AuthorisationTerms:
    """The terms, when a clerk with a certificate of one of these issuers, in force now, signed them.

    `issuers` are the generations of the authority. Raises `AuthorisationInvalid`. Whether the certificate was revoked
    is the authority's to say.
    """
    signed = ClerkSignature(authorisation.signature, authorisation.clerk_certificate)
    try:
        _verify(signed, authorisation.payload, issuers, now)
    except SignatureUnfit as unfit:
        raise AuthorisationInvalid(f"the authorisation {unfit}") from None
    return authorisation.terms


def verify_testimony(
    testimony: Testimony, issuers: Sequence[x509.Certificate], now: datetime.datetime
) -> TestimonyTerms:
    """The terms, when two different clerks with certificates of these issuers, in force now, signed them.

    Raises `TestimonyInvalid`.
    """
    try:
        _verify_two(testimony.first, testimony.second, testimony.payload, issuers, now)
    except SignatureUnfit as unfit:
        raise TestimonyInvalid(f"the testimony {unfit}") from None
    return testimony.terms


def verify_countersignature(
    authorisation: Authorisation,
    second: ClerkSignature | None,
    issuers: Sequence[x509.Certificate],
    now: datetime.datetime,
) -> ClerkSignature:
    """Sees that a second clerk has signed the leave too, and returns his word. Raises `AuthorisationInvalid`."""
    if second is None:
        raise AuthorisationInvalid("the authorisation is signed by one clerk, and needs two")
    first = ClerkSignature(authorisation.signature, authorisation.clerk_certificate)
    try:
        _verify_two(first, second, authorisation.payload, issuers, now)
    except SignatureUnfit as unfit:
        raise AuthorisationInvalid(f"the authorisation {unfit}") from None
    return second


def clerk_name(certificate: x509.Certificate) -> str:
    """The clerk's name in the authority's books."""
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def operator_of(certificate: bytes) -> str:
    """By what a clerk is known in the journal: the first 16 bytes of the SHA-256 of his certificate, in hex."""
    return hashlib.sha256(certificate).digest()[:16].hex()


def is_signed(signed: ClerkSignature, payload: bytes) -> bool:
    """Whether the key of the certificate that comes with it has signed; whose that is, is for others to say."""
    try:
        verify(load_certificate(signed.certificate).public_key(), signed.signature, payload)
    except ValueError:
        return False
    return True


class SignatureUnfit(ValueError):
    """Why what is signed is not a clerk's word."""


def _verify_two(
    first: ClerkSignature,
    second: ClerkSignature,
    payload: bytes,
    issuers: Sequence[x509.Certificate],
    now: datetime.datetime,
) -> None:
    """Raises `SignatureUnfit` unless two different clerks have signed."""
    signers = [_verify(signed, payload, issuers, now) for signed in (first, second)]
    if signers[0].public_key() == signers[1].public_key() or signers[0].subject == signers[1].subject:
        raise SignatureUnfit("is signed by one clerk twice")


def _verify(
    signed: ClerkSignature, payload: bytes, issuers: Sequence[x509.Certificate], now: datetime.datetime
) -> x509.Certificate:
    """The clerk's certificate. Raises `SignatureUnfit`."""
    try:
        clerk = load_certificate(signed.certificate)
        if find_issuer(clerk, issuers) is None:
            raise SignatureUnfit("is not signed by a clerk of this authority")
        key = clerk.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise SignatureUnfit("is signed by a key of another kind than clerks have")
        key.verify(signed.signature, payload, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise SignatureUnfit("is not signed by a clerk of this authority") from None
    except SignatureUnfit:
        raise
    except (ValueError, TypeError) as error:
        raise SignatureUnfit(f"comes with a certificate that cannot be used: {error}") from None
    # Stations have certificates of the same authority; leave is a clerk's to give.
    if not _is_a_clerks(clerk):
        raise SignatureUnfit("is signed by somebody who is no clerk")
    if not clerk.not_valid_before_utc <= now <= clerk.not_valid_after_utc:
        raise SignatureUnfit("is signed with a certificate that is not in force")
    return clerk


def _is_a_clerks(certificate: x509.Certificate) -> bool:
    try:
        return oids.CLERK in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
