"""What stops at a station is in its log, with a code and without a word of the person."""

import logging

import pytest

from kiosk.issuance.failure import RolledBack
from kiosk.model.application import Application
from kiosk.ui.board import Board
from kiosk.ui.case import OpenCase
from kiosk.ui.case_thread import run_case
from kiosk.ui.ending import Outcome, Trouble
from tests.ui.scripted_counter import resident


class Station:
    readers = ()


def test_a_case_that_stopped_is_logged_by_its_code(caplog: pytest.LogCaptureFixture) -> None:
    def issue(*_: object) -> None:
        raise RolledBack("K-CARD-003")

    case = OpenCase(Application("2026-0007", "10000000100"), resident(0), Board().bell)
    with caplog.at_level(logging.WARNING):
        ending = run_case(issue, case, Station(), lambda _: None)
    assert isinstance(ending, Trouble) and (ending.outcome, ending.code) == (Outcome.ROLLED_BACK, "K-CARD-003")
    (record,) = caplog.records
    assert "K-CARD-003" in record.getMessage() and "2026-0007" not in caplog.text and "10000000100" not in caplog.text
