"""Crash plans as text: which process ends where, and what is different when it starts again.

    plan     = death *(" " death)
    death    = [who "="] point *("/" change)
    who      = "terminal" (left out) | "all" | "authority" | "clerk" | "card"
    point    = kind number phase          kind: store card ca print person ask; number: from 1, since the last death of
                                          the terminal; phase: "-" before, "~N" when N parts of it are done, "+" after
    change   = "out" | "swapped" | "moved" | "gone"   what became of the card and the resident
             | "rebooted" | "late" | "tight" | "lapsed"   that its computer was started anew; how much time went by
             | "next"                     the neighbour is served first, with an application of his own
             | "down"                     after authority= and clerk=: it stays away until the terminal starts anew

"all" are terminal, authority and the clerk's station together. "authority" ends at a request to it (ca), "clerk" (his
station) at a question to it (ask), and "card" is no process: it is pulled out of the reader at one of its commands
(card).

`card14+/swapped authority=ca1~1/down store9-`: the terminal ends after the 14th card command; another resident's card
lies in the reader when it starts again; in that run the authority ends before it commits what the first request asks
for, and stays away; later in the same run the terminal ends before its 9th commit.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.crash.boundary import Fault, Kind, Outage, Phase, Point
from tests.crash.people import Presence


class Who(StrEnum):
    """Who ends."""

    TERMINAL = "terminal"
    ALL = "all"
    AUTHORITY = "authority"
    CLERK = "clerk"
    CARD = "card"


_OTHERS = {Who.AUTHORITY: Kind.AUTHORITY, Who.CLERK: Kind.CLERK, Who.CARD: Kind.CARD}
"""Who can end while the terminal goes on, and at which kind of effect."""
_WHO = {kind: who for who, kind in _OTHERS.items()}
_LASTING = (Kind.AUTHORITY, Kind.CLERK)
"""What may stay away. A pulled card is put in again by the resident as soon as he is asked."""


class Delay(StrEnum):
    """How long nobody starts the station again, and whether its whole computer was started anew."""

    NOW = "now"
    REBOOTED = "rebooted"
    LATE = "late"
    TIGHT = "tight"
    LAPSED = "lapsed"

    @property
    def time(self) -> datetime.timedelta:
        """Beyond the clerk's leave (15 min); within pending (24 h), short of the fee's margin; beyond pending."""
        return _DELAYS[self]


_DELAYS = {
    Delay.NOW: datetime.timedelta(seconds=1),
    Delay.REBOOTED: datetime.timedelta(seconds=1),
    Delay.LATE: datetime.timedelta(minutes=16),
    Delay.TIGHT: datetime.timedelta(hours=23, minutes=40),
    Delay.LAPSED: datetime.timedelta(hours=25),
}
_DOWN, _NEXT = "down", "next"


@dataclass(frozen=True)
class Change:
    """What is different when the terminal starts again; `is_next`: the neighbour is served first."""

    presence: Presence = Presence.SAME
    delay: Delay = Delay.NOW
    is_next: bool = False

    @property
    def takes_time(self) -> bool:
        """Whether more happens meanwhile than that somebody moves a card."""
        return self.delay is not Delay.NOW or self.is_next

    def __str__(self) -> str:
        words = (
            "" if self.presence is Presence.SAME else self.presence,
            "" if self.delay is Delay.NOW else self.delay,
            _NEXT if self.is_next else "",
        )
        return "".join(f"/{word}" for word in words if word)


UNCHANGED = Change()


@dataclass(frozen=True)
class Death:
    """Somebody ends at a point."""

    point: Point
    who: Who = Who.TERMINAL
    change: Change = UNCHANGED
    stays_down: bool = False

    def __str__(self) -> str:
        who = "" if self.who is Who.TERMINAL else f"{self.who}="
        return f"{who}{self.point}{f'/{_DOWN}' if self.stays_down else self.change}"

    @property
    def is_terminals(self) -> bool:
        """Whether the terminal ends, alone or with the others."""
        return self.who not in _OTHERS

    @property
    def fault(self) -> Fault:
        """What befalls the other side of the effect; the terminal must not be who ends."""
        return Fault(self.point.kind, self.point.number, Outage(self.point.phase.value), self.stays_down)


Plan = tuple[Death, ...]


def text_of(plan: Plan) -> str:
    """The plan as `--plan` takes it."""
    return " ".join(map(str, plan))


def parse_plan(text: str) -> Plan:
    """Reads a plan. Raises `ValueError`."""
    return tuple(_parse_death(word) for word in text.split())


def _parse_death(text: str) -> Death:
    head, *words = text.split("/")
    who, separator, point_text = head.rpartition("=")
    point = Point.parse(point_text)
    death = Death(point, Who(who) if separator else Who.TERMINAL)
    if not death.is_terminals:
        if point.kind is not _OTHERS[death.who] or words not in ([], [_DOWN] if point.kind in _LASTING else []):
            raise ValueError(f"{text!r}: {death.who} ends at {_OTHERS[death.who]} points, and at most stays {_DOWN}")
        return Death(point, death.who, stays_down=bool(words))
    presence, delay = Presence.SAME, Delay.NOW
    for word in words:
        if word in set(Presence):
            presence = Presence(word)
        elif word in set(Delay):
            delay = Delay(word)
        elif word != _NEXT:
            raise ValueError(f"{text!r}: {word!r} is no change")
    return Death(point, death.who, Change(presence, delay, _NEXT in words))


def other_deaths(points: Sequence[Point]) -> list[Death]:
    """Every way in which somebody else than the terminal can end at one of these points."""
    return [
        Death(point, _WHO[point.kind], stays_down=stays_down)
        for point in points
        if point.kind in _WHO and (point.phase is not Phase.WITHIN or point.part == 1)
        for stays_down in ((False, True) if point.kind in _LASTING else (False,))
    ]
