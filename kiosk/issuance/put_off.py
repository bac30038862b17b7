"""The day on which a resident returns (保留): kept while what was begun is taken back, and on his slip after that.

Taking back may have to wait for the authority, for money or for two clerks; whoever finishes it then puts the
application off as the clerk had said, in the transaction that ends what was taken back. A day that has come by then
puts nobody off: the resident can file anew.
"""

import datetime
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from hw.errors import DeviceError
from kiosk.issuance.effect import Case, Note, outcome_in
from kiosk.issuance.failure import PutOff, RolledBack
from kiosk.issuance.filing import filed
from kiosk.issuance.receipt import cut_off, day_text
from kiosk.issuance.station import Station
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.application import Application
from kiosk.model.step import Pause
from kiosk.model.transition import Event, Stage


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
    """Of an application on hold; `came_out`: None when the printer does not tell or could not print."""

    until: datetime.date
    came_out: bool | None


def held_until(record: CaseRecord, journal: Journal, today: datetime.date) -> datetime.date | None:
    """Until when an application is on hold, or will be once what was begun is taken back; None for neither."""
    if record.stage.is_ended:
        return None
    if record.stage is Stage.ON_HOLD:
        held = outcome_in(journal.effect(record, Pause.HOLD), HOLD)
    else:
        held = return_day(record, journal, today)
    return None if held is None else held.until


def return_day(record: CaseRecord, journal: Journal, today: datetime.date) -> Held | None:
    """The day that a clerk has said of a case that is being taken back; None when it has come."""
    kept = outcome_in(journal.effect(record, Pause.RETURN_DAY), RETURN_DAY)
    held = None if kept is None else kept.held
    return held if held is not None and held.until > today else None


def keep_return_day(record: CaseRecord, held: Held | None, journal: Journal, operator: str | None) -> CaseRecord:
    """Makes durable what becomes of a case that is being taken back: put off, or ended with None; by which clerk."""
    return journal.complete(record, Pause.RETURN_DAY, msgspec.json.encode(ReturnDay(held)), operator=operator)


def put_off(record: CaseRecord, held: Held, station: Station) -> HoldSlip:
    """Puts off an application of which nothing is begun, or that is on hold already, and prints the slip."""
    station.journal.complete(record, Pause.HOLD, msgspec.json.encode(held))
    return HoldSlip(held.until, _print_slip(record.number, held, station))


def put_off_anew(record: CaseRecord, held: Held, station: Station) -> HoldSlip:
    """Puts off an application that was taken back, as a case of its own, and prints the slip."""
    application = msgspec.json.encode(filed(record, station.journal, Application))
    station.journal.open_on_hold(record.number, application, msgspec.json.encode(held))
    return HoldSlip(held.until, _print_slip(record.number, held, station))


def end_taken_back(case: Case, code: str, station: Station) -> RolledBack:
    """Ends a case of which nothing is left in the world; what was to be put off is on hold in the same moment."""
    held = return_day(case.record, station.journal, station.today())
    if held is None:
        case.move(Event.END, code)
        return RolledBack(code)
    application = msgspec.json.encode(filed(case.record, station.journal, Application))
    station.journal.end_on_hold(case.record, code, application, msgspec.json.encode(held))
    return PutOff(code, held.until, _print_slip(case.record.number, held, station))


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
