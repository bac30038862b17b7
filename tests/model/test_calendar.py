"""How papers write a day: by the era it lies in, whatever the eras' order, and as ISO 8601 says where there is none."""

import datetime
from itertools import permutations

import pytest

from kiosk.model.calendar import ISO, Calendar, EraBegun

SHOWA, HEISEI, REIWA = (
    EraBegun("昭和", datetime.date(1926, 12, 25)),
    EraBegun("平成", datetime.date(1989, 1, 8)),
    EraBegun("令和", datetime.date(2019, 5, 1)),
)
TEXT = "{era}{era_year}年{month}月{day}日（{year}年）"


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (datetime.date(1926, 12, 24), "1926-12-24"),
        (datetime.date(1926, 12, 25), "昭和元年12月25日（1926年）"),
        (datetime.date(1989, 1, 7), "昭和64年1月7日（1989年）"),
        (datetime.date(1989, 1, 8), "平成元年1月8日（1989年）"),
        (datetime.date(2019, 4, 30), "平成31年4月30日（2019年）"),
        (datetime.date(2019, 5, 1), "令和元年5月1日（2019年）"),
        (datetime.date(2020, 1, 1), "令和2年1月1日（2020年）"),
    ],
)
def test_a_day_is_written_in_its_era_whatever_order_they_stand_in(day: datetime.date, text: str) -> None:
    for eras in permutations((SHOWA, HEISEI, REIWA)):
        assert Calendar(TEXT, "元", eras).day(day) == text


def test_without_eras_a_day_is_written_as_iso_8601_says() -> None:
    assert ISO == Calendar(text="", first_year="1", era=())
    assert ISO.day(datetime.date(2026, 1, 2)) == "2026-01-02"


def test_the_first_year_is_a_number_where_nothing_else_is_said() -> None:
    assert Calendar("{era_year}", era=(REIWA,)).day(REIWA.first_day) == "1"
