"""Carries out what a clerk at a station of his own has decided about a case that was left here, once.

The case is looked at again first: whatever has gone on since he looked is not decided upon. What has to be asked of him
meanwhile, such as what lies in the till, is asked as in any case.
"""

import datetime
from collections.abc import Iterable

from kiosk.issuance.abort import NotAbortable, abort
from kiosk.issuance.failure import CaseEnded, GivenUp, RolledBack
from kiosk.issuance.hold import NotHeld, hold, resume
from kiosk.issuance.persons import Persons
from kiosk.issuance.put_off import held_until
from kiosk.issuance.station import Station
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.decision import CarriedOut, Decision, DecisionKind, possible_decisions
from kiosk.model.transition import Procedure


def undecided_cases(journal: Journal) -> tuple[CaseRecord, ...]:
    """The cases of this station about which one clerk can decide something."""
    open_cases = [*journal.held_cases()]
    for procedure in Procedure:
        open_cases += journal.unfinished_cases(procedure)
    return tuple(record for record in open_cases if possible_decisions(record.stage))


def days_of_holds(cases: Iterable[CaseRecord], station: Station) -> dict[str, datetime.date]:
    """Until when those that are put off are, or will be once they are taken back; by pseudonym."""
    days = {case.pseudonym: held_until(case, station.journal, station.today()) for case in cases}
    return {case: until for case, until in days.items() if until is not None}


def carry_out(decision: Decision, station: Station, persons: Persons) -> CarriedOut:
    """Does it, or says why it cannot be done; raises what only a defect or a lost store does."""
    choice, record = decision.choice, station.journal.latest_case(decision.number)
    if record is None or (record.pseudonym, record.stage) != (choice.case, decision.stage):
        return CarriedOut(decision, is_done=False)
    try:
        return _carry_out(decision, record, station, persons)
    except (NotAbortable, NotHeld):
        return CarriedOut(decision, is_done=False)
    except CaseEnded as ended:
        return CarriedOut(decision, is_done=False, code=ended.code, is_day_kept=_is_day_kept(decision, station))


def _is_day_kept(decision: Decision, station: Station) -> bool:
    """Whether the case will be put off as it was decided, once it is taken back."""
    left = station.journal.latest_case(decision.number)
    is_hold = decision.choice.kind is DecisionKind.HOLD
    until = None if left is None else held_until(left, station.journal, station.today())
    return is_hold and until == decision.choice.until


def _carry_out(decision: Decision, record: CaseRecord, station: Station, persons: Persons) -> CarriedOut:
    choice = decision.choice
    match choice.kind:
        case DecisionKind.HOLD:
            if choice.until is None:
                raise NotHeld("nobody has said until when")
            slip = hold(decision.number, choice.until, station, persons, decision.clerk, decision.operator)
            return CarriedOut(decision, is_done=True, slip_came_out=slip.came_out)
        case DecisionKind.RESUME:
            resume(decision.number, station, decision.operator)
            return CarriedOut(decision, is_done=True)
    ended = abort(record, station, persons, decision.operator)
    return CarriedOut(decision, isinstance(ended, RolledBack | GivenUp), ended.code)
