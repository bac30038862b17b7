"""What a clerk can decide about a case that nobody is working on: put it off, take it up again, or end it."""

import datetime
from dataclasses import dataclass
from enum import StrEnum

from kiosk.model.transition import BEFORE_FEE, OTHER_ENDS, Procedure, Stage, procedure_of


class DecisionKind(StrEnum):
    """What becomes of it."""

    HOLD = "hold"
    """保留: what was begun is taken back, and the resident returns on another day."""
    RESUME = "resume"
    """The resident has returned."""
    ABORT = "abort"
    """中止."""


@dataclass(frozen=True)
class Choice:
    """What a clerk has chosen for which case, by its pseudonym; `until` when the resident returns from a hold."""

    case: str
    kind: DecisionKind
    until: datetime.date | None = None


@dataclass(frozen=True)
class Decision:
    """A choice about the case of a number as it stood then, and whose it is.

    `clerk` is his name, `operator` what the journal knows him by.
    """

    choice: Choice
    number: str
    stage: Stage
    clerk: str
    operator: str


@dataclass(frozen=True)
class CarriedOut:
    """What came of a decision.

    `code` is the failure book's: by which an ended case is known, or why it could not be done, empty where the case is
    not like that any more. `slip_came_out`: of a case that was put off, None when that is not known. `is_day_kept`: the
    case is not on hold yet, and will be until the day that was chosen once it is taken back.
    """

    decision: Decision
    is_done: bool
    code: str = ""
    slip_came_out: bool | None = None
    is_day_kept: bool = False


def can_be_ended(stage: Stage) -> bool:
    """Whether a case can be taken back, or given up: not once the fee is settled, nor once the world has changed."""
    procedure = procedure_of(stage)
    if procedure is Procedure.ISSUANCE:
        return stage in (*BEFORE_FEE, Stage.ROLLING_BACK, Stage.ON_HOLD)
    return stage in OTHER_ENDS[procedure].before


def possible_decisions(stage: Stage) -> tuple[DecisionKind, ...]:
    """What can be decided about a case in this stage by one clerk."""
    if not can_be_ended(stage):
        return ()
    if stage is Stage.ON_HOLD:
        return (DecisionKind.HOLD, DecisionKind.RESUME, DecisionKind.ABORT)
    is_issuance = procedure_of(stage) is Procedure.ISSUANCE
    return (DecisionKind.HOLD, DecisionKind.ABORT) if is_issuance else (DecisionKind.ABORT,)
