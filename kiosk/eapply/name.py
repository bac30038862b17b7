"""Compares the name on a form with the name in a certificate."""

import unicodedata
from enum import StrEnum

from kiosk.model.certificate import CertifiedItems


class NameMatch(StrEnum):
    """What a comparison can yield; a substitute character stands for an unknown one, so it never matches by itself."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NEEDS_PERSON = "needs_person"


def match_name(form: str, items: CertifiedItems) -> NameMatch:
    """Compares after width and spaces are folded (NFKC); only certified, unsubstituted characters can be equal."""
    if len(items.name_flags) != len(items.name):
        return NameMatch.DIFFERENT
    certified = [
        (folded, flag == "1")
        for character, flag in zip(items.name, items.name_flags, strict=True)
        for folded in fold(character)
    ]
    wanted = fold(form)
    if len(wanted) != len(certified):
        return NameMatch.DIFFERENT
    if any(c != folded for c, (folded, is_substitute) in zip(wanted, certified, strict=True) if not is_substitute):
        return NameMatch.DIFFERENT
    return NameMatch.NEEDS_PERSON if any(flag for _, flag in certified) else NameMatch.EQUAL


def fold(text: str) -> str:
    """Compatibility forms unified, all blanks removed."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if not c.isspace())
