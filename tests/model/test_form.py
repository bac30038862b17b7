"""A form that can be compared, and how it stands to the register, character by character."""

import datetime
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiosk.model.comparison import Agreement, compare
from kiosk.model.form import Form, flawed_items
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
        ("kana", "ほろのべ　花子"),
        ("kana", "ほろのべ　[b]"),
        ("name", "幌延\n花子"),
        ("name", "幌延\x1b[2J"),
        ("name", "延" * 101),
        ("birth_date", datetime.date(2026, 11, 27)),
        ("birth_date", datetime.date(1853, 7, 1)),
        ("address", ""),
        ("address", "幌延町\u202e"),
    ],
)
def test_what_cannot_be_compared_is_named(item: str, value: object) -> None:
    changed: dict[str, Any] = {"kana": FORM.kana, item: value}
    assert flawed_items(replace(FORM, **changed), TODAY) == (item,)


@given(st.text(max_size=30), st.text(max_size=30))
def test_runs_joined_are_the_texts(form: str, register: str) -> None:
    compared = compare(form, register)
    assert "".join(run.text for run in compared.form) == form
    assert "".join(run.text for run in compared.register) == register


@example("\xa0")
@given(st.text(max_size=30))
def test_a_text_agrees_with_itself(text: str) -> None:
    assert compare(text, text).agreement is Agreement.SAME


@pytest.mark.parametrize(
    ("form", "register", "agreement", "marked"),
    [
        ("下沼84番地27", "下沼８４番地２７", Agreement.WRITTEN_OTHERWISE, ["84", "27"]),
        ("下沼８４番地２１", "下沼８４番地２７", Agreement.DIFFERENT, ["１"]),
        ("斉藤　清", "斎藤　清", Agreement.DIFFERENT, ["斉"]),
        ("斎藤清", "斎藤　清", Agreement.WRITTEN_OTHERWISE, []),
        ("サイトウ　キヨシ", "さいとう　きよし", Agreement.WRITTEN_OTHERWISE, ["サイトウ", "キヨシ"]),
        ("元町1-2", "元町１－２", Agreement.WRITTEN_OTHERWISE, ["1-2"]),
    ],
)
def test_what_is_written_otherwise_is_not_what_is_different(
    form: str, register: str, agreement: Agreement, marked: list[str]
) -> None:
    compared = compare(form, register)
    assert compared.agreement is agreement
    assert [run.text for run in compared.form if run.agreement is agreement] == marked
