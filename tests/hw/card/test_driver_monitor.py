"""The monitor tells what happened at the reader, whether or not it was looking."""

import pytest

from hw.card.monitor import ReaderEvent, ReaderMonitor
from hw.card.pcsc import Observed
from hw.errors import ReaderMissing
from tests.hw.card.insertions import insert_and_remove

FOUND, LOST = ReaderEvent.READER_FOUND, ReaderEvent.READER_LOST
IN, OUT = ReaderEvent.CARD_INSERTED, ReaderEvent.CARD_REMOVED


class Script:
    """A slot that shows one thing after the other; None is a reader that is missing."""

    def __init__(self, *looks: tuple[bool, int] | None) -> None:
        self._looks = list(looks)

    def observe(self, known: Observed | None, timeout_s: float) -> Observed:
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if look is None:
            raise ReaderMissing("gone")
        return Observed(*look, state=0)


@pytest.mark.parametrize(
    ("looks", "events"),
    [
        ([(False, 0)], [FOUND]),
        ([(True, 1)], [FOUND, IN]),
        ([None, (True, 1)], [FOUND, IN]),
        ([(False, 0), (True, 1), (False, 2)], [FOUND, IN, OUT]),
        ([(True, 1), (True, 3)], [FOUND, IN, OUT, IN]),
        ([(False, 0), (False, 2)], [FOUND, IN, OUT]),
        ([(True, 1), None, (True, 1)], [FOUND, IN, OUT, LOST, FOUND, IN]),
        ([(False, 4), None, None, (False, 0)], [FOUND, LOST, FOUND]),
    ],
)
def test_what_was_seen_tells_what_happened(looks: list[tuple[bool, int] | None], events: list[ReaderEvent]) -> None:
    now = iter(range(10_000))
    monitor = ReaderMonitor(Script(*looks), monotonic=lambda: next(now) / 10, sleep=lambda _: None)
    assert [monitor.next_event(5) for _ in events] == events
    assert monitor.next_event(2) is None


@pytest.mark.wire
def test_every_insertion_and_removal_is_noticed_and_restarts_of_the_service_too() -> None:
    assert insert_and_remove(count=6, restart_every=3) == 6 * 2 + 2 * 5
