"""What a card or a reader may answer in place of data: the true answer changed everywhere, and hostile values."""

from collections.abc import Iterator

from hw.card import tlv
from tests.hw.card.hostile_certificates import MALFORMED
from tests.hw.card.office import rsa_key

DONE = b"\x90\x00"
MODULUS = rsa_key().public_key().public_numbers().n.to_bytes(256, "big")
EXPONENT = b"\x01\x00\x01"

NO_KEYS = {
    "no exponent": (MODULUS, b""),
    "exponent 0": (MODULUS, b"\x00"),
    "exponent 1": (MODULUS, b"\x01"),
    "exponent 2": (MODULUS, b"\x02"),
    "even exponent": (MODULUS, b"\x01\x00\x02"),
    "exponent n": (MODULUS, MODULUS),
    "exponent beyond n": (MODULUS, b"\x01" + MODULUS),
    "even modulus": (MODULUS[:-1] + b"\x02", EXPONENT),
    "short modulus": (MODULUS[:-1], EXPONENT),
    "small modulus": (b"\x00" + MODULUS[1:], EXPONENT),
    "no modulus": (b"", EXPONENT),
}
"""Modulus and exponent that make no RSA-2048 key, by what is wrong with them."""

LENGTHS = ("84FFFFFFFF", "82FFFF", "8201", "81FF", "80", "7F", "00", "")
"""Length fields that promise more than comes, are indefinite, cut short, or say nothing."""


def key_objects(modulus: bytes, exponent: bytes) -> bytes:
    """The data objects of a public key."""
    return tlv.write(0x81, modulus) + tlv.write(0x82, exponent)


def _hostile() -> Iterator[bytes]:
    for modulus, exponent in NO_KEYS.values():
        objects = key_objects(modulus, exponent)
        yield tlv.write(0x7F49, objects)
        yield tlv.write(0x01, b"\x07") + tlv.write(0x04, objects)
    for certificate in MALFORMED.values():
        yield certificate
        yield tlv.write(0x53, tlv.write(0x70, certificate) + tlv.write(0x71, b"\x00"))
        yield tlv.write(0x53, tlv.write(0x70, certificate) + tlv.write(0x71, b"\x01"))
    for tag in ("7F49", "53", "7C", "70", "30", "1F", "FFFF"):
        for length in LENGTHS:
            yield bytes.fromhex(tag + length)
    for size in (0, 1, 255, 256, 257, 65536):
        for byte in (0x00, 0x30, 0xFF):
            yield bytes((byte,)) * size


HOSTILE: tuple[bytes, ...] = tuple(data + DONE for data in _hostile())
"""Whole answers: exponents, curves, versions, lengths, and nothing but one byte over and over."""


def altered(answer: bytes) -> Iterator[bytes]:
    """An answer with each byte of its data changed in two ways, cut at each, and with something behind its data."""
    data, sw = answer[:-2], answer[-2:]
    for position in range(len(data)):
        for change in (0x01, 0xFF):
            yield data[:position] + bytes((data[position] ^ change,)) + data[position + 1 :] + sw
        yield data[:position] + sw
    yield from (answer[:1], b"")
    for more in (b"\x00", b"\xff", data, bytes(256)):
        yield data + more + sw
