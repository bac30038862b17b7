"""電子証明書発行申請書 as a resident fills it in: what he wrote, and what has to be looked at again beforehand."""

import datetime
import unicodedata
from dataclasses import dataclass

from kiosk.model.resident import Sex

LONGEST = 100
"""Characters of one item; the longest names and addresses of the register are shorter."""

OLDEST_YEARS = 125


@dataclass(frozen=True, repr=False)
class Form:
    """The items as they stand on the form; `name` is empty where its characters are left to the clerk.

    `kana` is the reading in hiragana, family name and given name parted by a full-width space as in the register.
    """

    kana: str
    name: str
    birth_date: datetime.date
    sex: Sex
    address: str


def flawed_items(form: Form, today: datetime.date) -> tuple[str, ...]:
    """The items, in the form's order, that nobody could compare with a register."""
    flaws = []
    if not is_reading(form.kana) or "\u3000" not in form.kana.strip("\u3000"):
        flaws.append("kana")
    if not all(map(_is_written, form.name)) or len(form.name) > LONGEST:
        flaws.append("name")
    if not is_birth_date(form.birth_date, today):
        flaws.append("birth_date")
    if not form.address or not all(map(_is_written, form.address)) or len(form.address) > LONGEST:
        flaws.append("address")
    return tuple(flaws)


def is_reading(text: str) -> bool:
    """Whether a text is a reading: hiragana, the mark of a long vowel, and spaces."""
    return 0 < len(text) <= LONGEST and all("ぁ" <= c <= "ゖ" or c in "ー\u3000" for c in text)


def is_birth_date(day: datetime.date, today: datetime.date) -> bool:
    """Whether somebody who stands here can have been born on that day."""
    return today.year - OLDEST_YEARS <= day.year and day <= today


def _is_written(character: str) -> bool:
    """Letters, marks, digits, punctuation and the full-width space; nothing that moves a cursor or cannot be seen."""
    return unicodedata.category(character)[0] in "LMNP" or character == "\u3000"
