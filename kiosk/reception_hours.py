"""When applications are taken in: hours by day of the week, on the days on which the office is open."""

import datetime
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kiosk.clock import JAPAN
from kiosk.model.open_days import is_open, open_days_after

_LOOKS_AHEAD_DAYS = 30
"""Open days among which the next one with hours is looked for."""
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Hours:
    """From when until when on one day, in the counter's time zone; at `closes` it is closed."""

    opens: datetime.time
    closes: datetime.time

    def __str__(self) -> str:
        """As the file has it."""
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"


@dataclass(frozen=True)
class Closed:
    """Nothing is taken in now: the hours of today, None when it is closed all day, and when it is open next.

    `next_day` and `next_hours` are None when that is too far away to be told.
    """

    today: Hours | None
    next_day: datetime.date | None
    next_hours: Hours | None


def parse_hours(text: str) -> Hours | None:
    """Hours as "08:30-17:15"; None for "", a day without. Raises `ValueError`."""
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not like 08:30-17:15")
    first, second, third, fourth = map(int, found.groups())
    hours = Hours(datetime.time(first, second), datetime.time(third, fourth))
    if hours.opens >= hours.closes:
        raise ValueError(f"{text!r} ends before it begins")
    return hours


@dataclass(frozen=True)
class ReceptionHours:
    """The hours from Monday to Friday, and the days on which the office is closed besides weekends and New Year."""

    weekdays: Sequence[Hours | None]
    holidays: Collection[datetime.date]

    def __str__(self) -> str:
        """From Monday to Friday, as the file has it, "-" for a day without."""
        return " ".join("-" if hours is None else str(hours) for hours in self.weekdays)

    def closed_at(self, now: datetime.datetime) -> Closed | None:
        """What to tell who comes outside the hours, None within them; `now` is aware."""
        local = now.astimezone(JAPAN)
        day, time = local.date(), local.time()
        today = self._on(day)
        if today is not None and time < today.opens:
            return Closed(today, day, today)
        if today is not None and time < today.closes:
            return None
        for later in open_days_after(day, self.holidays, _LOOKS_AHEAD_DAYS):
            if (hours := self._on(later)) is not None:
                return Closed(today, later, hours)
        return Closed(today, None, None)

    def _on(self, day: datetime.date) -> Hours | None:
        return self.weekdays[day.weekday()] if is_open(day, self.holidays) else None
