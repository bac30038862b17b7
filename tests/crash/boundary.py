"""The places where a station's process touches the world, and where in each of them it can end.

A process that dies does so before an effect, within one that has parts, or after it with the answer lost. What stands
at those places (`tests.crash.watch`, `line`, `people`) tells one `Passage`; what then happens (nothing, an image of the
world, the end) is not its business.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What is touched; the values are the words of a plan."""

    STORE = "store"
    CARD = "card"
    AUTHORITY = "ca"
    PRINTER = "print"
    PERSON = "person"
    CLERK = "ask"
    """A question to the clerk's station; it changes nothing by itself, so that nobody dies there but that station."""


class Phase(StrEnum):
    """Where in an effect a process can end."""

    BEFORE = "-"
    WITHIN = "~"
    AFTER = "+"


@dataclass(frozen=True)
class Point:
    """One place to die at: the `number`th effect of its kind (from 1) since the last crash; `part` counts WITHIN."""

    kind: Kind
    number: int
    phase: Phase
    part: int = 0

    def __str__(self) -> str:
        return f"{self.kind}{self.number}{self.phase}{self.part or ''}"

    @classmethod
    def parse(cls, text: str) -> "Point":
        """Reads what `str` wrote. Raises `ValueError`."""
        match = _POINT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no point such as card17- store3+ print5~1")
        kind, number, phase, part = match.groups()
        if (phase == Phase.WITHIN) != bool(part):
            raise ValueError(f"{text!r}: a part follows ~ and nothing else")
        return cls(Kind(kind), int(number), Phase(phase), int(part or 0))


class Outage(StrEnum):
    """How far an effect gets when not the terminal ends but who it turns to."""

    REFUSED = "-"
    """Nobody is there."""
    UNDONE = "~"
    """It ends before what was asked is done, or in the middle of it."""
    UNANSWERED = "+"
    """It ends after it was done, before its answer."""


@dataclass(frozen=True)
class Fault:
    """Authority or clerk's station ends, or the card is pulled, at the `number`th effect since the terminal's last end.

    `stays_down`: it is not there again before the terminal itself is started anew.
    """

    kind: Kind
    number: int
    outage: Outage
    stays_down: bool = False


_POINT = re.compile(rf"({'|'.join(Kind)})([1-9][0-9]*)([-~+])([1-9]?)")


class Crash(BaseException):
    """A process ends here; a BaseException, so that no handler of the product can hold it up."""


class Passage:
    """Numbers what a station's processes pass since the last crash, and tells `on_point`, which may raise `Crash`.

    Once it did, the process is dead: whatever still runs while the stack unwinds reaches nothing any more. `faults` are
    what befalls the others meanwhile.
    """

    def __init__(
        self, on_point: Callable[[Point, str], None] = lambda point, label: None, faults: Sequence[Fault] = ()
    ) -> None:
        self._on_point = on_point
        self._faults = {(fault.kind, fault.number): fault for fault in faults}
        self.numbers: Counter[Kind] = Counter()
        self._is_dead = False

    def enter(self, kind: Kind, label: str) -> Point:
        """An effect is about to happen; its point is to be handed on to `within` and `leave`."""
        if self._is_dead:
            raise Crash
        self.numbers[kind] += 1
        point = Point(kind, self.numbers[kind], Phase.BEFORE)
        self._tell(point, label)
        return point

    def fault(self, point: Point) -> Fault | None:
        """What befalls the other side of this effect."""
        return self._faults.get((point.kind, point.number))

    def within(self, point: Point, part: int, label: str) -> None:
        """So many parts of the effect have happened."""
        self._tell(replace(point, phase=Phase.WITHIN, part=part), label)

    def leave(self, point: Point, label: str) -> None:
        """The effect has happened, its answer is under way."""
        self._tell(replace(point, phase=Phase.AFTER), label)

    def _tell(self, point: Point, label: str) -> None:
        try:
            self._on_point(point, label)
        except Crash:
            self._is_dead = True
            raise
