"""The clerk ends a case that nobody goes on with (中止): what was done is taken back; what cannot be known is named.

Whoever has paid gets his certificate or his money; such a case only goes forward.
"""

from kiosk.issuance.effect import Case
from kiosk.issuance.failure import INTERRUPTED, CaseEnded, GivenUp
from kiosk.issuance.filing import alone_with_the_case
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.issue import recall
from kiosk.issuance.persons import Persons
from kiosk.issuance.put_off import Held, keep_return_day, return_day
from kiosk.issuance.roll_back import begin_taking_back, roll_back
from kiosk.issuance.station import Station
from kiosk.journal.records import CaseRecord
from kiosk.model.decision import can_be_ended
from kiosk.model.step import Act, Actor, PasswordChangeStep, RevocationStep, UnlockStep
from kiosk.model.transition import OTHER_ENDS, Event, Procedure, procedure_of

_TOUCHES: dict[Procedure, Act] = {
    Procedure.REVOCATION: RevocationStep.REVOKE,
    Procedure.CHANGE: PasswordChangeStep.CHANGE,
    Procedure.UNLOCK: UnlockStep.RESET,
}
"""The step with which each procedure changes the world."""


class NotAbortable(Exception):
    """The case has ended, waits for two clerks, or can only go forward."""


def abort(record: CaseRecord, station: Station, persons: Persons, operator: str | None = None) -> CaseEnded:
    """Ends an open case, and returns how: `RolledBack`; `Halted` or `Suspect` when that has to go on another time.

    `GivenUp` is what only the card's owner could say, who has gone. Raises `NotAbortable`, and `Halted` when
    another process has taken the case further. `operator` is the clerk whom the journal is to name.

    An application that was to be put off once it is taken back ends with that.
    """
    return take_back(record, None, station, persons, operator)


def take_back(
    record: CaseRecord, held: Held | None, station: Station, persons: Persons, operator: str | None = None
) -> CaseEnded:
    """The same; an issuance that is `held` is put off with that, and then it is `PutOff`.

    The day is durable before anything is taken back, which may have to be finished another time.
    """
    with alone_with_the_case(station), InsertedCard(station, persons) as card:
        case = Case(record, station.journal, lambda _: None, lambda: card.exchanges)
        procedure = procedure_of(record.stage)
        if not can_be_ended(record.stage):
            raise NotAbortable(f"application {record.number} is {record.stage}")
        if procedure is Procedure.ISSUANCE:
            recall(case, card)
            code = record.code or INTERRUPTED
            begin_taking_back(case, code, Actor.CLERK, operator)
            if held is not None or return_day(case.record, station.journal, station.today()) is not None:
                case.record = keep_return_day(case.record, held, station.journal, operator)
            return roll_back(case, card, station, persons, code)
        ends = OTHER_ENDS[procedure]
        if not case.is_open(_TOUCHES[procedure]):
            return case.abandon(INTERRUPTED, Actor.CLERK, operator)
        if ends.unknown is None:
            # The authority can be asked, and will be at the next start: nothing has to stay unknown.
            raise NotAbortable(f"application {record.number} is under way at the authority")
        case.move(Event.GIVE_UP, INTERRUPTED, Actor.CLERK, operator)
        return GivenUp(INTERRUPTED)
