"""Watches a drawer's sensor: opened, closed, and left open for longer than a clerk needs."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

LEFT_OPEN_S = 30.0


class DrawerEvent(StrEnum):
    """What the sensor shows."""

    OPENED = "opened"
    CLOSED = "closed"
    LEFT_OPEN = "left_open"


@dataclass
class DrawerCounts:
    """Statistics under their UnifiedPOS names."""

    drawer_good_open_count: int = 0
    drawer_failed_open_count: int = 0


class DrawerWatch:
    """Turns readings of the sensor into events; `limit_s` is how long it may stay open before the alarm, which is once.

    `monotonic` is the clock. The first reading is where it starts from, and no event unless the drawer is open.
    """

    def __init__(self, monotonic: Callable[[], float], *, limit_s: float = LEFT_OPEN_S) -> None:
        self._monotonic = monotonic
        self._limit_s = limit_s
        self._open_since_s: float | None = None
        self._is_alarmed = False

    @property
    def is_left_open(self) -> bool:
        """Whether the alarm has been given and the drawer is still open."""
        return self._is_alarmed

    def see(self, is_open: bool) -> DrawerEvent | None:
        """Takes one reading; what has just happened, if anything."""
        now_s = self._monotonic()
        if not is_open:
            was_open, self._open_since_s, self._is_alarmed = self._open_since_s is not None, None, False
            return DrawerEvent.CLOSED if was_open else None
        if self._open_since_s is None:
            self._open_since_s = now_s
            return DrawerEvent.OPENED
        if now_s - self._open_since_s >= self._limit_s and not self._is_alarmed:
            self._is_alarmed = True
            return DrawerEvent.LEFT_OPEN
        return None
