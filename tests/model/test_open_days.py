"""On which days somebody can come again."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from kiosk.model.open_days import is_open, open_days_after


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def test_from_a_thursday_before_a_holiday_on_monday() -> None:
    found = open_days_after(day("2026-11-19"), {day("2026-11-23")}, 3)
    assert found == (day("2026-11-20"), day("2026-11-24"), day("2026-11-25"))


def test_the_end_of_the_year_is_closed() -> None:
    found = open_days_after(day("2026-12-28"), (), 2)
    assert found == (day("2027-01-04"), day("2027-01-05"))


@given(st.integers(0, 7000), st.sets(st.integers(1, 40), max_size=10), st.integers(1, 8))
def test_every_day_that_is_offered_is_open_and_none_between_is_left_out(
    days_since: int, holidays_after: set[int], number: int
) -> None:
    today = day("2020-01-01") + datetime.timedelta(days=days_since)
    holidays = {today + datetime.timedelta(days=n) for n in holidays_after}
    found = open_days_after(today, holidays, number)
    assert len(found) == number and found[0] > today
    assert all(d.weekday() < 5 and d not in holidays for d in found)
    assert not any((d.month, d.day) in {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)} for d in found)
    between = (found[-1] - today).days
    left_out = {today + datetime.timedelta(days=n) for n in range(1, between)} - set(found)
    assert not any(is_open(d, holidays) for d in left_out)
