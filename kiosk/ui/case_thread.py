"""Runs a case to its end on the thread that owns the station, and says how it ended."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING

from hw.errors import DeviceError
from hw.ports import CardReader
from kiosk.issuance.failure import STOPPED, CaseEnded, PutOff, Refusal, RolledBack
from kiosk.issuance.persons import Persons
from kiosk.issuance.report import Report
from kiosk.model.application import Application, Closed
from kiosk.ui.case import OpenCase
from kiosk.ui.clerk_elsewhere import persons_of
from kiosk.ui.ending import Ending, Finished, Outcome, Trouble

if TYPE_CHECKING:
    from kiosk.issuance.station import Station
    from kiosk.ui.far import FarClerk

_log = logging.getLogger(__name__)

Issue = Callable[[Application, "Station", Persons, Report], Closed]
"""The use case that the seats serve."""


def issue_certificate(application: Application, station: "Station", persons: Persons, report: Report) -> Closed:
    """`kiosk.issuance.issue.issue`, imported at the first case: store and authority client are slow to load."""
    from kiosk.issuance.issue import issue

    return issue(application, station, persons, report)


def run_case(
    issue: Issue,
    case: OpenCase,
    station: "Station",
    post: Callable[[object], None],
    far: "FarClerk | None" = None,
) -> Ending:
    """Runs one case; `post` takes its news, `far` is the clerk where he sits at a station of his own.

    An exception that leaves here is a defect of the program.
    """
    persons = persons_of(case.line, case.application.number, post, far)
    try:
        return Finished(issue(case.application, station, persons, post))
    except CaseEnded as ended:
        return told_trouble("issue", ended, station)
    except CancelledError:
        return Trouble(Outcome.INTERRUPTED, "", None)


def told_trouble(procedure: str, ended: CaseEnded, station: "Station") -> Trouble:
    """How a procedure stopped, for the screens; the log tells the technician, and nothing of the person."""
    outcome = outcome_of(ended)
    is_usual = outcome is Outcome.REFUSED or ended.code == STOPPED
    _log.log(logging.INFO if is_usual else logging.WARNING, "%s stopped: %s, %s", procedure, ended.code, outcome)
    trouble = Trouble(outcome, ended.code, is_card_inside(station.readers))
    if isinstance(ended, PutOff):
        return replace(trouble, until=ended.until, slip_came_out=ended.slip_came_out)
    return trouble


def outcome_of(ended: CaseEnded) -> Outcome:
    """The kind of end, for the screens."""
    match ended:
        case Refusal():
            return Outcome.REFUSED
        case RolledBack():
            return Outcome.ROLLED_BACK
        case _:
            return Outcome.HALTED


def is_card_inside(readers: Sequence[CardReader]) -> bool | None:
    """Whether a card lies in one of the readers; None when they cannot be asked."""
    try:
        return any(reader.is_card_present() for reader in readers)
    except DeviceError:
        return None
