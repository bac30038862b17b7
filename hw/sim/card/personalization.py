"""How a card leaves the card maker: a number, the channel keys and the attestation key derived for it, nothing else.

A PIV card comes as from a shop: with its maker's PIN, PUK and keys, which everybody knows, and the maker's attestation.

Static keys: SP 800-108 in counter mode over AES-CMAC, label `jpki-kiosk ` and the purpose, context the card number.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode
from msgspec.structs import replace

from hw.ports import ChannelPurpose
from hw.sim.card import attestation, tlv
from hw.sim.card.chip import RandomBytes, pin_digest
from hw.sim.card.memory import CARD_NUMBER, CardMemory, PinRecord, PivMemory, Reference, StaticKeys
from hw.sim.card.profile import JUKI_2011, PIV, Profile

_T = TypeVar("_T")

PURPOSES = (ChannelPurpose.ISSUE, ChannelPurpose.RESET, ChannelPurpose.ERASE)
FIRST_KEY_VERSION, VERSIONS_A_GENERATION, GENERATIONS = 0x30, 4, 4
KEY_VERSIONS = {
    FIRST_KEY_VERSION + VERSIONS_A_GENERATION * generation + index: purpose
    for generation in range(GENERATIONS)
    for index, purpose in enumerate(PURPOSES)
}
"""What the keys of each version that a card can have are for; it has one version for each purpose at a time."""


@dataclass(frozen=True, repr=False)
class MasterKeys:
    """The issuer's AES-128 master keys from which the keys of all its cards derive."""

    issue: bytes
    reset: bytes
    erase: bytes
    attest: bytes


DEMO_MASTERS = MasterKeys(
    issue=bytes.fromhex("404142434445464748494a4b4c4d4e4f"),
    reset=bytes.fromhex("505152535455565758595a5b5c5d5e5f"),
    erase=bytes.fromhex("606162636465666768696a6b6c6d6e6f"),
    attest=bytes.fromhex("707172737475767778797a7b7c7d7e7f"),
)
"""For training: public, and the same in every simulated card."""


def new_card(number: str, profile: Profile = JUKI_2011, masters: MasterKeys = DEMO_MASTERS) -> CardMemory:
    """The memory of a card that nobody has used yet; `number` is 16 characters of A-Z and 0-9, else `ValueError`."""
    if not CARD_NUMBER.fullmatch(number):
        raise ValueError("a card number is 16 characters of A-Z and 0-9")
    by_purpose = {
        ChannelPurpose.ISSUE: masters.issue,
        ChannelPurpose.RESET: masters.reset,
        ChannelPurpose.ERASE: masters.erase,
    }
    channel_keys = {}
    for version, purpose in enumerate(PURPOSES, FIRST_KEY_VERSION):
        derived = _derive(by_purpose[purpose], purpose.value, number, 48)
        channel_keys[version] = StaticKeys(derived[:16], derived[16:32], derived[32:])
    attestation_key = _derive(masters.attest, "attest", number, 16)
    deactivated = set(profile.files_with_life_cycle)
    return CardMemory(profile.name, number, channel_keys, attestation_key, deactivated=deactivated)


FACTORY_PIN = b"123456".ljust(8, b"\xff")
FACTORY_PUK = b"12345678"
FACTORY_MANAGEMENT_KEY = bytes(range(1, 9)) * 3
FACTORY_TRIES = 3
_TDEA, _AES_256 = 0x03, 0x0C
_FACTORY_CHANNEL_KEYS = StaticKeys(*(bytes(range(0x40, 0x50)),) * 3)
_FACTORY_KEY_VERSION = 0xFF
ATTESTATION_KEY, ATTESTATION_OBJECT = 0xF9, 0x5FFF01
_IDENTIFIER_OBJECT = 0x5FC102
_FASC_N = bytes.fromhex("D4E739DA739CED39CE739D836858210842108421C84210C3EB")
"""Nines for agency, system and credential: an issuer that is no federal agency."""


