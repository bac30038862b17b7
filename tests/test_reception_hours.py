"""When applications are taken in, from the file to the moment."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.strict_toml import ConfigInvalid
from kiosk.clock import JAPAN
from kiosk.config import SHIPPED, load_config
from kiosk.model.open_days import is_open
from kiosk.reception_hours import Closed, Hours, ReceptionHours, parse_hours

DAY = Hours(datetime.time(8, 30), datetime.time(17, 15))
LONG = Hours(datetime.time(8, 30), datetime.time(19, 0))
HOLIDAY = datetime.date(2026, 11, 23)
WEEK = ReceptionHours((DAY, DAY, None, LONG, DAY), (HOLIDAY,))


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime.datetime:
    return datetime.datetime(2026, month, day, hour, minute, tzinfo=JAPAN).astimezone(datetime.UTC)


@pytest.mark.parametrize(
    ("now", "closed"),
    [
        (at(20, 8, 29), Closed(DAY, datetime.date(2026, 11, 20), DAY)),
        (at(20, 8, 30), None),
        (at(20, 17, 14), None),
        # Friday evening: Monday is a holiday.
        (at(20, 17, 15), Closed(DAY, datetime.date(2026, 11, 24), DAY)),
        (at(23, 10), Closed(None, datetime.date(2026, 11, 24), DAY)),
        # Wednesday is closed, Thursday long.
        (at(25, 10), Closed(None, datetime.date(2026, 11, 26), LONG)),
        (at(26, 18, 59), None),
        (at(28, 10), Closed(None, datetime.date(2026, 11, 30), DAY)),
        (at(31, 10, month=12), Closed(None, datetime.date(2027, 1, 4), DAY)),
    ],
)
def test_what_somebody_is_told(now: datetime.datetime, closed: Closed | None) -> None:
    assert WEEK.closed_at(now) == closed


@given(
    weekdays=st.lists(st.sampled_from([None, DAY, LONG]), min_size=5, max_size=5).filter(any),
    holidays=st.sets(st.dates(datetime.date(2026, 11, 1), datetime.date(2026, 12, 31)), max_size=20),
    now=st.datetimes(datetime.datetime(2026, 11, 1), datetime.datetime(2026, 12, 31)),
)
def test_whoever_comes_when_he_was_told_finds_it_open(
    weekdays: list[Hours | None], holidays: set[datetime.date], now: datetime.datetime
) -> None:
    hours = ReceptionHours(weekdays, holidays)
    closed = hours.closed_at(now.replace(tzinfo=JAPAN))
    if closed is None:
        assert is_open(now.date(), holidays)
    elif closed.next_day is not None and closed.next_hours is not None:
        opens = datetime.datetime.combine(closed.next_day, closed.next_hours.opens, JAPAN)
        assert opens > now.replace(tzinfo=JAPAN) and hours.closed_at(opens) is None


def test_a_counter_that_is_never_open_tells_no_day() -> None:
    nothing = ReceptionHours((None,) * 5, ())
    assert nothing.closed_at(at(20, 10)) == Closed(None, None, None)


def test_without_hours_in_the_file_applications_are_taken_in_at_any_time() -> None:
    assert load_config(SHIPPED / "kiosk.toml", []).hours is None
    hours = load_config(SHIPPED / "kiosk.toml", [("hours.thursday", "08:30-19:00")]).hours
    assert hours is not None and list(hours.weekdays) == [None, None, None, LONG, None]
    assert HOLIDAY in hours.holidays and str(hours) == "- - - 08:30-19:00 -"


@pytest.mark.parametrize("text", ["8:30-17:15", "08:30", "17:15-08:30", "08:30-08:30", "08:30-24:00", "open"])
def test_hours_that_are_none_are_told_with_their_key(text: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"hours\.monday: '.*'"):
        load_config(SHIPPED / "kiosk.toml", [("hours.monday", text)])
    with pytest.raises(ValueError, match=r"is not like|ends before"):
        parse_hours(text)
