"""Days as people write them: by the Japanese era and the Gregorian year, or in English."""

import calendar
import datetime
from dataclasses import dataclass

from kiosk.ui.words import Words

_ERAS = (
    (datetime.date(2019, 5, 1), "reiwa"),
    (datetime.date(1989, 1, 8), "heisei"),
    (datetime.date(1926, 12, 25), "showa"),
    (datetime.date(1912, 7, 30), "taisho"),
    (datetime.date(1868, 10, 23), "meiji"),
)


@dataclass(frozen=True)
class Era:
    """A way of counting years in which somebody may say when he was born: an era, or `west`."""

    name: str
    first_day: datetime.date
    last_day: datetime.date


def eras() -> tuple[Era, ...]:
    """The eras in which somebody alive can be born, oldest first, then the years of the West."""
    ends = (datetime.date.max, *(start - datetime.timedelta(days=1) for start, _ in _ERAS))
    found = [Era(name, start, end) for (start, name), end in zip(_ERAS, ends, strict=False)]
    return (*reversed(found[:-1]), Era("west", datetime.date.min, datetime.date.max))


def year_of_era(era: Era, year: int) -> int:
    """The Gregorian year of a year of an era."""
    return year if era.name == "west" else era.first_day.year + year - 1


def years_of(day: datetime.date) -> tuple[int, ...]:
    """By which numbers people call a day's year: the Gregorian one, and that of its era."""
    begun = next((start for start, _ in _ERAS if start <= day), None)
    return (day.year,) if begun is None else (day.year, day.year - begun.year + 1)


def day_text(day: datetime.date, words: Words) -> str:
    """A day in the language of `words`; days before the first era with the Gregorian year only."""
    for first_day, era in _ERAS:
        if day >= first_day:
            number = day.year - first_day.year + 1
            year = words("date.first_year") if number == 1 else str(number)
            return words("date.with_era", era=words(f"date.era.{era}"), era_year=year, **_gregorian(day))
    return words("date.gregorian", **_gregorian(day))


def _gregorian(day: datetime.date) -> dict[str, object]:
    return {"year": day.year, "month": day.month, "month_name": calendar.month_name[day.month], "day": day.day}
