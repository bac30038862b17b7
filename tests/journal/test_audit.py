"""The whole journal is verified while the station works; one whose journal was changed begins nothing more."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kiosk.issuance.failure import Halted
from kiosk.journal.audit import Audit, auditing
from kiosk.journal.database import Database, Transaction, open_database
from kiosk.journal.errors import StoreLost
from tests.counter_bench import World
from tests.issuance.rest import new_world
from tests.journal.filled_journal import fill, open_journal


@pytest.fixture(scope="module")
def filled_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "kiosk.db"
    fill(open_journal(path), 1100)
    return path


@pytest.fixture
def path(tmp_path: Path, filled_store: Path) -> Path:
    return Path(shutil.copy(filled_store, tmp_path / "kiosk.db"))


def database(path: Path) -> Database:
    return open_database(f"sqlite:///{path}")


def go_on() -> bool:
    return False


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER journal_no_update")
        assert connection.execute(statement).rowcount == 1


def test_a_journal_that_holds_is_found_whole(path: Path) -> None:
    audit = Audit(database(path), go_on)
    audit.run()
    assert (audit.broken, audit.is_complete) == (None, True)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        # Long before the last signed head, so that the check at start does not see it.
        (
            "UPDATE journal SET body = replace(body, '2026', '2025') WHERE seq = 2",
            "entry 2: does not fit the entry before",
        ),
        ("UPDATE cases SET code = 'E01' WHERE number = '3'", "stands otherwise than the journal tells"),
        ("UPDATE heads SET signature = zeroblob(64) WHERE size = (SELECT min(size) FROM heads)", "not signed"),
        ("UPDATE receipts SET proof = 'none' WHERE number = 1", "proof that is none"),
        ("UPDATE journal SET hash = 'text' WHERE seq = 1050", "is no entry"),
    ],
)
def test_a_change_of_long_ago_is_found(path: Path, statement: str, reason: str) -> None:
    change(path, statement)
    open_journal(path).start()
    audit = Audit(database(path), go_on)
    audit.run()
    assert reason in str(audit.broken)
    assert audit.is_complete


def test_a_store_that_cannot_be_read_is_found(path: Path) -> None:
    opened = database(path)
    content = bytearray(path.read_bytes())
    content[8192 : 16 * 4096] = b"\xff" * (16 * 4096 - 8192)
    path.write_bytes(content)
    audit = Audit(opened, go_on)
    audit.run()
    assert str(audit.broken).startswith("chain broken: station ?, entry 0: the store cannot be read: ")
    assert (audit.broken.station, audit.broken.seq) == ("?", 0)


def test_a_proof_of_another_journal_is_found(path: Path, tmp_path: Path) -> None:
    fill(open_journal(tmp_path / "other.db"), 60)
    with open_database(f"sqlite:///{tmp_path / 'other.db'}").read() as transaction:
        proof = transaction.run("SELECT proof FROM receipts WHERE number = 2").scalar_one()
    change(path, f"UPDATE receipts SET proof = '{proof}' WHERE number = 2")
    audit = Audit(database(path), go_on)
    audit.run()
    assert audit.broken is not None


@pytest.mark.parametrize(("entries", "pauses"), [(0, 0), (999, 0), (1000, 1), (1999, 1), (2000, 2)])
def test_it_pauses_after_every_thousand_entries(path: Path, entries: int, pauses: int) -> None:
    paused = 0

    def pause() -> bool:
        nonlocal paused
        paused += 1
        return False

    given: Any = range(entries)
    assert list(Audit(database(path), pause)._paced(given)) == list(given)
    assert paused == pauses


def test_in_the_background_it_comes_to_its_end_unless_the_program_does(path: Path, tmp_path: Path) -> None:
    fill(open_journal(tmp_path / "small.db"), 40)
    with auditing(database(tmp_path / "small.db")) as audit:
        pass
    assert (audit.broken, audit.is_complete) == (None, True)
    with auditing(database(path)) as audit:
        while not audit.is_complete:
            assert audit.broken is None
        assert audit._pause() is False
    assert audit._pause() is True


def test_it_lets_others_work_and_stops_when_the_program_ends(path: Path) -> None:
    pauses = 0

    def pause() -> bool:
        nonlocal pauses
        pauses += 1
        return True

    audit = Audit(database(path), pause)
    audit.run()
    assert (pauses, audit.broken, audit.is_complete) == (1, None, False)


class LostAtFirst:
    """A database whose server is gone when it is first asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._was_asked = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        if not self._was_asked:
            self._was_asked = True
            raise StoreLost("the server is gone")
        with self._database.read() as transaction:
            yield transaction


def test_a_store_that_was_lost_meanwhile_is_verified_once_it_is_back(path: Path) -> None:
    change(path, "UPDATE journal SET body = replace(body, '2026', '2025') WHERE seq = 2")
    lost: Any = LostAtFirst(database(path))
    audit = Audit(lost, go_on)
    audit.run()
    assert audit.is_complete and "entry 2" in str(audit.broken)
    lost = LostAtFirst(database(path))
    audit = Audit(lost, lambda: True)
    audit.run()
    assert (audit.is_complete, audit.broken) == (False, None), "the program ends"


def test_it_runs_beside_whoever_writes(path: Path) -> None:
    opened = database(path)
    journal = open_journal(path)
    with auditing(opened) as audit:
        for number in range(20):
            journal.open_case(f"beside-{number}", b"application")
    assert audit.broken is None


def test_nothing_is_begun_once_something_was_found(tmp_path: Path, fresh_authority: Path) -> None:
    world: World = new_world(tmp_path, fresh_authority)
    closed = world.issue("1")
    change(tmp_path / "kiosk.db", "UPDATE journal SET body = replace(body, 'opened', 'closed') WHERE seq = 1")
    station = world.station()
    station.audit.run()
    before = len(list(station.journal.entries()))
    for number in ("1", "2"):
        with pytest.raises(Halted, match="K-STORE-002"):
            world.issue(number, station=station)
    assert len(list(station.journal.entries())) == before
    sound = replace(station, audit=Audit(open_database(f"sqlite:///{tmp_path / 'sound.db'}"), go_on))
    assert world.issue("1", station=sound) == closed


def test_what_was_not_looked_at_to_its_end_does_not_pass_for_whole(path: Path) -> None:
    class Strange(Exception):
        """Nobody has thought of it."""

    def fail() -> bool:
        raise Strange

    audit = Audit(database(path), fail)
    audit.run()
    assert "cannot be verified: Strange" in str(audit.broken)
    assert audit.broken is not None and (audit.broken.station, audit.broken.seq) == ("?", 0)
    assert not audit.is_complete
