"""The time zone in which the machine stands that runs a test."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def standing_in(zone: str) -> Iterator[None]:
    """Has the process's own time be that of a zone, such as Asia/Tokyo, and what it was before afterwards."""
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("TZ", zone)
            time.tzset()
            yield
    finally:
        time.tzset()
