"""Passwords that whoever finds a card tries first: a series, one character again and again, its owner's birthday."""

import datetime
from collections.abc import Iterable
from itertools import pairwise

_STEPS = (0, 1, -1)
_DIGITS = range(ord("0"), ord("9") + 1)


def birthdays(born: datetime.date, years: Iterable[int]) -> frozenset[bytes]:
    """How a birthday is written in digits, for `years` by which its year is called: 1952 and, of an era, 27."""
    full, short = f"{born.month:02}{born.day:02}", f"{born.month}{born.day}"
    found = {full}
    for year in years:
        for number in (f"{year:02}", f"{year % 100:02}"):
            found |= {number, *(part for day in (full, short) for part in (number + day, day + number))}
    return frozenset(writing.encode() for writing in found)


def is_guessable(password: memoryview, days: frozenset[bytes] = frozenset()) -> bool:
    """Whether a password (ASCII) is a series as 1234, 9876, 7890, AAAA, or one of `days`; a letter may stand beside."""
    return _is_series(password) or any(_digits(password) == day for day in days)


def _is_series(password: memoryview) -> bool:
    # After 9 comes 0, as on every keyboard.
    whole = 10 if all(code in _DIGITS for code in password) else 256
    # Kept in no list: with its first character, the steps are the password.
    return any(all((after - before) % whole == step % whole for before, after in pairwise(password)) for step in _STEPS)


def _digits(password: memoryview) -> memoryview:
    begin = next((place for place in (0, 1) if password[place : place + 1] and password[place] in _DIGITS), 0)
    end = len(password) if not len(password) or password[-1] in _DIGITS else len(password) - 1
    return password[begin:end]
