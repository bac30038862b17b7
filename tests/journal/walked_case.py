"""Takes a case through the procedure to any stage, as quickly as the table of transitions allows."""

from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.step import Actor, Pause, Step
from kiosk.model.transition import AFTER, OTHER_ENDS, WAY, Event, Procedure, Stage, procedure_of

_BRANCHES: dict[Stage, tuple[Stage, Event, Actor]] = {
    Stage.REFUSED: (Stage.FILED, Event.REFUSE, Actor.STATION),
    Stage.ROLLING_BACK: (Stage.FILED, Event.ROLL_BACK, Actor.RESIDENT),
    Stage.ROLLED_BACK: (Stage.ROLLING_BACK, Event.END, Actor.STATION),
    Stage.FEE_SUSPECT: (Stage.DELIVERED, Event.SUSPECT, Actor.CLERK),
    Stage.RECEIPT_SUSPECT: (Stage.RETURNED, Event.SUSPECT, Actor.CLERK),
    Stage.REFUND_SUSPECT: (Stage.ROLLING_BACK, Event.SUSPECT, Actor.CLERK),
    Stage.CERTIFICATE_SUSPECT: (Stage.ROLLING_BACK, Event.SUSPECT, Actor.STATION),
}


def open_for(journal: Journal, number: str, stage: Stage, record: bytes = b"") -> CaseRecord:
    """A case of the procedure that has this stage."""
    return journal.open_case(number, record, procedure_of(stage))


def walk(journal: Journal, case: CaseRecord, to: Stage, record: bytes = b"") -> CaseRecord:
    """The case in a stage that lies ahead of it; every step on the way has `record` as its outcome."""
    procedure = procedure_of(to)
    if procedure is not Procedure.ISSUANCE:
        return _walk_another_way(journal, case, procedure, to, record)
    if to is Stage.ON_HOLD:
        return journal.complete(case, Pause.HOLD, record)
    if to in _BRANCHES:
        before, event, actor = _BRANCHES[to]
        return journal.move(walk(journal, case, before, record), event, actor, "E01")
    for step in Step:
        if case.stage is to:
            break
        if list(Stage).index(AFTER[step]) > list(Stage).index(case.stage):
            case = journal.complete(case, step, record)
    assert case.stage is to
    return case


def _walk_another_way(journal: Journal, case: CaseRecord, procedure: Procedure, to: Stage, record: bytes) -> CaseRecord:
    ends = OTHER_ENDS[procedure]
    branches = {ends.abandoned: Event.ABANDON, ends.refused: Event.REFUSE, ends.unknown: Event.GIVE_UP}
    if to in branches:
        case = _walk_another_way(journal, case, procedure, ends.before[-1], record)
        return journal.move(case, branches[to], Actor.STATION, "E01")
    for step, after in WAY[procedure]:
        if case.stage is to:
            break
        case = journal.complete(case, step, record)
        assert case.stage is after
    assert case.stage is to
    return case
