"""How a case ended, in the terms a person at the counter asks about: the certificate, the money, the card."""

import datetime
from dataclasses import dataclass
from enum import StrEnum

from kiosk.model.application import Closed


class Outcome(StrEnum):
    """The kinds of ends that are not the good one."""

    REFUSED = "refused"
    """A rule stands against it; nothing was done."""
    ROLLED_BACK = "rolled_back"
    """Taken back: nothing is valid, nobody has paid."""
    HALTED = "halted"
    """Open: something is missing that only time or a person can bring."""
    INTERRUPTED = "interrupted"
    """The program is ending; the case goes on at the next start."""


class Money(StrEnum):
    """What became of the resident's money."""

    UNTOUCHED = "untouched"
    """Nobody took any."""
    TAKEN = "taken"
    RETURNED = "returned"
    BEING_CHECKED = "being_checked"
    """Some may have been taken; a person finds out."""


@dataclass(frozen=True)
class Finished:
    """The certificate is valid, the fee is in the box."""

    closed: Closed


@dataclass(frozen=True)
class Trouble:
    """The case stopped. `is_card_inside` is None when the reader could not be asked.

    `until` is the day until which it is on hold, where it was taken back to be put off; `slip_came_out`: its slip, None
    when that is not known.
    """

    outcome: Outcome
    code: str
    is_card_inside: bool | None
    until: datetime.date | None = None
    slip_came_out: bool | None = None


Ending = Finished | Trouble
"""A case's end."""


def has_halted(ending: object) -> bool:
    """Whether something stopped and stays open, so that somebody has to see to it."""
    return isinstance(ending, Trouble) and ending.outcome is Outcome.HALTED
