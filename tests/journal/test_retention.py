"""When retention ends the records of a case are gone for ever, and the journal is as whole as before."""

import datetime
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.exit_code import ExitCode
from kiosk.journal.database import open_database
from kiosk.journal.journal import Journal
from kiosk.journal.retention import due_cases, hand_over, purge
from kiosk.journal.seal import SealDestroyed
from kiosk.model.step import Actor, Step
from kiosk.model.transition import ENDED, Event, Stage, TransitionRefused
from tests.journal.filled_journal import START, Filled, fill, filled, open_journal
from tests.journal.tamper import Desk
from tests.journal.walked_case import open_for, walk

LATER = START + datetime.timedelta(days=5000)


@pytest.fixture
def whole(tmp_path: Path) -> Filled:
    return filled(tmp_path / "kiosk.db", 60)


def wrapped_keys(path: Path) -> dict[str, bytes]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT number, seal FROM cases"))


def test_purged_records_are_unreadable_and_their_keys_are_nowhere_in_the_store(whole: Filled) -> None:
    keys = wrapped_keys(whole.path)
    journal = open_journal(whole.path, start=LATER)
    case = journal.latest_case("3")
    assert case is not None and journal.effect(case, Step.FEE) is not None
    raw = whole.path.read_bytes()
    assert all(key in raw for key in keys.values())
    assert len(purge(journal, LATER)) == len(keys)
    purged = journal.latest_case("3")
    assert purged is not None
    assert (purged.stage, purged.person, purged.seal.is_destroyed) == (Stage.CLOSED, None, True)
    for attempt in (lambda: journal.effect(purged, Step.FEE), lambda: journal.intend(purged, Step.FEE, b"")):
        with pytest.raises(SealDestroyed):
            attempt()
    assert journal.closed_cases_of("ab") == []
    raw = whole.path.read_bytes() + whole.path.with_name("kiosk.db-journal").read_bytes()
    assert not any(key in raw for key in keys.values())


def test_the_journal_verifies_after_a_purge_given_the_receipts_from_before(whole: Filled, tmp_path: Path) -> None:
    assert purge(open_journal(whole.path, start=LATER), LATER)
    (tmp_path / "desk").mkdir()
    desk = Desk(whole, tmp_path / "desk")
    desk.lay_out()
    code, printed = desk.verify()
    assert code is ExitCode.OK, printed


def test_what_ended_later_or_has_not_ended_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    fill(open_journal(path), 30)
    journal = open_journal(path)
    for stage in Stage:
        walk(journal, open_for(journal, stage.value, stage), stage)
    fill(open_journal(path, start=LATER), 20)
    fill(open_journal(path, "other"), 20)
    journal = open_journal(path, start=LATER)
    purge(journal, LATER)
    kept = {number for number, key in wrapped_keys(path).items() if key is not None}
    assert kept & set(Stage) == set(Stage) - set(ENDED)
    with closing(sqlite3.connect(path)) as connection:
        whole_others = connection.execute("SELECT COUNT(*) FROM cases WHERE station = 'other' AND seal IS NULL")
        assert whole_others.fetchone() == (0,)
        late = connection.execute("SELECT COUNT(*) FROM cases WHERE station = 'demo' AND attempt = 2 AND seal IS NULL")
        assert late.fetchone() == (0,)


def test_a_case_is_kept_until_the_last_moment_of_its_time(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "kiosk.db")
    closed = walk(journal, journal.open_case("1", b"application"), Stage.CLOSED)
    *_, last = journal.entries()
    ended = datetime.datetime.fromisoformat(json.loads(last.body)["at"])
    assert due_cases(journal, ended) == []
    assert hand_over(journal, ended, lambda _: None) == []
    assert [case.pseudonym for case in due_cases(journal, ended + datetime.timedelta(milliseconds=1))] == [
        closed.pseudonym
    ]


def test_a_purge_is_done_once(whole: Filled) -> None:
    journal = open_journal(whole.path, start=LATER)
    first = purge(journal, LATER)
    entries = len(list(journal.entries()))
    assert first
    assert purge(journal, LATER) == []
    assert len(list(journal.entries())) == entries


def test_deleted_bytes_are_overwritten(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'kiosk.db'}").read() as transaction:
        assert transaction.run("PRAGMA secure_delete").scalar_one() == 1


def test_a_new_record_of_equal_content_has_another_commitment(tmp_path: Path) -> None:
    journal: Journal = open_journal(tmp_path / "kiosk.db")
    case = journal.open_case("1", b"same")
    commitments = {case.seal.close(b"same", "application intent").commitment for _ in range(10)}
    assert len(commitments) == 10
    sealed, commitment = case.seal.close(b"same", "application intent")
    assert case.seal.commitment(sealed, "application intent") == commitment


def test_until_when_cases_ended_whose_records_are_gone_is_told_of_this_station_alone(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    for station, day in (("demo", 0), ("other", 1)):
        start = START + datetime.timedelta(days=day)
        journal = open_journal(path, station, start)
        assert journal.purged_until() is None
        walk(journal, journal.open_case("1", b""), Stage.CLOSED)
    purge(open_journal(path, "other", LATER), LATER)
    assert open_journal(path).purged_until() is None
    purge(open_journal(path, start=LATER), LATER)
    until = open_journal(path).purged_until()
    assert until is not None and START <= until < START + datetime.timedelta(days=1)


def test_when_a_case_ended_is_not_moved_by_what_was_tried_with_it_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    journal = open_journal(path)
    case = walk(journal, journal.open_case("1", b""), Stage.CLOSED)
    later = open_journal(path, start=LATER)
    with pytest.raises(TransitionRefused):
        later.move(case, Event.ABANDON, Actor.CLERK, "K-CASE-010")
    purge(open_journal(path, start=LATER), LATER)
    until = open_journal(path).purged_until()
    assert until is not None and until < START + datetime.timedelta(days=1)
