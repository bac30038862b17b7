"""The clerk's signing key, which gives leave for a key generation, and how any station checks that leave."""

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.authority.verification import load_certificate
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid, AuthorisationTerms


class ClerkKey(Protocol):
    """Signs authorisations."""

    @property
    def name(self) -> str:
        """The clerk's name in the authority's books."""
        ...

    def authorise(self, terms: AuthorisationTerms) -> Authorisation:
        """The terms under the clerk's signature (ECDSA with SHA-256)."""
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
        return Authorisation(payload, self.key.sign(payload, ec.ECDSA(hashes.SHA256())), self.certificate)


def load_clerk_key(path: Path) -> ClerkKeyFile:
    """Reads key and certificate (PEM). Raises `ValueError` naming the file."""
    try:
        pem = path.read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
        certificate = x509.load_pem_x509_certificates(pem)[0]
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: not a clerk's key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"{path}: not a clerk's key: key and certificate do not belong together")
    name = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    return ClerkKeyFile(str(name), key, certificate.public_bytes(serialization.Encoding.DER))


def verify_authorisation(
    authorisation: Authorisation, issuer: x509.Certificate, now: datetime.datetime
) -> AuthorisationTerms:
    """The terms, when a clerk with a certificate of this issuer, in force now, signed them.

    Raises `AuthorisationInvalid`. Whether the certificate was revoked is the authority's to say.
    """
    try:
        clerk = load_certificate(authorisation.clerk_certificate)
        clerk.verify_directly_issued_by(issuer)
        key = clerk.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise AuthorisationInvalid("the clerk's key is none of the kind that signs authorisations")
        key.verify(authorisation.signature, authorisation.payload, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise AuthorisationInvalid("the authorisation is not signed by a clerk of this authority") from None
    except (ValueError, TypeError) as error:
        raise AuthorisationInvalid(f"the clerk's certificate cannot be used: {error}") from None
    if not clerk.not_valid_before_utc <= now <= clerk.not_valid_after_utc:
        raise AuthorisationInvalid("the clerk's certificate is not in force")
    return authorisation.terms
