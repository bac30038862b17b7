"""Which event, caused by whom, moves a case from which stage to which: the procedure as one table.

Every cell of (stage, event, actor) is defined: it is in the table, or it is refused and the refusal is journaled.
Nobody can skip a step, do another person's part, or bring an ended case back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from kiosk.model.step import (
    ACTOR,
    SUPPLEMENT_ACTOR,
    UNDO_ACTOR,
    Act,
    Actor,
    PasswordChangeStep,
    Pause,
    RevocationStep,
    Step,
    Supplement,
    Undo,
    UnlockStep,
    actor_of,
)


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
    CERTIFICATE_SUSPECT = "certificate_suspect"
    """要確認: whether the authority has issued a certificate for what is taken back, it does not say."""
    ON_HOLD = "on_hold"
    """保留: nothing was done to the world, and the resident returns on a day that is written on his slip."""
    REVOCATION_OPENED = "revocation_opened"
    REVOCATION_FILED = "revocation_filed"
    REVOCATION_IDENTIFIED = "revocation_identified"
    REVOCATION_AUTHORISED = "revocation_authorised"
    REVOCATION_EFFECTED = "revocation_effected"
    REVOCATION_EMPTIED = "revocation_emptied"
    REVOCATION_CLOSED = "revocation_closed"
    REVOCATION_REFUSED = "revocation_refused"
    REVOCATION_ABANDONED = "revocation_abandoned"
    CHANGE_OPENED = "password_change_opened"
    CHANGE_FILED = "password_change_filed"
    CHANGED = "password_changed"
    CHANGE_REFUSED = "password_change_refused"
    CHANGE_ABANDONED = "password_change_abandoned"
    CHANGE_UNKNOWN = "password_change_unknown"
    """Only the card's owner can find out which password is valid, and he has gone."""
    UNLOCK_OPENED = "unlock_opened"
    UNLOCK_FILED = "unlock_filed"
    UNLOCK_IDENTIFIED = "unlock_identified"
    UNLOCK_AUTHORISED = "unlock_authorised"
    UNLOCKED = "unlocked"
    UNLOCK_REFUSED = "unlock_refused"
    UNLOCK_ABANDONED = "unlock_abandoned"
    UNLOCK_UNKNOWN = "unlock_unknown"
    """Likewise: whether the card has the password that was typed last."""

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
    """Who was asked cannot tell: the clerk what he saw, the authority what it did."""
    TESTIFY = "testify"
    """Two clerks say together, under their signatures, what happened."""
    PURGE = "purge"
    """The time to keep its records is over; they are made unreadable."""
    HAND_OVER = "hand_over"
    """An ended case is left to the clerk's station, which alone can read it from then on."""
    RESUME = "resume"
    """The resident has returned, and the clerk goes on with what was on hold: from the beginning."""
    ABANDON = "abandon"
    """Somebody stops, or something is missing, before anything was done to the world."""
    GIVE_UP = "give_up"
    """Ended without being known: only the card's owner could say, who has gone, or whose card is locked now."""


class Procedure(StrEnum):
    """What a case is about; its first stage tells."""

    ISSUANCE = "issuance"
    REVOCATION = "revocation"
    CHANGE = "password_change"
    UNLOCK = "unlock"


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

MAY_BE_VALID = (Stage.SETTLED, Stage.CONFIRMED, Stage.RETURNED, Stage.RECEIPTED, Stage.RECEIPT_SUSPECT)
"""Stages of a case that has not ended, in which its certificate may be valid by the authority's word."""

