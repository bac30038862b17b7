"""What passed on the devices' lines lately, an exchange a line; what only repeats itself is told once, with its count.

    11-22 10:00:00 printer > 10 04 01 < 12
    11-22 10:00:01-10:07:30 x899 cash > 02 00 01 e8 15 < 02 00 01 e8 15 01 01 02 00 00 fc

A device is looked at twice a second, so that looks alone would leave no room for an event of a minute ago. A look may
be several exchanges, as a printer is asked for its four kinds of status: each of them has its line, and its own count.
"""

import datetime
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from hw.link.traced import is_content_told

_LONGEST_LOOK = 8
"""The most exchanges that one look at a device is made of."""
_LOOK_LASTS = datetime.timedelta(seconds=2)
"""What takes longer is no look: exchanges that far apart are told in their order, however often they recur."""
_ANSWERED_WITHIN = datetime.timedelta(seconds=1)
"""What comes later was not asked for, and has a line and a time of its own."""
_LONGEST = 320
"""Characters of an exchange on one line; what a device goes on telling is on the next."""
_SENT = ">"


@dataclass(eq=False, slots=True)
class _Exchange:
    """`text` is what passed on the line `name`; the same passed `count` times from `first` to `last`."""

    number: int
    name: str
    text: str
    first: datetime.datetime
    last: datetime.datetime
    is_told: bool
    """Whether all of it is shown; of what is not, nobody knows that it was the same twice."""
    arrow: str
    count: int = 1
    look: object = None
    """What it has in common with those that recur together with it."""

    def __str__(self) -> str:
        told = f"{self.first:%m-%d %H:%M:%S}"
        if self.count > 1:
            is_same_day = self.last.date() == self.first.date()
            until = f"{self.last:%H:%M:%S}" if is_same_day else f"{self.last:%m-%d %H:%M:%S}"
            told += f"-{until} x{self.count}"
        return f"{told} {self.name} {self.text}"


@dataclass(slots=True)
class _Line:
    newest: deque[_Exchange] = field(default_factory=lambda: deque(maxlen=2 * _LONGEST_LOOK))
    open: _Exchange | None = None
    """The exchange that goes on, until it is folded or the next one begins."""


class LineTrace:
    """Keeps `length` lines, in the order in which they happened last; `now` is the time in the town.

    `hear` takes what `hw.link.traced` tells, from any thread.
    """

    def __init__(self, length: int, now: Callable[[], datetime.datetime]) -> None:
        self._length = length
        self._now = now
        self._kept: dict[int, _Exchange] = {}
        self._lines: dict[str, _Line] = {}
        self._heard = 0
        self._lock = threading.Lock()

    def hear(self, told: str) -> None:
        """Something passed: `cash > 02 00 01 e8 15`."""
        name, arrow, content = told.split(" ", 2)
        at = self._now()
        with self._lock:
            line = self._lines.setdefault(name, _Line())
            going_on = line.open
            if going_on is None or arrow == _SENT or not _goes_on(going_on, content, at):
                self._fold(line)
                line.open = self._begin(name, arrow, content, at)
                line.newest.append(line.open)
            else:
                # However a serial line cuts an answer, it is the same answer.
                joint = " " if going_on.arrow == arrow and is_content_told(content) else f" {arrow} "
                going_on.text += joint + content
                going_on.arrow = arrow
                going_on.is_told &= is_content_told(content)
                going_on.last = at

    def lines(self) -> tuple[str, ...]:
        """What is kept, oldest first; an exchange that may still go on is not yet counted with those before it."""
        at = self._now()
        with self._lock:
            for line in self._lines.values():
                if line.open is not None and at - line.open.first > _ANSWERED_WITHIN:
                    self._fold(line)
            return tuple(map(str, self._kept.values()))

    def _begin(self, name: str, arrow: str, content: str, at: datetime.datetime) -> _Exchange:
        self._heard += 1
        exchange = _Exchange(self._heard, name, f"{arrow} {content}", at, at, is_content_told(content), arrow)
        self._kept[exchange.number] = exchange
        if len(self._kept) > self._length:
            del self._kept[next(iter(self._kept))]
        return exchange

    def _fold(self, line: _Line) -> None:
        """The newest look at a device stands for the one before it too, when all of both was the same."""
        newest = line.newest
        if line.open is None:
            return
        for size in range(1, len(newest) // 2 + 1):
            if newest[-1 - size].text != newest[-1].text:
                continue
            look = list(islice(newest, len(newest) - size, None))
            before = list(islice(newest, len(newest) - 2 * size, len(newest) - size))
            if not _is_repeated(before, look):
                continue
            mark = object()
            for one, same in zip(before, look, strict=True):
                same.first = one.first
                same.count += one.count
                same.look = one.look if size == 1 else mark
                self._kept.pop(one.number, None)
                newest.remove(one)
            line.open = None
            return


def _goes_on(exchange: _Exchange, content: str, at: datetime.datetime) -> bool:
    return at - exchange.first <= _ANSWERED_WITHIN and len(exchange.text) + len(content) <= _LONGEST


def _is_repeated(before: list[_Exchange], look: list[_Exchange]) -> bool:
    if any(one.text != same.text or not same.is_told for one, same in zip(before, look, strict=True)):
        return False
    if len(look) == 1:
        return True
    # What happened between two long silences happened then, even if it did so twice.
    mark = before[0].look
    is_one_look = mark is not None and all(one.look is mark for one in before)
    return _is_short(look) and (is_one_look or _is_short(before))


def _is_short(look: list[_Exchange]) -> bool:
    return look[-1].last - look[0].first <= _LOOK_LASTS
