"""Signed heads: what a journal's station vouches for at one moment, and how it travels on paper and in requests.

A head says that the journal of a station has so many entries under this Merkle root at this time. It is signed as
canonical JSON by Ed25519 (RFC 8032), so that any tool can check it. Outside the store it travels together with the
inclusion proof of its newest entry, as one text for a QR code:

    KJ1: base45 of  size (4 bytes)  time (4 bytes, seconds since 1970)  length of the station's name (1 byte)  name
                    hash of entry `size`  its path to the root (as many hashes as `size - 1` has bits set)  signature

Whole numbers are big-endian. The root is not sent, for entry and path lead to it.
"""

import datetime
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.journal import base45
from kiosk.journal.entry import canonical
from kiosk.journal.key_file import load_key
from kiosk.journal.merkle import root_from_inclusion

PREFIX = "KJ1:"
"""What every text of a head begins with; the digit is the version of its form."""

_FIXED = struct.Struct(">IIB")
_HASH_LENGTH = 32
_SIGNATURE_LENGTH = 64


class HeadInvalid(ValueError):
    """A text is no head, or its signature is not the station's."""


@dataclass(frozen=True)
class Head:
    """A journal at one moment: the entries 1 to `size` of `station` have this Merkle root. `at` is in whole seconds."""

    station: str
    size: int
    root: bytes
    at: datetime.datetime

    def encode(self) -> bytes:
        """The canonical bytes that are signed."""
        document: dict[str, str | int | bool] = {
            "at": self.at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
            "head": "journal",
            "root": self.root.hex(),
            "size": self.size,
            "station": self.station,
        }
        return canonical(document).encode()


@dataclass(frozen=True)
class SignedHead:
    """A head and the station's signature over it."""

    head: Head
    signature: bytes

    def verify(self, public_key: bytes) -> None:
        """Checks the signature by an Ed25519 public key (32 bytes). Raises `HeadInvalid`."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self.signature, self.head.encode())
        except (InvalidSignature, ValueError):
            raise HeadInvalid("the head is not signed by the station's key") from None


@dataclass(frozen=True)
class ProvenHead:
    """A signed head together with the proof that its newest entry, of hash `leaf`, is in it."""

    signed: SignedHead
    leaf: bytes
    path: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """The form for paper and requests."""
        head = self.signed.head
        name = head.station.encode()
        fixed = _FIXED.pack(head.size, int(head.at.timestamp()), len(name))
        return PREFIX + base45.encode(b"".join((fixed, name, self.leaf, *self.path, self.signed.signature)))


class HeadKey:
    """The key by which a station signs the heads of its journal."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, head: Head) -> SignedHead:
        """Vouches for a head."""
        return SignedHead(head, self._key.sign(head.encode()))


def load_head_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> HeadKey:
    """Reads the station's signing key, making it first where there is none. Raises `KeyDamaged`."""
    return HeadKey(load_key(path, random_bytes))


def parse_head(text: str) -> ProvenHead:
    """Reads the text of a head; says nothing about its signature. Raises `HeadInvalid`."""
    if not text.startswith(PREFIX):
        raise HeadInvalid(f"a head begins with {PREFIX}")
    try:
        data = base45.decode(text.removeprefix(PREFIX))
        size, seconds, name_length = _FIXED.unpack_from(data)
        name = data[_FIXED.size : _FIXED.size + name_length]
        hashes = data[_FIXED.size + len(name) : -_SIGNATURE_LENGTH]
        if not size or len(hashes) != _HASH_LENGTH * (1 + (size - 1).bit_count()):
            raise HeadInvalid("the head is cut, or too long")
        leaf, *path = (hashes[n : n + _HASH_LENGTH] for n in range(0, len(hashes), _HASH_LENGTH))
        root = root_from_inclusion(leaf, size - 1, size, path)
        head = Head(name.decode(), size, root, datetime.datetime.fromtimestamp(seconds, datetime.UTC))
    except (ValueError, struct.error) as error:
        raise HeadInvalid(f"not a head: {error}") from error
    return ProvenHead(SignedHead(head, data[-_SIGNATURE_LENGTH:]), leaf, tuple(path))
