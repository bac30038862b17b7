"""Attestation of PIV keys as cards in the shops do it: X.509 certificates from a key of the maker's in the card.

The extensions (firmware version, serial number, policies) are under the arc 1.3.6.1.4.1.41482.3, whose meaning its
owner has published; tools that check attestations look for them.
"""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hw.sim.card import piv_keys, tlv
from hw.sim.card.memory import PivKey

_ARC = "1.3.6.1.4.1.41482.3."
_FIRMWARE, _SERIAL, _POLICIES = (x509.ObjectIdentifier(_ARC + last) for last in ("3", "7", "8"))
_P256, _NEVER = 0x11, 0x01
_BEGIN = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(2056, 1, 1, tzinfo=datetime.UTC)
_ROOT = "Simulated PIV Card Attestation Root"


def root_certificate(root: ec.EllipticCurvePrivateKey) -> bytes:
    """The maker's own certificate, DER."""
    return _certificate(_ROOT, _ROOT, root.public_key(), root, serial=1, authority=True)


def card_identity(root: ec.EllipticCurvePrivateKey, card_serial: int) -> tuple[PivKey, bytes]:
    """A card's attestation key and the maker's certificate for it, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key()
    certificate = _certificate(_card(card_serial), _ROOT, public, root, serial=card_serial + 2, authority=True)
    return PivKey(der, _P256, _NEVER, _NEVER, is_generated=False), certificate


def attest(slot: int, key: PivKey, signer: PivKey, card_serial: int, version: bytes, random_serial: int) -> bytes:
    """The card's certificate over a key that it made itself, DER."""
    signing = piv_keys.load(signer.der)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    extensions = (
        x509.UnrecognizedExtension(_FIRMWARE, version),
        x509.UnrecognizedExtension(_SERIAL, _integer(card_serial)),
        x509.UnrecognizedExtension(_POLICIES, bytes((key.pin_policy, key.touch_policy))),
    )
    public = piv_keys.load(key.der).public_key()
    subject = f"PIV Attestation {slot:02x}"
    return _certificate(
        subject, _card(card_serial), public, signing, serial=random_serial, authority=False, extensions=extensions
    )


def _integer(number: int) -> bytes:
    """A DER INTEGER in its one form, the shortest in two's complement (X.690, 8.3.2 and 10.1)."""
    return tlv.encode(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _card(serial: int) -> str:
    return f"Simulated PIV Card {serial}"


def _certificate(
    subject: str,
    issuer: str,
    public: CertificatePublicKeyTypes,
    signer: ec.EllipticCurvePrivateKey,
    *,
    serial: int,
    authority: bool,
    extensions: tuple[x509.UnrecognizedExtension, ...] = (),
) -> bytes:
    builder = x509.CertificateBuilder(_name(issuer), _name(subject), public, serial, _BEGIN, _END)
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, SHA256()).public_bytes(Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