_REVOCATION = (
    (RevocationStep.APPLICATION, Stage.REVOCATION_FILED),
    (RevocationStep.IDENTITY_CHECK, Stage.REVOCATION_IDENTIFIED),
    (RevocationStep.AUTHORISE, Stage.REVOCATION_AUTHORISED),
    (RevocationStep.REVOKE, Stage.REVOCATION_EFFECTED),
    (RevocationStep.EMPTY_CARD, Stage.REVOCATION_EMPTIED),
    (RevocationStep.NOTICE, Stage.REVOCATION_CLOSED),
)
_PASSWORD_CHANGE = (
    (PasswordChangeStep.APPLICATION, Stage.CHANGE_FILED),
    (PasswordChangeStep.CHANGE, Stage.CHANGED),
)
_UNLOCK = (
    (UnlockStep.APPLICATION, Stage.UNLOCK_FILED),
    (UnlockStep.IDENTITY_CHECK, Stage.UNLOCK_IDENTIFIED),
    (UnlockStep.AUTHORISE, Stage.UNLOCK_AUTHORISED),
    (UnlockStep.RESET, Stage.UNLOCKED),
)

OPENING: Mapping[Procedure, Stage] = {
    Procedure.ISSUANCE: Stage.OPENED,
    Procedure.REVOCATION: Stage.REVOCATION_OPENED,
    Procedure.CHANGE: Stage.CHANGE_OPENED,
    Procedure.UNLOCK: Stage.UNLOCK_OPENED,
}
"""The stage in which a case of each procedure begins."""

WAY: Mapping[Procedure, tuple[tuple[Act, Stage], ...]] = {
    Procedure.ISSUANCE: tuple(AFTER.items()),
    Procedure.REVOCATION: _REVOCATION,
    Procedure.CHANGE: _PASSWORD_CHANGE,
    Procedure.UNLOCK: _UNLOCK,
}
"""The steps of each procedure in their order, each with the stage in which a case is once it is done."""

AFTER_ACT: Mapping[Act, Stage] = {
    Pause.HOLD: Stage.ON_HOLD,
    **{step: stage for way in WAY.values() for step, stage in way},
}
"""The stage in which a case is once something is done that changes it; what takes back changes none."""


class OtherEnds(NamedTuple):
    """How a procedure that takes nothing back can end otherwise than well, and in which stages.

    `before` are those in which nothing was done to the world yet; in the last of them something is about to be.
    """

    before: tuple[Stage, ...]
    abandoned: Stage
    refused: Stage
    unknown: Stage | None


OTHER_ENDS: Mapping[Procedure, OtherEnds] = {
    Procedure.REVOCATION: OtherEnds(
        (
            Stage.REVOCATION_OPENED,
            Stage.REVOCATION_FILED,
            Stage.REVOCATION_IDENTIFIED,
            Stage.REVOCATION_AUTHORISED,
        ),
        Stage.REVOCATION_ABANDONED,
        Stage.REVOCATION_REFUSED,
        None,
    ),
    Procedure.CHANGE: OtherEnds(
        (Stage.CHANGE_OPENED, Stage.CHANGE_FILED),
        Stage.CHANGE_ABANDONED,
        Stage.CHANGE_REFUSED,
        Stage.CHANGE_UNKNOWN,
    ),
    Procedure.UNLOCK: OtherEnds(
        (Stage.UNLOCK_OPENED, Stage.UNLOCK_FILED, Stage.UNLOCK_IDENTIFIED, Stage.UNLOCK_AUTHORISED),
        Stage.UNLOCK_ABANDONED,
        Stage.UNLOCK_REFUSED,
        Stage.UNLOCK_UNKNOWN,
    ),
}

ENDED = (
    *(way[-1][1] for way in WAY.values()),
    Stage.REFUSED,
    Stage.ROLLED_BACK,
    *(
        stage
        for ways in OTHER_ENDS.values()
        for stage in (ways.abandoned, ways.refused, ways.unknown)
        if stage is not None
    ),
)
"""Stages that nothing leaves; in them the records can be destroyed when their time is over."""

SUSPECT: Mapping[Step | Undo, Stage] = {
    Step.FEE: Stage.FEE_SUSPECT,
    Step.RECEIPT: Stage.RECEIPT_SUSPECT,
    Undo.REFUND: Stage.REFUND_SUSPECT,
    Undo.REVOKE: Stage.CERTIFICATE_SUSPECT,
}
"""Of these a person may be the only witness; the stage of a case in which even he cannot tell."""

WITNESSED = tuple(SUSPECT)
"""What is asked of a person; what one clerk cannot say, two settle together."""

