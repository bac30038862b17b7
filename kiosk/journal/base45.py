"""Base45 (RFC 9285): bytes as text of the characters that a QR code packs into 5.5 bits each."""

import struct

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
"""The characters by value, which are those of the alphanumeric mode of ISO/IEC 18004, table 5."""

_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """Two bytes become three characters, a last single byte two; least significant first."""
    is_odd = len(data) % 2
    pairs = struct.iter_unpack(">H", data[: len(data) - is_odd])
    characters = [ALPHABET[pair % 45] + ALPHABET[pair // 45 % 45] + ALPHABET[pair // 2025] for (pair,) in pairs]
    if is_odd:
        characters.append(ALPHABET[data[-1] % 45] + ALPHABET[data[-1] // 45])
    return "".join(characters)


def decode(text: str) -> bytes:
    """The bytes of an encoded text. Raises `ValueError` for what no bytes encode to."""
    try:
        values = [_VALUES[character] for character in text]
    except KeyError as unknown:
        raise ValueError(f"not base45: {unknown}") from None
    data = bytearray()
    try:
        for begin in range(0, len(values) - 2, 3):
            low, middle, high = values[begin : begin + 3]
            data += (low + 45 * middle + 2025 * high).to_bytes(2, "big")
        match values[len(values) - len(values) % 3 :]:
            case [low, high]:
                data += (low + 45 * high).to_bytes(1, "big")
            case [_]:
                raise ValueError("not base45: it is cut")
    except OverflowError:
        raise ValueError("not base45: more than its bytes can hold") from None
    return bytes(data)
