"""The day on which a resident returns (保留): kept while what was begun is taken back, and on his slip after that.

Taking back may have to wait for the authority, for money or for two clerks; whoever finishes it then puts the
application off as the clerk had said.
"""

import datetime
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from hw.errors import DeviceError
from kiosk.issuance.effect import Case, Note, outcome_in
from kiosk.issuance.failure import UNNAMED, Halted, RolledBack, Suspect
from kiosk.issuance.filing import filed
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.persons import Persons
from kiosk.issuance.receipt import cut_off, day_text
from kiosk.issuance.roll_back import roll_back
from kiosk.issuance.station import Station
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.application import Application
from kiosk.model.step import Pause
from kiosk.model.transition import Stage


@dataclass(frozen=True)
class Held:
    """Until which day, and by which clerk's word."""

    until: datetime.date
    clerk: str


@dataclass(frozen=True)
class ReturnDay:
    """Until when an application is to be put off once it is taken back; None where it ends with that."""

    held: Held | None


HOLD = Note(Pause.HOLD, Held)
RETURN_DAY = Note(Pause.RETURN_DAY, ReturnDay)


@dataclass(frozen=True)
class HoldSlip:
    """The application on hold; `came_out`: the slip, None when the printer does not tell or could not print."""

    record: CaseRecord
    until: datetime.date
    came_out: bool | None


def held_until(record: CaseRecord, journal: Journal) -> datetime.date | None:
    """Until when an application is on hold, or will be once what was begun is taken back; None for neither."""
    if record.stage.is_ended:
        return None
    held = outcome_in(journal.effect(record, Pause.HOLD), HOLD) if record.stage is Stage.ON_HOLD else None
    held = held or return_day(record, journal)
    return None if held is None else held.until


def return_day(record: CaseRecord, journal: Journal) -> Held | None:
    """What a clerk said of the day, of a case that is being taken back."""
    kept = outcome_in(journal.effect(record, Pause.RETURN_DAY), RETURN_DAY)
    return None if kept is None else kept.held


def keep_return_day(record: CaseRecord, held: Held | None, journal: Journal) -> CaseRecord:
    """Makes durable what becomes of a case that is being taken back: put off, or ended with None."""
    return journal.complete(record, Pause.RETURN_DAY, msgspec.json.encode(ReturnDay(held)))


def put_off(record: CaseRecord, held: Held, station: Station) -> HoldSlip:
    """Puts off an application of which nothing is begun, or that is on hold already, and prints the slip."""
    record = station.journal.complete(record, Pause.HOLD, msgspec.json.encode(held))
    return HoldSlip(record, held.until, _print_slip(record.number, held, station))


def finish_taking_back(
    case: Case, card: InsertedCard, station: Station, persons: Persons
) -> RolledBack | Halted | Suspect:
    """Goes on with what is being taken back, and returns what to raise; what was to be put off is on hold after it."""
    # Read before the case ends, after which only another station may have its key.
    held = return_day(case.record, station.journal)
    application = filed(case.record, station.journal, Application)
    ended = roll_back(case, card, station, persons, case.record.code or UNNAMED)
    if held is not None and isinstance(ended, RolledBack):
        put_off(station.journal.open_case(application.number, msgspec.json.encode(application)), held, station)
    return ended


def _print_slip(number: str, held: Held, station: Station) -> bool | None:
    values = {
        "number": number,
        "date": day_text(station.clock(), station.receipt_form.calendar),
        "return_date": station.receipt_form.calendar.day(held.until),
        "clerk": held.clerk,
    }
    with suppress(DeviceError):
        if station.journal.has_open_paper():
            cut_off(station.printer)
        job = station.printer.render(station.roll_paper("hold", values, ()), "----")
        return True if station.printer.print(job).is_on_paper else None
    return None
