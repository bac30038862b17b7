"""A case of any procedure: opened, or found again by its number, and worked on alone; start is resume."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeVar

import msgspec

from hw.errors import DeviceError
from kiosk.issuance.failure import (
    BROKEN,
    DESTROYED,
    MOVED_ELSEWHERE,
    OUTDATED,
    Halted,
    NumberTaken,
    Refusal,
    StoreOutdated,
    failure_code,
)
from kiosk.issuance.station import Station
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.transition import FIRST_STEP, OPENING, OTHER_ENDS, Procedure, Stage, TransitionRefused, procedure_of


class Numbered(Protocol):
    """Whatever is filed at the counter."""

    @property
    def number(self) -> str:
        """By which it is known there."""


NOBODY = ""
"""Whose case it is where nobody knows: whoever knows a password may change it."""

Filed = TypeVar("Filed", bound=Numbered)

_BEGUN_ANEW: Mapping[Procedure, tuple[Stage | None, ...]] = {
    Procedure.ISSUANCE: (Stage.REFUSED, Stage.ROLLED_BACK),
    **{procedure: (ends.abandoned, ends.refused, ends.unknown) for procedure, ends in OTHER_ENDS.items()},
}
"""The ends after which the same number begins a new case."""


def open_or_resume(application: Numbered, procedure: Procedure, station: Station, resident_code: str) -> CaseRecord:
    """The case of this number: the one that is not ended badly, or a new one.

    `resident_code` is whose case it is, or `NOBODY`: the clerk's station reopens an ended one for him alone.

    Raises `NumberTaken`, `Refusal` when its records were destroyed, and `Halted` when the journal was changed or the
    clerk's station cannot be asked.
    """
    refuse_if_broken(station)
    record = station.journal.latest_case(application.number)
    if record is not None and procedure_of(record.stage) is not procedure:
        raise NumberTaken(application.number)
    if record is None or record.stage in _BEGUN_ANEW[procedure]:
        return station.journal.open_case(application.number, msgspec.json.encode(application), procedure)
    if record.seal.is_destroyed:
        raise Refusal(DESTROYED)
    found = _reopened(record, resident_code, station)
    if found is None or filed(found, station.journal, type(application)) != application:
        raise NumberTaken(application.number)
    return found


def filed(record: CaseRecord, journal: Journal, kind: type[Filed]) -> Filed:
    """What a case was opened with."""
    stored = journal.effect(record, FIRST_STEP[OPENING[procedure_of(record.stage)]])
    assert stored is not None and stored.intent is not None, "a case is opened with its application"
    return msgspec.json.decode(stored.intent, type=kind)


def _reopened(record: CaseRecord, resident_code: str, station: Station) -> CaseRecord | None:
    """A case in a form that can be read here, None when it is another's."""
    try:
        return station.ended_cases.reopened(record, resident_code)
    except DeviceError as trouble:
        raise Halted(failure_code(trouble)) from trouble


def refuse_if_broken(station: Station) -> None:
    """Raises `Halted` when the journal was changed: nothing is begun, gone on with, taken back or settled on it."""
    if station.audit.broken is not None:
        raise Halted(BROKEN)


@contextmanager
def alone_with_the_case(station: Station) -> Iterator[None]:
    """While a case is worked on: what another process, or the world, has taken further halts it. Raises `Halted`.

    Neither is it begun on a journal that was changed.
    """
    refuse_if_broken(station)
    try:
        yield
    except TransitionRefused as refused:
        raise Halted(MOVED_ELSEWHERE) from refused
    except StoreOutdated as outdated:
        raise Halted(OUTDATED) from outdated
