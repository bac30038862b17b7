"""Japanese text as a one-byte device shows it: ASCII, the yen sign, and half-width katakana (JIS X 0201)."""

import functools
import unicodedata

from hw.errors import TextDoesNotFit

_YEN = "\u00a5"
_BACKSLASH = "\\"  # its code shows the yen sign
_HALF_WIDTH = range(0xFF61, 0xFFA0)
_HIRAGANA = range(0x3041, 0x3097)
_TO_KATAKANA = 0x60
_COMBINING = {"\u3099": "\uff9e", "\u309a": "\uff9f"}


@functools.cache
def _half_of() -> dict[str, str]:
    """Full-width katakana and punctuation to half-width."""
    table = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in _HALF_WIDTH}
    return table | _COMBINING | {"\u30fb": "\uff65", "\u3000": " "}


def half_width(text: str) -> str:
    """`text` in characters of one byte; raises `TextDoesNotFit` for kanji and all else that has none.

    Hiragana become katakana; voiced ones take two cells. Full-width letters and digits become ASCII.
    """
    shown = []
    for character in text:
        kana = chr(ord(character) + _TO_KATAKANA) if ord(character) in _HIRAGANA else character
        for part in unicodedata.normalize("NFD", unicodedata.normalize("NFKC", kana)):
            half = _half_of().get(part, part)
            if not (
                half == _YEN
                or (half.isascii() and half.isprintable() and half != _BACKSLASH)
                or ord(half) in _HALF_WIDTH
            ):
                raise TextDoesNotFit(f"U+{ord(character):04X} has no half-width form")
            shown.append(half)
    return "".join(shown)


def one_byte(text: str) -> bytes:
    """What `half_width` returned, in JIS X 0201: the yen sign is 5C."""
    return text.replace(_YEN, "\\").encode("cp932")
