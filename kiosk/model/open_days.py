"""The days on which the town's office is open.

An office is closed on Saturdays and Sundays, on national holidays, and for the end of the year, which a town's
ordinance fixes as 29 December to 3 January (Local Autonomy Act, article 4-2). The holidays are the town's data.
"""

import datetime
from collections.abc import Collection, Iterator
from itertools import count, islice

_SATURDAY = 5
_YEAR_ENDS_FROM = (12, 29)
_YEAR_ENDS_UNTIL = (1, 3)


def is_open(day: datetime.date, holidays: Collection[datetime.date]) -> bool:
    """Whether the office is open on a day."""
    month_day = (day.month, day.day)
    is_year_end = month_day >= _YEAR_ENDS_FROM or month_day <= _YEAR_ENDS_UNTIL
    return day.weekday() < _SATURDAY and not is_year_end and day not in holidays


def open_days_after(day: datetime.date, holidays: Collection[datetime.date], number: int) -> tuple[datetime.date, ...]:
    """So many of the next days on which the office is open, the day itself not among them."""

    def days() -> Iterator[datetime.date]:
        return (later for n in count(1) if is_open(later := day + datetime.timedelta(days=n), holidays))

    return tuple(islice(days(), number))