SUSPECTED_BY: Mapping[Step | Undo, Actor] = {
    Step.FEE: Actor.CLERK,
    Step.RECEIPT: Actor.CLERK,
    Undo.REFUND: Actor.CLERK,
    Undo.REVOKE: Actor.STATION,
}
"""Who finds that nobody can tell: the clerk who was asked, or the station that got no answer of the authority's."""

ASKED_IN: Mapping[Step | Undo, Stage] = {
    Step.FEE: Stage.DELIVERED,
    Step.RECEIPT: Stage.RETURNED,
    Undo.REFUND: Stage.ROLLING_BACK,
    Undo.REVOKE: Stage.ROLLING_BACK,
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
    Supplement.SECOND_REVOCATION: Stage.REVOCATION_EFFECTED,
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
        cells[Cell(ASKED_IN[witnessed], Event.SUSPECT, SUSPECTED_BY[witnessed])] = SUSPECT[witnessed]
        cells[Cell(SUSPECT[witnessed], Event.TESTIFY, Actor.TWO_CLERKS)] = ASKED_IN[witnessed]
    for stage in ENDED:
        cells[Cell(stage, Event.PURGE, Actor.CLERK)] = stage
        cells[Cell(stage, Event.HAND_OVER, Actor.STATION)] = stage
    cells[Cell(Stage.OPENED, Pause.HOLD, Actor.CLERK)] = Stage.ON_HOLD
    # With another day to return.
    cells[Cell(Stage.ON_HOLD, Pause.HOLD, Actor.CLERK)] = Stage.ON_HOLD
    cells[Cell(Stage.ROLLING_BACK, Pause.RETURN_DAY, Actor.CLERK)] = Stage.ROLLING_BACK
    cells[Cell(Stage.ON_HOLD, Event.RESUME, Actor.CLERK)] = Stage.OPENED
    cells[Cell(Stage.ON_HOLD, Event.ROLL_BACK, Actor.CLERK)] = Stage.ROLLING_BACK
    for procedure, ways in OTHER_ENDS.items():
        cells |= _other_table(procedure, ways)
    return cells


def _other_table(procedure: Procedure, ways: OtherEnds) -> dict[Cell, Stage]:
    cells = {}
    stage = OPENING[procedure]
    for step, after in WAY[procedure]:
        cells[Cell(stage, step, actor_of(step))] = after
        stage = after
    for stage in ways.before:
        for actor in (Actor.RESIDENT, Actor.CLERK, Actor.STATION):
            cells[Cell(stage, Event.ABANDON, actor)] = ways.abandoned
        cells[Cell(stage, Event.REFUSE, Actor.STATION)] = ways.refused
    if ways.unknown is not None:
        for actor in (Actor.CLERK, Actor.STATION):
            cells[Cell(ways.before[-1], Event.GIVE_UP, actor)] = ways.unknown
    return cells


TRANSITIONS: Mapping[Cell, Stage] = _table()
"""Every possible cell and the stage it leads to; whatever is not here is refused."""

FIRST_STEP: Mapping[Stage, Act] = {OPENING[procedure]: way[0][0] for procedure, way in WAY.items()}
"""What a case was opened with, by the stage in which it begins."""

_PROCEDURE_OF: Mapping[Stage, Procedure] = {
    stage: procedure
    for procedure, ways in OTHER_ENDS.items()
    for stage in (
        *ways.before,
        *(after for _, after in WAY[procedure]),
        ways.abandoned,
        ways.refused,
        *([ways.unknown] if ways.unknown else []),
    )
}


def procedure_of(stage: Stage) -> Procedure:
    """What a case in this stage is about."""
    return _PROCEDURE_OF.get(stage, Procedure.ISSUANCE)


def next_stage(stage: Stage, event: Happening, actor: Actor) -> Stage:
    """The stage after the event. Raises `TransitionRefused`."""
    cell = Cell(stage, event, actor)
    try:
        return TRANSITIONS[cell]
    except KeyError:
        raise TransitionRefused(cell) from None
