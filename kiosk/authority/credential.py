"""A key with its certificate and issuers in one PEM file: a station's, a clerk's, the authority's own."""

import datetime
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from kiosk.authority.errors import CredentialInvalid
from kiosk.authority.issuer import find_issuer
from kiosk.authority.token_key import TokenKey, read_uri

WARNED_DAYS = 60
"""So long before its end a credential's renewal is asked for."""

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, repr=False)
class Credential:
    """A private key, its certificate, and the authority's own certificates by which its owner knows it.

    In `chain` lie those above the certificate, and of an authority that has renewed its key every generation that the
    owner knows, with the links between them (RFC 9810, 4.4): all of these are trusted.
    """

    key: SigningKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @cached_property
    def generations(self) -> tuple[x509.Certificate, ...]:
        """The issuing authority's own certificates: whoever was issued by one of them is of the same authority."""
        issuer = self.certificate.issuer
        return tuple(certificate for certificate in self.chain if certificate.subject == issuer)

    @cached_property
    def issuer(self) -> x509.Certificate | None:
        """Who issued the certificate, found by name and signature; None when that is not in the chain."""
        return find_issuer(self.certificate, self.chain)

    @property
    def name(self) -> str:
        """The certificate's common name: by it the authority knows the owner, and authorisations name the station."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""

    @cached_property
    def ders(self) -> tuple[bytes, ...]:
        """The certificate and those above it in DER."""
        return tuple(c.public_bytes(serialization.Encoding.DER) for c in (self.certificate, *self.chain))

    @cached_property
    def subject(self) -> bytes:
        """The owner's Name in DER."""
        return self.certificate.subject.public_bytes()

    @cached_property
    def key_id(self) -> bytes | None:
        """The certificate's subject key identifier, if it has one."""
        return subject_key_id(self.certificate)

    def days_left(self, at: datetime.datetime) -> int:
        """Whole days until the certificate ends; below `WARNED_DAYS` somebody has to renew it."""
        return (self.certificate.not_valid_after_utc - at).days

    def encode(self, passphrase: bytes | None = None) -> bytes:
        """The file's content: PKCS#8 key (encrypted by a passphrase, if there is one), certificate, chain, in PEM.

        Of a key in a token its PKCS #11 URI goes first.
        """
        certificates = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (self.certificate, *self.chain))
        if isinstance(self.key, TokenKey):
            return f"{self.key.place.uri}\n".encode() + certificates
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase is not None:
            encryption = serialization.BestAvailableEncryption(passphrase)
        key = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return key + certificates


StationCredential = Credential


def subject_key_id(certificate: x509.Certificate) -> bytes | None:
    """The certificate's subject key identifier, if it has one."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def load_credential(path: Path, passphrase: bytes | None = None) -> Credential:
    """Reads `path`. Raises `CredentialInvalid`, which names the file, also when it cannot be read.

    A `passphrase` opens an encrypted key, and does no harm to one that is not; a key in a token has it for its PIN.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CredentialInvalid(path, error.strerror or str(error)) from error
    try:
        certificate, *chain = x509.load_pem_x509_certificates(data)
        if data.startswith(b"pkcs11:"):
            return Credential(_in_token(data, certificate, passphrase), certificate, tuple(chain))
        key = serialization.load_pem_private_key(data, password=passphrase if _is_encrypted(data) else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CredentialInvalid(path, f"not a PEM key with its certificate: {error}") from error
    if not isinstance(key, SigningKey):
        raise CredentialInvalid(path, "the key is neither RSA nor elliptic curve nor Ed25519")
    if key.public_key() != certificate.public_key():
        raise CredentialInvalid(path, "the first certificate is not the key's")
    return Credential(key, certificate, tuple(chain))


class CredentialFile:
    """A credential's file while a station runs, in which another one may lie at any time: it was renewed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def renewed(self) -> Credential | None:
        """What lies there, when it was not looked at yet; None also when it cannot be used."""
        try:
            found = self._path.stat()
            seen, self._seen = self._seen, (found.st_ino, found.st_mtime_ns)
            return None if seen == self._seen else load_credential(self._path)
        except (OSError, CredentialInvalid):
            return None


def _in_token(data: bytes, certificate: x509.Certificate, pin: bytes | None) -> TokenKey:
    public_key = certificate.public_key()
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise ValueError("a key in a token is RSA")
    if pin is None:
        raise ValueError("a key in a token needs a PIN, which is the passphrase")
    return TokenKey(read_uri(data.partition(b"\n")[0].decode()), pin, public_key)


def _is_encrypted(data: bytes) -> bool:
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in data
