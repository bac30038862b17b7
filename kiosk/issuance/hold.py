"""An application that cannot be finished today (保留): nothing of it is left in the world; a slip says when to return.

What was begun is taken back; when the resident returns it begins anew, with his identity check. Once the day has
passed a clerk decides: another day, or the end.
"""

import datetime

from kiosk.issuance.abort import NotAbortable, take_back
from kiosk.issuance.failure import INTERRUPTED, PutOff
from kiosk.issuance.filing import alone_with_the_case, refuse_if_broken
from kiosk.issuance.persons import Persons
from kiosk.issuance.put_off import Held, HoldSlip, put_off, put_off_anew
from kiosk.issuance.station import Station
from kiosk.journal.records import CaseRecord
from kiosk.model.step import Actor
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
    record, day = station.journal.latest_case(number), Held(until, clerk)
    if record is None or procedure_of(record.stage) is not Procedure.ISSUANCE:
        raise NotHeld(f"no application {number} for a certificate was filed here")
    if record.stage in (Stage.OPENED, Stage.ON_HOLD):
        with alone_with_the_case(station):
            return put_off(record, day, station)
    if record.seal.is_destroyed or record.seal.elsewhere:
        raise NotHeld(f"application {number} has ended, and its form cannot be read here any more")
    if record.stage is Stage.ROLLED_BACK:
        with alone_with_the_case(station):
            return put_off_anew(record, day, station)
    try:
        ended = take_back(record, day, station, persons, operator)
    except NotAbortable as error:
        raise NotHeld(str(error)) from error
    if not isinstance(ended, PutOff):
        raise ended
    return HoldSlip(ended.until, ended.slip_came_out)


def resume(number: str, station: Station, operator: str | None = None) -> CaseRecord:
    """The resident has returned: `issue` with the same application begins it anew. Raises `NotHeld`."""
    record = station.journal.latest_case(number)
    if record is None or record.stage is not Stage.ON_HOLD:
        raise NotHeld(f"application {number} is not on hold")
    with alone_with_the_case(station):
        return station.journal.move(record, Event.RESUME, Actor.CLERK, INTERRUPTED, operator)
