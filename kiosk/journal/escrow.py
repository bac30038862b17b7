"""The clerk's station's copy of a case's key: encrypted to it alone, so that it can read a case when nobody else can.

HPKE (RFC 9180, base mode) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. The case's pseudonym is bound
as `info`, so that a copy fits no other case. Whoever made a copy cannot open it.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from kiosk.journal.database import Database

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class EscrowUnopened(Exception):
    """The copy was made for another key or another case, or was changed."""


@dataclass(frozen=True)
class EscrowTo:
    """The station that may read ended cases: its name, and its public key (32 bytes)."""

    station: str
    public_key: bytes

    def copy(self, case_key: bytes, pseudonym: str) -> bytes:
        """A copy of a case's key that only this station can open."""
        public = X25519PublicKey.from_public_bytes(self.public_key)
        return _SUITE.encrypt(case_key, public, info=_info(pseudonym))


@dataclass(frozen=True, repr=False)
class EscrowKey:
    """With which a station opens what was encrypted to it."""

    station: str
    private_key: X25519PrivateKey

    def open(self, escrow: bytes, pseudonym: str) -> bytes:
        """The case's key. Raises `EscrowUnopened`."""
        try:
            return _SUITE.decrypt(escrow, self.private_key, info=_info(pseudonym))
        except (InvalidTag, ValueError):
            raise EscrowUnopened(f"the key of case {pseudonym} does not open for {self.station}") from None


def is_sealed_to(database: Database, station: str) -> bool:
    """Whether there are cases that a station has a copy of the key to."""
    with database.read() as transaction:
        return bool(transaction.run("SELECT 1 FROM cases WHERE escrowed_to = ? LIMIT 1", station))


def _info(pseudonym: str) -> bytes:
    return b"kiosk case key\x00" + pseudonym.encode()
