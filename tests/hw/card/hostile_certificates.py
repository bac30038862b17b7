"""Certificates that cannot be read, or whose key cannot, by what is wrong with them."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.hw.card.office import rsa_key

_P_256 = bytes.fromhex("06082A8648CE3D030107")
_RSA_ENCRYPTION = bytes.fromhex("06092A864886F70D010101")
_VERSION = bytes.fromhex("A003020102")


def certificate_with(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, more: bytes = b"") -> bytes:
    """A certificate (DER) that a key has signed for itself, longer by an extension with `more`."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A card")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day)
    filling = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), more)
    return (
        builder.add_extension(filling, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


_ELLIPTIC, _RSA = certificate_with(ec.generate_private_key(ec.SECP256R1())), certificate_with(rsa_key())

MALFORMED = {
    "unknown curve": _ELLIPTIC.replace(_P_256, _P_256[:-1] + b"\x7f"),
    "unknown algorithm": _RSA.replace(_RSA_ENCRYPTION, _RSA_ENCRYPTION[:-1] + b"\x7f"),
    "unknown version": _RSA.replace(_VERSION, _VERSION[:-1] + b"\x09"),
    "cut short": _RSA[:-1],
    "nothing": b"",
}
