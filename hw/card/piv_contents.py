"""What the data objects and the answers of a PIV card hold: certificates and public keys (NIST SP 800-73-4 part 1)."""

import hashlib
import uuid
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
_FASC_N, _GUID, _EXPIRY, _SIGNATURE = 0x30, 0x34, 0x35, 0x3E
_GUID_BYTES = 16
_NON_FEDERAL = bytes.fromhex("D4E739DA739CED39CE739D836858210842108421C84210C3EB")
"""Agency 9999, system 9999, credential 999999: those of an issuer that is no federal agency (part 1, 3.1.2)."""

_NEVER = b"20991231"
"""The card itself does not expire; what is in it does."""

_CARD_IDENTIFIER = 0xF0
_CARD_IDENTIFIER_BYTES = 21
_NO_MANUFACTURER = bytes.fromhex("A000000116 FF 02")
"""The owner of the capability container's format, no manufacturer's number, a card with files (GSC-IS 2.1, 6.3)."""

CAPABILITIES_RANDOM_BYTES = _CARD_IDENTIFIER_BYTES - len(_NO_MANUFACTURER)
_CAPABILITIES = bytes.fromhex("F10121 F20121 F300 F40100 F50110 F600 F700 FA00 FB00 FC00 FD00 FE00")
"""Versions of container and grammar, no applications' locations; the data model is PIV's, 10 (part 1, table 8)."""

_COMPRESSED = b"\x01"
_LARGEST_CERTIFICATE = 16384


def certificate_object(certificate: bytes) -> bytes:
    """The content of a certificate's data object: the certificate (DER), uncompressed (appendix A, table 10)."""
    return tlv.write(_CERTIFICATE, certificate) + tlv.write(_CERTIFICATE_INFO, b"\0") + tlv.write(_CHECK, b"")


def identifier_object(random: bytes) -> bytes:
    """The content of a card holder unique identifier (part 1, table 9): `random` (16 bytes) becomes a UUID, version 4.

    Its issuer's signature, which access control systems ask for, is empty.
    """
    guid = uuid.UUID(bytes=random, version=4).bytes
    objects = ((_FASC_N, _NON_FEDERAL), (_GUID, guid), (_EXPIRY, _NEVER), (_SIGNATURE, b""), (_CHECK, b""))
    return b"".join(tlv.write(tag, value) for tag, value in objects)


def guid_in(content: bytes) -> bytes | None:
    """The GUID of an identifier; None for one that was cut short or has none."""
    try:
        guid = tlv.read(content).get(_GUID, b"")
    except CardAnswerInvalid:
        return None
    return guid if len(guid) == _GUID_BYTES and any(guid) else None


def capabilities_object(random: bytes) -> bytes:
    """The content of a card capability container (part 1, table 8); `random` identifies the card."""
    return tlv.write(_CARD_IDENTIFIER, _NO_MANUFACTURER + random) + _CAPABILITIES


def is_capabilities(content: bytes) -> bool:
    """Whether it is a container that was written wholly."""
    try:
        return _CARD_IDENTIFIER in tlv.read(content)
    except CardAnswerInvalid:
        return False


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
