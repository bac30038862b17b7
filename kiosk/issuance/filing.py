"""A case of any procedure: opened, or found again by its number; start is resume."""

from typing import Protocol, TypeVar

import msgspec

from kiosk.issuance.failure import Halted, NumberTaken, Refusal
from kiosk.issuance.issue import BROKEN, DESTROYED, reopened
from kiosk.issuance.station import Station
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.transition import FIRST_STEP, OPENING, OTHER_ENDS, Procedure, procedure_of


class Numbered(Protocol):
    """Whatever is filed at the counter."""

    @property
    def number(self) -> str:
        """By which it is known there."""


NOBODY = ""
"""Whose case it is where nobody knows: whoever knows a password may change it."""

Filed = TypeVar("Filed", bound=Numbered)


def open_or_resume(application: Numbered, procedure: Procedure, station: Station, resident_code: str) -> CaseRecord:
    """The case of this number: the one that is not ended badly, or a new one.

    `resident_code` is whose case it is, or `NOBODY`: the clerk's station reopens an ended one for him alone.

    Raises `NumberTaken`, `Refusal` when its records were destroyed, and `Halted` when the journal was changed.
    """
    if station.audit.broken is not None:
        raise Halted(BROKEN)
    record = station.journal.latest_case(application.number)
    ends = OTHER_ENDS[procedure]
    if record is not None and procedure_of(record.stage) is not procedure:
        raise NumberTaken(application.number)
    if record is None or record.stage in (ends.abandoned, ends.refused, ends.unknown):
        return station.journal.open_case(application.number, msgspec.json.encode(application), procedure)
    if record.seal.is_destroyed:
        raise Refusal(DESTROYED)
    found = reopened(record, resident_code, station)
    if found is None or filed(found, station.journal, type(application)) != application:
        raise NumberTaken(application.number)
    return found


def filed(record: CaseRecord, journal: Journal, kind: type[Filed]) -> Filed:
    """What a case was opened with."""
    stored = journal.effect(record, FIRST_STEP[OPENING[procedure_of(record.stage)]])
    assert stored is not None and stored.intent is not None, "a case is opened with its application"
    return msgspec.json.decode(stored.intent, type=kind)
