"""Compares the name on a form with the name in a certificate."""

import re
import unicodedata
from enum import StrEnum
from itertools import groupby

from kiosk.model.certificate import CertifiedItems


class NameMatch(StrEnum):
    """What a comparison can yield; a substitute character stands for an unknown one, so it never matches by itself."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NEEDS_PERSON = "needs_person"


def match_name(form: str, items: CertifiedItems) -> NameMatch:
    """Compares after width and spaces are folded (NFKC); only certified, unsubstituted characters can be equal.

    Substitutes that stand together stand for any characters, at least one: a reading is longer than what it is of.
    """
    if len(items.name_flags) != len(items.name):
        return NameMatch.DIFFERENT
    if "1" not in items.name_flags:
        return NameMatch.EQUAL if fold(form) == fold(items.name) else NameMatch.DIFFERENT
    certified = zip(items.name, items.name_flags, strict=True)
    pattern = "".join(
        ".+" if flag == "1" else re.escape(fold("".join(character for character, _ in run)))
        for flag, run in groupby(certified, key=lambda pair: pair[1])
    )
    return NameMatch.NEEDS_PERSON if re.fullmatch(pattern, fold(form), re.DOTALL) else NameMatch.DIFFERENT


def fold(text: str) -> str:
    """Compatibility forms unified, all blanks removed."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if not c.isspace())
