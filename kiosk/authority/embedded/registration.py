"""Enters the authority's own people, who get their certificates by hand, into its books."""

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority.embedded.requester import Requester
from kiosk.authority.embedded.store import Books, CertificateRecord
from kiosk.model.certificate import BookedState, serial_text

RELYING_PARTY = "relying_party"
"""The profile of those who may ask for a status where the policy asks for registration."""


def registered_serial(requester: Requester) -> str | None:
    """The certificate of whoever may ask for a status where the policy asks for registration; None for others."""
    return requester.serial if requester.is_station or requester.profile == RELYING_PARTY else None


def register(books: Books, certificate: x509.Certificate, profile: str, generation: int = 1) -> None:
    """Enters a certificate of the authority's own people into the books; it is good at once."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    books.add_certificate(
        CertificateRecord(
            serial=serial_text(certificate.serial_number),
            profile=profile,
            der=certificate.public_bytes(Encoding.DER),
            key_hash=hashlib.sha256(key).digest(),
            state=BookedState.GOOD,
            issued_at=int(certificate.not_valid_before_utc.timestamp()),
            not_after=int(certificate.not_valid_after_utc.timestamp()),
            generation=generation,
        )
    )
