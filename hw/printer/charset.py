"""Text to the bytes of a Japanese printer's ROM: CP932, where every byte is one half-width cell of 12 dots."""

import unicodedata

from hw.errors import TextDoesNotFit

_SAME_CHARACTER = str.maketrans(
    {
        "\u2014": "\u2015",  # em dash: JIS X 0208 has one, CP932 maps it from the horizontal bar
        "\u301c": "\uff5e",  # wave dash, from the full-width tilde
        "\u2016": "\u2225",  # double vertical line, from the parallel sign
        "\u2212": "\uff0d",  # minus sign, from the full-width hyphen
        "\u00a2": "\uffe0",  # cent, pound and not sign, from the full-width ones
        "\u00a3": "\uffe1",
        "\u00ac": "\uffe2",
    }
)
"""Unicode's and Microsoft's mapping of the same JIS X 0208 characters differ; the printed glyph is one and the same."""

_YEN = b"\\"  # 5C in the Japanese set


def encode(text: str, kanji_leads: bytes) -> bytes | None:
    """`text` as the printer sets it, or None when its ROM lacks a character of it (see `PrinterModel.kanji_leads`).

    Raises `TextDoesNotFit` for control characters, which are neither set nor drawn.
    """
    encoded = bytearray()
    for character in text:
        if not character.isprintable() and character != "\u3000":
            raise TextDoesNotFit(f"U+{ord(character):04X} cannot be printed")
        code = _code(character)
        if code is None or (len(code) == 2 and code[0] not in kanji_leads):
            return None
        encoded += code
    return bytes(encoded)


def cells(character: str) -> int:
    """Half-width cells of a character, also of one that must be drawn: as many as CP932 has bytes for it."""
    code = _code(character)
    if code is not None:
        return len(code)
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _code(character: str) -> bytes | None:
    if character == "\u00a5":
        return _YEN
    if character == "\\":
        return None  # its code prints the yen sign
    try:
        code = character.translate(_SAME_CHARACTER).encode("cp932")
    except UnicodeEncodeError:
        return None
    is_single = len(code) == 1
    return code if not is_single or 0x20 <= code[0] <= 0x7E or 0xA1 <= code[0] <= 0xDF else None
