"""How long a seat waits for a person who has stopped touching it, and when it was touched last."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Seconds. After `idle_s` the resident is asked whether he is still there; after `warning_s` more he has left.

    Where a password is typed nobody is asked nor hurried; after `entry_s` the clerk is called to look.
    A clerk's seat locks after `clerk_s`. Personal data on the resident's screen is covered again after `shown_s`.
    """

    idle_s: float = 60.0
    warning_s: float = 30.0
    entry_s: float = 180.0
    clerk_s: float = 300.0
    shown_s: float = 20.0


class IdleGuard:
    """Remembers when a person last touched the terminal; `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._touched_at = now()

    def touch(self) -> None:
        """Somebody is there, or another screen has come."""
        self._touched_at = self._now()

    @property
    def idle_s(self) -> float:
        """How long nobody has touched the terminal."""
        return self._now() - self._touched_at
