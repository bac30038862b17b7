"""Which event, caused by whom, moves a case from which stage to which: the procedure as one table.

Every cell of (stage, event, actor) is defined: it is in the table, or it is refused and the refusal is journaled.
Nobody can skip a step, do another person's part, or bring an ended case back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kiosk.model.step import ACTOR, UNDO_ACTOR, Actor, Step, Undo


class Stage(StrEnum):
    """How far a case has come; named by what is true now."""

    OPENED = "opened"
    FILED = "filed"
    IDENTIFIED = "identified"
    AUTHORISED = "authorised"
    KEY_READY = "key_ready"
    REQUESTED = "requested"
    PENDING = "pending"
    WRITTEN = "written"
    DELIVERED = "delivered"
    SETTLED = "settled"
    CONFIRMED = "confirmed"
    RETURNED = "returned"
    RECEIPTED = "receipted"
    CLOSED = "closed"
    REFUSED = "refused"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    SUSPECT = "suspect"
    """要確認: what happened is not known to any device, and nobody at the counter could say."""

    @property
    def is_ended(self) -> bool:
        """Whether nothing more happens to the case."""
        return self in ENDED


class Event(StrEnum):
    """What can happen to a case besides a step that is done."""

    REFUSE = "refuse"
    ROLL_BACK = "roll_back"
    END = "end"
    """What was to be taken back is taken back."""
    SUSPECT = "suspect"


Happening = Step | Undo | Event


@dataclass(frozen=True)
class Cell:
    """A place of the table: in `stage`, `actor` causes `event`."""

    stage: Stage
    event: Happening
    actor: Actor


class TransitionRefused(Exception):
    """The cell is not in the table; the case stays where it is."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(f"{cell.event} by {cell.actor} is not possible when {cell.stage}")
        self.cell = cell


AFTER = {
    Step.APPLICATION: Stage.FILED,
    Step.IDENTITY_CHECK: Stage.IDENTIFIED,
    Step.AUTHORISE: Stage.AUTHORISED,
    Step.GENERATE_KEY: Stage.KEY_READY,
    Step.REQUEST: Stage.REQUESTED,
    Step.CERTIFY: Stage.PENDING,
    Step.WRITE: Stage.WRITTEN,
    Step.READ_BACK: Stage.DELIVERED,
    Step.FEE: Stage.SETTLED,
    Step.CONFIRM: Stage.CONFIRMED,
    Step.TAKE_CARD: Stage.RETURNED,
    Step.RECEIPT: Stage.RECEIPTED,
    Step.CLOSED: Stage.CLOSED,
}
"""The stage in which a case is once a step is done; it is the one in which the next step can be done."""

BEFORE_FEE = (
    Stage.OPENED,
    Stage.FILED,
    Stage.IDENTIFIED,
    Stage.AUTHORISED,
    Stage.KEY_READY,
    Stage.REQUESTED,
    Stage.PENDING,
    Stage.WRITTEN,
    Stage.DELIVERED,
)
"""Stages in which any trouble, and any person who stops, takes the case back."""

ENDED = (Stage.CLOSED, Stage.REFUSED, Stage.ROLLED_BACK)
"""Stages that nothing leaves."""

WITNESSED = (Step.FEE, Step.RECEIPT, Undo.REFUND)
"""Of these a person may be the only witness; what one clerk cannot say, two settle together."""


def _table() -> dict[Cell, Stage]:
    before = [Stage.OPENED, *AFTER.values()]
    cells = {Cell(stage, step, ACTOR[step]): AFTER[step] for stage, step in zip(before, Step, strict=False)}
    cells[Cell(Stage.FILED, Event.REFUSE, Actor.STATION)] = Stage.REFUSED
    for stage in BEFORE_FEE:
        for actor in (Actor.RESIDENT, Actor.CLERK, Actor.STATION):
            cells[Cell(stage, Event.ROLL_BACK, actor)] = Stage.ROLLING_BACK
    # Paid, and the authority does not confirm: the fee goes back.
    cells[Cell(Stage.SETTLED, Event.ROLL_BACK, Actor.STATION)] = Stage.ROLLING_BACK
    for undo in Undo:
        cells[Cell(Stage.ROLLING_BACK, undo, UNDO_ACTOR[undo])] = Stage.ROLLING_BACK
    cells[Cell(Stage.ROLLING_BACK, Event.END, Actor.STATION)] = Stage.ROLLED_BACK
    for cell, after in tuple(cells.items()):
        if cell.event in WITNESSED:
            cells[Cell(cell.stage, Event.SUSPECT, Actor.CLERK)] = Stage.SUSPECT
            cells[Cell(Stage.SUSPECT, cell.event, Actor.TWO_CLERKS)] = after
    cells[Cell(Stage.SUSPECT, Event.ROLL_BACK, Actor.TWO_CLERKS)] = Stage.ROLLING_BACK
    return cells


TRANSITIONS: Mapping[Cell, Stage] = _table()
"""Every possible cell and the stage it leads to; whatever is not here is refused."""


def next_stage(stage: Stage, event: Happening, actor: Actor) -> Stage:
    """The stage after the event. Raises `TransitionRefused`."""
    cell = Cell(stage, event, actor)
    try:
        return TRANSITIONS[cell]
    except KeyError:
        raise TransitionRefused(cell) from None
