"""What the buffer of a coin acceptor says happened since it was last read; pure arithmetic, no line.

Source: ccTalk Generic Specification, part 2, header 229; SR5 technical manual: the counter is 0 after power-up and
reset only, and goes from 255 to 1.
"""

from dataclasses import dataclass

BUFFERED = 5
BUFFER_SIZE = 1 + 2 * BUFFERED


@dataclass(frozen=True)
class Coin:
    """A coin was taken: its position, from 1, and the sorter path it took."""

    position: int
    path: int


@dataclass(frozen=True)
class Rejection:
    """Something else happened: an error code of part 3."""

    code: int


@dataclass(frozen=True)
class EventsLost:
    """So many events were pushed out of the buffer before anybody read them; each may have been a coin."""

    count: int


@dataclass(frozen=True)
class AcceptorReset:
    """The acceptor lost power; what happened between the last reading and then is gone."""


AcceptorEvent = Coin | Rejection | EventsLost | AcceptorReset


@dataclass(frozen=True)
class Reading:
    """The counter now, and what happened since the one before, oldest first."""

    counter: int
    events: tuple[AcceptorEvent, ...]


def read_buffer(data: bytes, last: int) -> Reading:
    """What `data`, the answer to header 229, says after a reading that ended at counter `last`.

    Raises `ValueError` when it has not the size of such an answer.
    """
    if len(data) != BUFFER_SIZE:
        raise ValueError(f"{len(data)} bytes, not {BUFFER_SIZE}")
    counter = data[0]
    pairs = [(data[n], data[n + 1]) for n in range(1, BUFFER_SIZE, 2)]
    happened = sum(1 for pair in pairs if pair != (0, 0))
    # A buffer that holds no more than the counter says was emptied since: a reset, even when the counter has moved on.
    if last and counter < last and (counter == 0 or (counter < BUFFERED and happened <= counter)):
        return Reading(counter, (AcceptorReset(), *_oldest_first(pairs, counter)))
    new = counter - last if counter >= last else counter - last + 255
    lost = (EventsLost(new - BUFFERED),) if new > BUFFERED else ()
    return Reading(counter, (*lost, *_oldest_first(pairs, min(new, BUFFERED))))


def _oldest_first(pairs: list[tuple[int, int]], count: int) -> tuple[AcceptorEvent, ...]:
    return tuple(Coin(*pair) if pair[0] else Rejection(pair[1]) for pair in reversed(pairs[:count]))