def new_piv_card(number: str, masters: MasterKeys = DEMO_MASTERS, random_bytes: RandomBytes = os.urandom) -> CardMemory:
    """The memory of a PIV card fresh from the shop; `number` as for `new_card`, its digits are the serial number."""
    if not CARD_NUMBER.fullmatch(number):
        raise ValueError("a card number is 16 characters of A-Z and 0-9")
    root = attestation_root_key(masters)
    key, certificate = attestation.card_identity(root, piv_serial(number))
    contents = factory_piv(random_bytes, FACTORY_TRIES, FACTORY_TRIES, None)
    contents = replace(
        contents,
        keys={ATTESTATION_KEY: key},
        objects={ATTESTATION_OBJECT: tlv.encode(0x70, certificate) + tlv.encode(0x71, b"\0") + tlv.encode(0xFE, b"")},
    )
    channel_keys = {_FACTORY_KEY_VERSION: _FACTORY_CHANNEL_KEYS}
    return CardMemory(PIV, number, channel_keys, _derive(masters.attest, "attest", number, 16), piv=contents)


def new_standard_piv_card(
    number: str, masters: MasterKeys = DEMO_MASTERS, random_bytes: RandomBytes = os.urandom
) -> CardMemory:
    """The memory of a card that knows NIST SP 800-73-4 only, as its maker's tools prepare it for the issuer.

    It has no serial number, so `number` makes its unique identifier, and the identifier the number that a terminal
    sees; nothing in the standard replaces a management key, so it comes with the issuer's.
    """
    card = new_piv_card(number, masters, random_bytes)
    assert card.piv is not None
    guid = hashlib.sha256(number.encode("ascii")).digest()[:16]
    seen = "PIVG" + base64.b32encode(hashlib.sha256(guid).digest()).decode("ascii")[:12]
    parts = ((0x30, _FASC_N), (0x34, guid), (0x35, b"20991231"), (0x3E, b""), (0xFE, b""))
    contents = replace(
        card.piv,
        management_algorithm=_AES_256,
        management_key=_derive(masters.issue, "piv-management", seen, 32),
        objects={_IDENTIFIER_OBJECT: b"".join(tlv.encode(tag, value) for tag, value in parts)},
        keys={},
    )
    return replace(card, piv=contents)


def factory_piv(random_bytes: RandomBytes, pin_tries: int, puk_tries: int, before: PivMemory | None) -> PivMemory:
    """What the PIV application holds when nobody has used it; only the attestation key of `before` stays."""

    def reference(value: bytes, tries: int) -> Reference:
        salt = random_bytes(16)
        return Reference(PinRecord(salt, pin_digest(salt, value), tries), tries, is_default=True)

    return PivMemory(
        pin=reference(FACTORY_PIN, pin_tries),
        puk=reference(FACTORY_PUK, puk_tries),
        management_algorithm=_TDEA,
        management_key=FACTORY_MANAGEMENT_KEY,
        objects={} if before is None else _only(before.objects, ATTESTATION_OBJECT),
        keys={} if before is None else _only(before.keys, ATTESTATION_KEY),
    )


def piv_serial(number: str) -> int:
    """The serial number (31 bits) of the card with that number: what it ends in, or a hash of it."""
    digits = number.removeprefix("PIV")
    if digits.isdigit() and int(digits) < 1 << 31:
        return int(digits)
    return int.from_bytes(hashlib.sha256(number.encode()).digest()[:4], "big") >> 1


def attestation_root_key(masters: MasterKeys = DEMO_MASTERS) -> ec.EllipticCurvePrivateKey:
    """The maker's key over all its cards' attestation keys."""
    return ec.derive_private_key(int.from_bytes(_derive(masters.attest, "piv-root", "", 31), "big"), ec.SECP256R1())


def attestation_root(masters: MasterKeys = DEMO_MASTERS) -> x509.Certificate:
    """The certificate of that key, which whoever checks an attestation must trust."""
    return x509.load_der_x509_certificate(attestation.root_certificate(attestation_root_key(masters)))


def _only(kept: dict[int, _T], tag: int) -> dict[int, _T]:
    return {tag: kept[tag]} if tag in kept else {}


def _derive(master: bytes, purpose: str, number: str, size: int) -> bytes:
    return KBKDFCMAC(
        algorithms.AES,
        Mode.CounterMode,
        length=size,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=f"jpki-kiosk {purpose}".encode("ascii"),
        context=number.encode("ascii"),
        fixed=None,
    ).derive(master)
