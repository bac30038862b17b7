"""Certificates of one issuer (RFC 5280, 4.1), put together from parts in DER and signed.

What an issuer's certificates have in common is encoded once. The library's builder encodes everything for each of them,
which takes half as long again as the signature.
"""

import datetime
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority import asn1
from kiosk.authority.credential import SigningKey
from kiosk.authority.signature import has_null_parameters, sign, signature_algorithm

_VERSION_3 = asn1.explicit(0, asn1.encode(2))
_TRUE = b"\x01\x01\xff"
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18


class CertificateForm:
    """What all certificates of one issuer (a Name in DER) are signed by and begin with."""

    def __init__(self, key: SigningKey, issuer: bytes) -> None:
        self._key = key
        self._issuer = issuer
        algorithm = signature_algorithm(key)
        parts = asn1.algorithm(algorithm, has_null_parameters(algorithm))
        self._algorithm = asn1.sequence_of([asn1.encode(part) for part in parts])

    def fill_in(
        self,
        subject: bytes,
        public_key: bytes,
        serial: int,
        start: datetime.datetime,
        end: datetime.datetime,
        extensions: Iterable[bytes],
    ) -> x509.Certificate:
        """A certificate for this Name and SubjectPublicKeyInfo, with these extensions (all in DER)."""
        body = asn1.sequence_of(
            [
                _VERSION_3,
                asn1.encode(serial),
                self._algorithm,
                self._issuer,
                asn1.sequence_of([_time(start), _time(end)]),
                subject,
                public_key,
                asn1.explicit(3, asn1.sequence_of(list(extensions))),
            ]
        )
        signature = asn1.encode(asn1.BitString(sign(self._key, body), 0))
        return x509.load_der_x509_certificate(asn1.sequence_of([body, self._algorithm, signature]))


def encode_extension(value: x509.ExtensionType, is_critical: bool) -> bytes:
    """An Extension (RFC 5280, 4.1.2.9) in DER."""
    content = asn1.encode(value.public_bytes())
    return asn1.sequence_of([asn1.encode(value.oid), *([_TRUE] if is_critical else []), content])


def encode_key(key: CertificatePublicKeyTypes) -> bytes:
    """The SubjectPublicKeyInfo of a key in DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _time(moment: datetime.datetime) -> bytes:
    """UTCTime through 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5)."""
    text = f"{moment.astimezone(datetime.UTC):%Y%m%d%H%M%SZ}"
    return (
        asn1.tagged(_GENERALIZED_TIME, text.encode()) if text >= "2050" else asn1.tagged(_UTC_TIME, text[2:].encode())
    )
