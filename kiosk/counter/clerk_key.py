"""The clerk's signing key, which gives leave for a key generation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.model.authorisation import Authorisation, AuthorisationTerms


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
