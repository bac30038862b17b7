"""Keyboard pages, days, inert text, the bell: the plain values behind the screens."""

import asyncio
import datetime
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.ui.bell import Bell
from kiosk.ui.dates import day_text, years_of
from kiosk.ui.plain_text import inert
from kiosk.ui.widgets.keyboard import key_pages
from kiosk.ui.words import load_words

PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)


@given(st.sets(PRINTABLE))
def test_every_allowed_character_has_exactly_one_key(allowed: set[str]) -> None:
    keys = [c for page in key_pages("".join(sorted(allowed))) for c in page.characters]
    assert sorted(keys) == sorted(allowed)


@given(st.sets(PRINTABLE))
def test_a_page_fits_two_rows_and_is_named_by_its_ends(allowed: set[str]) -> None:
    for page in key_pages("".join(sorted(allowed))):
        assert 1 <= len(page.characters) <= 13
        assert page.name == f"{page.characters[0]}-{page.characters[-1]}"


def test_the_pages_of_letters_and_digits() -> None:
    names = [page.name for page in key_pages("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")]
    assert names == ["A-M", "N-Z", "0-9"]


@pytest.mark.parametrize(
    ("day", "japanese", "english"),
    [
        (datetime.date(2019, 4, 30), "平成31年4月30日（2019年）", "30 April 2019"),
        (datetime.date(2019, 5, 1), "令和元年5月1日（2019年）", "1 May 2019"),
        (datetime.date(1989, 1, 7), "昭和64年1月7日（1989年）", "7 January 1989"),
        (datetime.date(1926, 12, 25), "昭和元年12月25日（1926年）", "25 December 1926"),
        (datetime.date(1868, 10, 22), "1868年10月22日", "22 October 1868"),
    ],
)
def test_days_by_era_and_by_the_gregorian_year(day: datetime.date, japanese: str, english: str, locale: Path) -> None:
    assert day_text(day, load_words("ja", locale)) == japanese
    assert day_text(day, load_words("en", locale)) == english


@pytest.mark.parametrize(
    ("day", "years"),
    [
        (datetime.date(1952, 3, 5), (1952, 27)),
        (datetime.date(1989, 1, 7), (1989, 64)),
        (datetime.date(1989, 1, 8), (1989, 1)),
        (datetime.date(1860, 1, 1), (1860,)),
    ],
)
def test_a_year_is_called_by_two_numbers(day: datetime.date, years: tuple[int, ...]) -> None:
    assert years_of(day) == years


@given(st.text())
def test_inert_text_moves_no_cursor_and_keeps_its_length(text: str) -> None:
    shown = inert(text)
    assert len(shown) == len(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]


def test_inert_text_keeps_names() -> None:
    assert inert("幌延　太郎 𠮷田\u303e") == "幌延　太郎 𠮷田\u303e"


def test_whoever_waits_looks_again_at_every_ring() -> None:
    async def run() -> None:
        bell, level = Bell(), 0
        waiting = [asyncio.create_task(bell.until(lambda least=least: level >= least)) for least in (3, 1, 2)]
        for level, task in ((1, waiting[1]), (2, waiting[2]), (3, waiting[0])):
            bell.ring()
            await asyncio.wait_for(task, 5)
            assert sum(other.done() for other in waiting) == level

    asyncio.run(run())
