"""A form that can be compared: what a resident may have written, up to its very ends."""

import datetime
from dataclasses import replace
from typing import Any

import pytest

from kiosk.model.form import LONGEST, Form, flawed_items, is_birth_date, is_reading
from kiosk.model.resident import Sex

TODAY = datetime.date(2026, 11, 26)
FORM = Form(
    kana="ほろのべ　はなこ",
    name="幌延　花子",
    birth_date=datetime.date(1953, 7, 1),
    sex=Sex.FEMALE,
    address="北海道天塩郡幌延町下沼８４番地２７",
)


def test_a_form_as_people_fill_it_in_has_no_flaw() -> None:
    assert flawed_items(FORM, TODAY) == ()
    assert flawed_items(replace(FORM, name=""), TODAY) == (), "the clerk writes the characters"


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("kana", ""),
        ("kana", "ほろのべ"),
        ("kana", "ほろのべ　"),
        ("kana", "　ほろのべ"),
        ("kana", "ほろのべ　花子"),
        ("kana", "ほろのべ　[b]"),
        ("name", "幌延\n花子"),
        ("name", "幌延\x1b[2J"),
        ("name", "延" * 101),
        ("birth_date", datetime.date(2026, 11, 27)),
        ("birth_date", datetime.date(1853, 7, 1)),
        ("address", ""),
        ("address", "幌延町\u202e"),
        ("address", "町" * 101),
    ],
)
def test_what_cannot_be_compared_is_named(item: str, value: object) -> None:
    changed: dict[str, Any] = {"kana": FORM.kana, item: value}
    assert flawed_items(replace(FORM, **changed), TODAY) == (item,)


def test_an_item_may_be_as_long_as_the_longest() -> None:
    longest = replace(FORM, name="延" * LONGEST, address="町" * LONGEST, kana="ほ　" + "の" * (LONGEST - 2))
    assert LONGEST == 100
    assert flawed_items(longest, TODAY) == ()


@pytest.mark.parametrize("text", ["あ", "ぁ", "ゖ", "ー", "ぁー　ゖ", "の" * LONGEST])
def test_hiragana_long_vowels_and_spaces_are_a_reading(text: str) -> None:
    assert is_reading(text)


@pytest.mark.parametrize("text", ["", "\u3040", "\u3097", "X", "ア", "ほ X", "の" * (LONGEST + 1)])
def test_anything_else_is_no_reading(text: str) -> None:
    assert not is_reading(text)


@pytest.mark.parametrize(
    ("day", "is_possible"),
    [
        (TODAY, True),
        (TODAY + datetime.timedelta(days=1), False),
        (datetime.date(1901, 1, 1), True),
        (datetime.date(1900, 12, 31), False),
    ],
)
def test_who_stands_here_was_born_by_today_and_is_no_older_than_anybody(day: datetime.date, is_possible: bool) -> None:
    assert is_birth_date(day, TODAY) is is_possible
