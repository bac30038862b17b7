"""What happens at a reader, as events: cards put in and taken out, the reader or its service lost and found again.

Right also when nobody looked: a card that was exchanged between two looks shows in the service's count of changes, and
a service that was started anew begins that count again.
"""

import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from hw.card.pcsc import Observed
from hw.errors import ReaderMissing

_RETRY_S = 0.2
"""How long a missing reader or service is left alone before it is looked for again."""


class ReaderEvent(StrEnum):
    """What happened at the reader."""

    CARD_INSERTED = "card_inserted"
    CARD_REMOVED = "card_removed"
    READER_LOST = "reader_lost"
    READER_FOUND = "reader_found"


class ObservableSlot(Protocol):
    """A slot that can be looked at."""

    def observe(self, known: Observed | None, timeout_s: float) -> Observed:
        """What it shows as soon as that is not `known`, or when the time is up. Raises `ReaderMissing`."""
        ...


class ReaderMonitor:
    """Watches one slot. The first events say what was there at the beginning: reader found, and card inserted if so.

    `monotonic` and `sleep` are in seconds.
    """

    def __init__(
        self,
        slot: ObservableSlot,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._slot = slot
        self._monotonic = monotonic
        self._sleep = sleep
        self._known: Observed | None = None
        self._is_found = False
        self._events: deque[ReaderEvent] = deque()

    def next_event(self, timeout_s: float) -> ReaderEvent | None:
        """The next thing that happened, None when nothing did in that time. Never raises."""
        deadline_s = self._monotonic() + timeout_s
        while not self._events:
            remaining_s = deadline_s - self._monotonic()
            if remaining_s < 0:
                return None
            try:
                self._note(self._slot.observe(self._known, remaining_s))
            except ReaderMissing:
                self._note_missing()
                if not self._events:
                    self._sleep(min(_RETRY_S, remaining_s))
            if remaining_s == 0:
                break
        return self._events.popleft() if self._events else None

    def _note(self, seen: Observed) -> None:
        if not self._is_found:
            self._is_found = True
            self._events.append(ReaderEvent.READER_FOUND)
        before, self._known = self._known, seen
        if before is not None and before.changes == seen.changes and before.is_present == seen.is_present:
            return
        if before is not None and before.is_present:
            self._events.append(ReaderEvent.CARD_REMOVED)
        if seen.is_present:
            self._events.append(ReaderEvent.CARD_INSERTED)
        elif before is not None and not before.is_present and before.changes != seen.changes:
            # It came and went between two looks.
            self._events.extend((ReaderEvent.CARD_INSERTED, ReaderEvent.CARD_REMOVED))

    def _note_missing(self) -> None:
        if not self._is_found:
            return
        self._is_found = False
        if self._known is not None and self._known.is_present:
            self._events.append(ReaderEvent.CARD_REMOVED)
        self._known = None
        self._events.append(ReaderEvent.READER_LOST)
