"""Where the time comes from: one value that is passed to whoever needs it."""

import datetime
from collections.abc import Callable

Clock = Callable[[], datetime.datetime]
"""Answers the present time, aware, in UTC."""

JAPAN = datetime.timezone(datetime.timedelta(hours=9), "JST")
"""The counter's time zone; Japan has had no summer time since 1951."""


def system_clock() -> datetime.datetime:
    """The computer's clock."""
    return datetime.datetime.now(datetime.UTC)
