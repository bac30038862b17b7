"""Which event, caused by whom, moves a case from which stage to which: the procedure as one table.

Every cell of (stage, event, actor) is defined: it is in the table, or it is refused and the refusal is journaled.
Nobody can skip a step, do another person's part, or bring an ended case back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kiosk.model.step import ACTOR, SUPPLEMENT_ACTOR, UNDO_ACTOR, Act, Actor, Step, Supplement, Undo


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
    FEE_SUSPECT = "fee_suspect"
    """要確認: whether it was paid is not known to any device, and the clerk cannot tell."""
    RECEIPT_SUSPECT = "receipt_suspect"
    """要確認, likewise: whether the receipt came out."""
    REFUND_SUSPECT = "refund_suspect"
    """要確認, likewise: how much of a payment is still to be given back."""

    @property
    def is_ended(self) -> bool:
        """Whether nothing more happens to the case."""
        return self in ENDED

    @property
    def is_suspect(self) -> bool:
        """Whether two clerks have to say what happened before the case goes on."""
        return self in SUSPECT.values()


class Event(StrEnum):
    """What can happen to a case besides a step that is done."""

    REFUSE = "refuse"
    ROLL_BACK = "roll_back"
    END = "end"
    """What was to be taken back is taken back."""
    SUSPECT = "suspect"
    """The clerk was asked what he saw, and cannot tell."""
    TESTIFY = "testify"
    """Two clerks say together, under their signatures, what happened."""
    PURGE = "purge"
    """The time to keep its records is over; they are made unreadable."""


Happening = Act | Event


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
"""Stages that nothing leaves; in them the records can be destroyed when their time is over."""

SUSPECT: Mapping[Step | Undo, Stage] = {
    Step.FEE: Stage.FEE_SUSPECT,
    Step.RECEIPT: Stage.RECEIPT_SUSPECT,
    Undo.REFUND: Stage.REFUND_SUSPECT,
}
"""Of these a person may be the only witness; the stage of a case in which even he cannot tell."""

WITNESSED = tuple(SUSPECT)
"""What is asked of a person; what one clerk cannot say, two settle together."""

ASKED_IN: Mapping[Step | Undo, Stage] = {
    Step.FEE: Stage.DELIVERED,
    Step.RECEIPT: Stage.RETURNED,
    Undo.REFUND: Stage.ROLLING_BACK,
}
"""The stage in which each is asked about, and to which the case comes back once two clerks have answered."""


DONE_IN: Mapping[Supplement, Stage] = {
    Supplement.REPLACE_CARD_KEYS: Stage.AUTHORISED,
    Supplement.SECOND_KEY: Stage.REQUESTED,
    Supplement.SECOND_REQUEST: Stage.REQUESTED,
    Supplement.SECOND_CERTIFY: Stage.DELIVERED,
    Supplement.SECOND_WRITE: Stage.DELIVERED,
    Supplement.SECOND_READ_BACK: Stage.DELIVERED,
    # Before the first certificate becomes valid: until then everything can be taken back, the fee too.
    Supplement.SECOND_CONFIRM: Stage.SETTLED,
    Supplement.SECOND_REVOKE: Stage.ROLLING_BACK,
}
"""The stage in which each supplement is done, and in which the case stays."""


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
    for supplement, stage in DONE_IN.items():
        cells[Cell(stage, supplement, SUPPLEMENT_ACTOR[supplement])] = stage
    for witnessed in WITNESSED:
        cells[Cell(ASKED_IN[witnessed], Event.SUSPECT, Actor.CLERK)] = SUSPECT[witnessed]
        cells[Cell(SUSPECT[witnessed], Event.TESTIFY, Actor.TWO_CLERKS)] = ASKED_IN[witnessed]
    for stage in ENDED:
        cells[Cell(stage, Event.PURGE, Actor.CLERK)] = stage
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
