"""How the commands of a card application look: one table of them, and the check of a command against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from hw.sim.card.apdu import Command, Refusal, Status

NO_DATA, ANY_DATA, MAYBE_DATA = range(1), range(1, 0xFFFF + 1), range(0xFFFF + 1)
"""Lengths of a command's data, in bytes."""

_Run = TypeVar("_Run")


@dataclass(frozen=True)
class Form(Generic[_Run]):
    """What runs it; P1 and P2 (None where they carry a value), lengths of its data, whether it needs Le.

    Where it does not, Le is allowed and means nothing (ISO/IEC 7816-3, 12.1.2).
    """

    run: _Run
    p1: int | None = None
    p2: int | None = None
    data: range = NO_DATA
    needs_le: bool = False

    def is_meant_by(self, command: Command) -> bool:
        """Whether P1 and P2 are its own."""
        return self.p1 in (None, command.p1) and self.p2 in (None, command.p2)


Commands = Mapping[tuple[int, int], tuple[Form[_Run], ...]]
"""Every command of an application by CLA and INS, outside the secure channel."""


def form_of(commands: Commands[_Run], command: Command) -> Form[_Run]:
    """The table's row for `command`. Raises `Refusal` when there is none or the lengths do not fit it."""
    forms = commands.get((command.cla, command.ins))
    if forms is None:
        is_known = command.ins in {ins for _, ins in commands}
        raise Refusal(Status.CLA_UNKNOWN if is_known else Status.INS_UNKNOWN)
    for form in forms:
        if form.is_meant_by(command):
            if len(command.data) not in form.data or (form.needs_le and command.le is None):
                raise Refusal(Status.LENGTH_WRONG)
            return form
    raise Refusal(Status.P1P2_WRONG)
