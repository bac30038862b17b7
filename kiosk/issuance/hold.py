"""An application that cannot be finished today (保留): nothing of it is left in the world; a slip says when to return.

What was begun is taken back; when the resident returns it begins anew, with his identity check. Once the day has
passed a clerk decides: another day, or the end.
"""

import datetime
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from hw.errors import DeviceError
from kiosk.issuance.abort import NotAbortable, abort
from kiosk.issuance.effect import Note, outcome_in
from kiosk.issuance.failure import INTERRUPTED, RolledBack
from kiosk.issuance.filing import alone_with_the_case, filed, refuse_if_broken
from kiosk.issuance.persons import Persons
from kiosk.issuance.receipt import cut_off, day_text
from kiosk.issuance.station import Station
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.application import Application
from kiosk.model.step import Actor, Pause
from kiosk.model.transition import Event, Procedure, Stage, procedure_of


class NotHeld(Exception):
    """There is no such application, or it cannot be put off: it has ended well, or was paid."""


@dataclass(frozen=True)
class Held:
    """Until which day, and by which clerk's word."""

    until: datetime.date
    clerk: str


HOLD = Note(Pause.HOLD, Held)


@dataclass(frozen=True)
class HoldSlip:
    """The application on hold; `came_out`: the slip, None when the printer does not tell or could not print."""

    record: CaseRecord
    until: datetime.date
    came_out: bool | None


def hold(
    number: str,
    until: datetime.date,
    station: Station,
    persons: Persons,
    clerk: str,
    operator: str | None = None,
) -> HoldSlip:
    """Puts an application off until a day after today, taking back what was begun; again, with another day or slip.

    `operator` is the clerk whom the journal is to name where something is taken back. Raises `NotHeld`, what comes in
    between when something has to be taken back (`Halted`, `Suspect`), and `Halted` when the journal was changed.
    """
    if until <= station.today():
        raise NotHeld(f"{until} is not after today")
    refuse_if_broken(station)
    record = _put_aside(number, station, persons, operator)
    with alone_with_the_case(station):
        record = station.journal.complete(record, Pause.HOLD, msgspec.json.encode(Held(until, clerk)))
    return HoldSlip(record, until, _print_slip(number, until, station, clerk))


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


def _put_aside(number: str, station: Station, persons: Persons, operator: str | None) -> CaseRecord:
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
        try:
            ended = abort(record, station, persons, operator)
        except NotAbortable as error:
            raise NotHeld(str(error)) from error
        if not isinstance(ended, RolledBack):
            raise ended
    return station.journal.open_case(number, msgspec.json.encode(application))


def _print_slip(number: str, until: datetime.date, station: Station, clerk: str) -> bool | None:
    values = {
        "number": number,
        "date": day_text(station.clock(), station.receipt_form.calendar),
        "return_date": station.receipt_form.calendar.day(until),
        "clerk": clerk,
    }
    with suppress(DeviceError):
        if station.journal.has_open_paper():
            cut_off(station.printer)
        job = station.printer.render(station.roll_paper("hold", values, ()), "----")
        return True if station.printer.print(job).is_on_paper else None
    return None
