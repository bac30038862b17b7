"""What the data objects and the answers of a PIV card hold: certificates and public keys (NIST SP 800-73-4 part 1)."""

import hashlib
import zlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw import rsa_check
from hw.card import tlv
from hw.errors import CardAnswerInvalid
from hw.ports import RsaPublicKey

_CERTIFICATE, _CERTIFICATE_INFO, _CHECK = 0x70, 0x71, 0xFE
_COMPRESSED = b"\x01"
_LARGEST_CERTIFICATE = 16384


def certificate_object(certificate: bytes) -> bytes:
    """The content of a certificate's data object: the certificate (DER), uncompressed (appendix A, table 10)."""
    return tlv.write(_CERTIFICATE, certificate) + tlv.write(_CERTIFICATE_INFO, b"\0") + tlv.write(_CHECK, b"")


def certificate_in(content: bytes) -> bytes | None:
    """The DER certificate in a data object; None for one that was cut short. Raises `CardAnswerInvalid`."""
    try:
        objects = tlv.read(content)
    except CardAnswerInvalid:
        return None
    certificate = objects.get(_CERTIFICATE)
    if certificate is None or objects.get(_CERTIFICATE_INFO, b"\0") not in (b"\0", _COMPRESSED):
        return None
    if objects.get(_CERTIFICATE_INFO) == _COMPRESSED:
        return _decompressed(certificate)
    return certificate or None


def _decompressed(data: bytes) -> bytes:
    """What gzip made of a certificate; never more than the largest one there can be."""
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = stream.decompress(data, _LARGEST_CERTIFICATE)
    except zlib.error as error:
        raise CardAnswerInvalid("the compressed certificate cannot be read") from error
    if not stream.eof:
        raise CardAnswerInvalid("the compressed certificate does not end")
    return plain


def public_key(objects: bytes) -> RsaPublicKey:
    """The RSA-2048 key in the data objects of an answer. Raises `CardAnswerInvalid` for any other."""
    parts = tlv.read(objects)
    return rsa_check.rsa_2048(parts.get(0x81, b""), parts.get(0x82, b""))


def key_in(certificate: bytes) -> RsaPublicKey | None:
    """The RSA-2048 key that a certificate (DER) carries, None for another kind. Raises `CardAnswerInvalid`."""
    key = _loaded_key(certificate, "the certificate in the card")
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    numbers = key.public_numbers()
    return RsaPublicKey(numbers.n, numbers.e) if rsa_check.is_rsa_2048(numbers.n, numbers.e) else None


def key_hash(certificate: bytes) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo in an attestation (DER). Raises `CardAnswerInvalid`."""
    key = _loaded_key(certificate, "the attestation")
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def _loaded_key(certificate: bytes, what: str) -> CertificatePublicKeyTypes:
    try:
        return x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise CardAnswerInvalid(f"{what} cannot be read") from error
