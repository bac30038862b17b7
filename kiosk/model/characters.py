"""Which characters a certificate can carry, and what stands there for any other (代替文字).

A certificate carries JIS X 0201, 0208 (levels 1 and 2) and 0212 (補助漢字). Python's `euc_jp` codec covers exactly
these sets and the control characters: what it takes there and back unchanged is allowed. (It also writes a yen sign as
a reverse solidus and an overline as a tilde, which come back as something else.)

For any other character the substitute is computed: the variant of `substitutes.txt`, else what its compatibility
decomposition leaves. Where there is none, the part of a name that holds the character is written as its reading says
(かな文字), and everywhere else a geta mark stands for it. The flags say at which places.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from pathlib import Path

GETA = "〓"
"""What printers set for a sort that they have not got."""

_OTHER_MAPPINGS = frozenset("－～∥￠￡￢\u2014")
"""Characters of JIS X 0208 for which the codec has another code point: Microsoft's, and of the dash JIS X 0213's."""

_MARKS = ("Mn", "Mc", "Me")
_NO_TEXT = ("Cc", "Cf", "Cs", "Zl", "Zp")
_BLANKS = re.compile("([ \u3000]+)")


class Standing(Enum):
    """How a code point stands to what a certificate can carry; each has one."""

    CERTIFIABLE = auto()
    SUBSTITUTED = auto()
    """A substitute is known."""
    WITHOUT_SUBSTITUTE = auto()
    """A character, or the place of one (外字, not assigned yet), for which none is known."""
    ATTACHED = auto()
    """A combining mark or a selector of a variant: it belongs to the character before it."""
    IMPOSSIBLE = auto()
    """No part of a written name: a control or format character, half of a surrogate pair, a noncharacter."""


@dataclass(frozen=True, repr=False)
class CertifiedText:
    """A text as a certificate carries it; in `flags` a `1` for each character that is a substitute, else a `0`."""

    text: str
    flags: str


def is_certifiable(character: str) -> bool:
    """Whether a certificate can carry this one character; control characters never."""
    if character in _OTHER_MAPPINGS:
        return True
    if unicodedata.category(character) == "Cc":
        return False
    try:
        return character.encode("euc_jp").decode("euc_jp") == character
    except UnicodeEncodeError:
        return False


def uncertifiable(text: str) -> tuple[str, ...]:
    """The characters of `text` that a certificate cannot carry, each once, in order of appearance."""
    return tuple(dict.fromkeys(c for c in text if not is_certifiable(c)))


def impossible(text: str) -> tuple[str, ...]:
    """What in `text` is no part of a written name, each once, in order of appearance."""
    return tuple(dict.fromkeys(c for c in text if standing(c) is Standing.IMPOSSIBLE))


def standing(character: str) -> Standing:
    """The standing of one code point; of any, assigned or not."""
    if is_certifiable(character):
        return Standing.CERTIFIABLE
    category = unicodedata.category(character)
    if category in _NO_TEXT or _is_noncharacter(character):
        return Standing.IMPOSSIBLE
    if category in _MARKS:
        return Standing.ATTACHED
    return Standing.SUBSTITUTED if _substitute(character) else Standing.WITHOUT_SUBSTITUTE


def certified_text(text: str, reading: str = "") -> CertifiedText:
    """`text` as a certificate carries it; `reading` is a name's, in as many parts as the name has.

    What is impossible stands as a geta mark too; whoever must not certify it asks `impossible` first.
    """
    parts, readings = _BLANKS.split(text), _BLANKS.split(reading)
    if len(parts) != len(readings):
        readings = [""] * len(parts)
    certified = [_part(part, read) for part, read in zip(parts, readings, strict=True)]
    return CertifiedText("".join(c.text for c in certified), "".join(c.flags for c in certified))


def _part(text: str, reading: str) -> CertifiedText:
    """A part between blanks: character by character, or as it is read."""
    pieces = [_character(piece) for piece in _pieces(text)]
    if None in pieces and reading and not uncertifiable(reading):
        return CertifiedText(reading, "1" * len(reading))
    known = [piece or CertifiedText(GETA, "1") for piece in pieces]
    return CertifiedText("".join(k.text for k in known), "".join(k.flags for k in known))


def _pieces(text: str) -> list[str]:
    """Characters, each with what is attached to it."""
    pieces: list[str] = []
    for character in text:
        if pieces and standing(character) is Standing.ATTACHED:
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _character(piece: str) -> CertifiedText | None:
    """One character with what is attached to it; None without a substitute."""
    base = piece[0]
    # A letter and its mark are one character, however they are coded; another glyph's code point is not.
    composed = unicodedata.normalize("NFC", piece) if unicodedata.normalize("NFC", base) == base else piece
    if len(composed) == 1 and is_certifiable(composed):
        return CertifiedText(composed, "0")
    text = base if is_certifiable(base) else _substitute(base)
    return CertifiedText(text, "1" * len(text)) if text else None


def _substitute(character: str) -> str:
    """What stands for a character that cannot be carried, empty when nothing is known."""
    letters = [c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c) not in _MARKS]
    replaced = [c if is_certifiable(c) else _variants().get(c, "") for c in letters]
    return "".join(replaced) if all(replaced) else ""


def _is_noncharacter(character: str) -> bool:
    """The 66 code points that Unicode keeps from ever being characters (Unicode, section 23.7)."""
    code = ord(character)
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


@cache
def _variants() -> dict[str, str]:
    """Ideograph to the one that stands for it, from `substitutes.txt`."""
    lines = Path(__file__).with_name("substitutes.txt").read_text("utf-8").splitlines()
    pairs = [pair for line in lines if not line.startswith("#") for pair in line.split()]
    return {original: substitute for original, substitute in reversed([(p[0], p[1]) for p in pairs])}
