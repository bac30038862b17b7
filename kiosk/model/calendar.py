"""How a counter's papers write a day: by eras (和暦), where the calendar has some, else by the Gregorian year."""

import datetime
from dataclasses import dataclass


@dataclass(frozen=True)
class EraBegun:
    """An era and its first day."""

    name: str
    first_day: datetime.date


@dataclass(frozen=True)
class Calendar:
    """`text` has `{year}`, `{month}`, `{day}`, and `{era}`, `{era_year}` for days of an era; `first_year` is its first.

    `era` is in any order; days before all of them are written as ISO 8601 says.
    """

    text: str = ""
    first_year: str = "1"
    era: tuple[EraBegun, ...] = ()

    def day(self, day: datetime.date) -> str:
        """A day in words."""
        begun = [era for era in self.era if era.first_day <= day]
        if not begun:
            return day.isoformat()
        era = max(begun, key=lambda era: era.first_day)
        number = day.year - era.first_day.year + 1
        return self.text.format(
            era=era.name,
            era_year=self.first_year if number == 1 else number,
            year=day.year,
            month=day.month,
            day=day.day,
        )


ISO = Calendar()
"""2026-11-26."""
