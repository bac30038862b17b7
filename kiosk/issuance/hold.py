"""An application that cannot be finished today (保留): nothing of it is left in the world; a slip says when to return.

What was begun is taken back; when the resident returns it begins anew, with his identity check. Once the day has
passed a clerk decides: another day, or the end.
"""

import datetime

import msgspec

from kiosk.issuance.abort import take_back
from kiosk.issuance.effect import outcome_in
from kiosk.issuance.failure import INTERRUPTED, RolledBack
from kiosk.issuance.filing import alone_with_the_case, filed, refuse_if_broken
from kiosk.issuance.persons import Persons
from kiosk.issuance.put_off import HOLD, Held, HoldSlip, keep_return_day, put_off
from kiosk.issuance.station import Station
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.application import Application
from kiosk.model.decision import can_be_ended
from kiosk.model.step import Actor, Pause
from kiosk.model.transition import Event, Procedure, Stage, procedure_of


class NotHeld(Exception):
    """There is no such application, or it cannot be put off: it has ended well, or was paid."""


def hold(
    number: str,
    until: datetime.date,
    station: Station,
    persons: Persons,
    clerk: str,
    operator: str | None = None,
) -> HoldSlip:
    """Puts an application off until a day after today, taking back what was begun; again, with another day or slip.

    `operator` is the clerk whom the journal is to name where something is taken back. Raises `NotHeld`, `Halted` when
    the journal was changed, and what comes in between when something has to be taken back (`Halted`, `Suspect`): then
    the day is kept, as `kiosk.issuance.put_off.held_until` says, and whoever finishes it puts the application off.
    """
    if until <= station.today():
        raise NotHeld(f"{until} is not after today")
    refuse_if_broken(station)
    day = Held(until, clerk)
    record = _put_aside(number, day, station, persons, operator)
    with alone_with_the_case(station):
        return put_off(record, day, station)


def held(record: CaseRecord, journal: Journal) -> Held:
    """Until when an application on hold is."""
    found = outcome_in(journal.effect(record, Pause.HOLD), HOLD)
    assert found is not None, "an application on hold says until when"
    return found


def resume(number: str, station: Station, operator: str | None = None) -> CaseRecord:
    """The resident has returned: `issue` with the same application begins it anew. Raises `NotHeld`."""
    record = station.journal.latest_case(number)
    if record is None or record.stage is not Stage.ON_HOLD:
        raise NotHeld(f"application {number} is not on hold")
    with alone_with_the_case(station):
        return station.journal.move(record, Event.RESUME, Actor.CLERK, INTERRUPTED, operator)


def _put_aside(number: str, day: Held, station: Station, persons: Persons, operator: str | None) -> CaseRecord:
    """The application as a case in which nothing was done yet."""
    record = station.journal.latest_case(number)
    if record is None or procedure_of(record.stage) is not Procedure.ISSUANCE:
        raise NotHeld(f"no application {number} for a certificate was filed here")
    if record.stage in (Stage.OPENED, Stage.ON_HOLD):
        return record
    if record.seal.is_destroyed or record.seal.elsewhere:
        raise NotHeld(f"application {number} has ended, and its form cannot be read here any more")
    application = filed(record, station.journal, Application)
    if record.stage is not Stage.ROLLED_BACK:
        ended = take_back(_begin_taking_back(record, day, station, operator), station, persons, operator)
        if not isinstance(ended, RolledBack):
            raise ended
    return station.journal.open_case(number, msgspec.json.encode(application))


def _begin_taking_back(record: CaseRecord, day: Held, station: Station, operator: str | None) -> CaseRecord:
    """The day is durable before anything is taken back, which may have to be finished another time."""
    if not can_be_ended(record.stage):
        raise NotHeld(f"application {record.number} is {record.stage}")
    with alone_with_the_case(station):
        if record.stage is not Stage.ROLLING_BACK:
            code = record.code or INTERRUPTED
            record = station.journal.move(record, Event.ROLL_BACK, Actor.CLERK, code, operator)
        return keep_return_day(record, day, station.journal)
