"""What is noted about no case: kept with its head in one transaction, found again, and vouched for by that head."""

import datetime
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.journal.chain import Chain, read_entries, read_heads
from kiosk.journal.connection import DriverFailed
from kiosk.journal.database import Rows, Transaction, open_database
from kiosk.journal.entry import ChainBroken
from kiosk.journal.head import parse_head
from kiosk.journal.journal import Journal
from kiosk.journal.records import Note
from kiosk.journal.seal import StationKey
from tests.journal.filled_journal import HEAD_KEY, START, STATION_KEY, open_journal
from tests.stores import Store

MOST_ENTRIES = 17


class Counted:
    """Passes statements on and counts them."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.statements = 0

    def run(self, statement: str, *values: object) -> Rows:
        """Runs one."""
        self.statements += 1
        return self._transaction.run(statement, *values)


def note(journal: Journal, event: str) -> None:
    journal.note({"event": event}, lambda _: None)


def last(journal: Journal, path: Path, *events: str) -> Note | None:
    with open_database(f"sqlite:///{path}").read() as transaction:
        return journal.last_note(transaction, events)


def test_the_last_note_of_its_station_about_any_of_the_events_is_found(store: Store) -> None:
    database = open_database(store.url)
    here, there = (
        Journal(database, station, StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)
        for station in ("here", "there")
    )

    def last_of(journal: Journal, *events: str) -> tuple[int, str] | None:
        with database.read() as transaction:
            found = journal.last_note(transaction, events)
        return None if found is None else (found.seq, str(found.facts["event"]))

    assert last_of(here, "counted", "handed over") is None
    for event in ("counted", "handed over", "counted", "opened"):
        note(here, event)
    note(there, "counted")
    assert last_of(here, "counted", "handed over") == last_of(here, "counted") == (3, "counted")
    assert last_of(here, "handed over") == (2, "handed over")
    assert last_of(there, "counted", "handed over") == (1, "counted")
    assert last_of(there, "handed over") is None


def test_what_is_kept_beside_a_note_is_kept_with_it_or_not_at_all(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "kiosk.db")

    def keep(transaction: Transaction) -> None:
        transaction.run("INSERT INTO tickets VALUES ('2026-04-01', 7, 'issue', 'waiting', NULL, 0, 0)")

    proven = journal.note({"event": "given"}, keep)
    assert proven.signed.head.size == 1
    proven.signed.verify(HEAD_KEY.public)
    with pytest.raises(DriverFailed, match="tickets"):
        journal.note({"event": "given"}, keep)
    found = last(journal, tmp_path / "kiosk.db", "given")
    assert found is not None and found.seq == 1


@pytest.mark.parametrize("entries", range(1, MOST_ENTRIES + 1))
def test_a_note_is_vouched_for_in_a_journal_of_any_length(tmp_path: Path, entries: int) -> None:
    path = tmp_path / "kiosk.db"
    journal = open_journal(path)
    for number in range(1, entries):
        note(journal, f"before {number}")
    note(journal, "looked for")
    found = last(journal, path, "looked for")
    assert found is not None and found.seq == entries
    note(journal, "after")
    assert last(journal, path, "looked for") == found
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute("UPDATE journal SET body = body || ' ' WHERE seq = ?", (entries,))
    with pytest.raises(ChainBroken, match="not those that were signed") as broken:
        last(journal, path, "looked for")
    assert (broken.value.station, broken.value.seq) == ("demo", entries)


@pytest.mark.parametrize(
    ("change", "reason", "entry"),
    [
        ("DELETE FROM heads WHERE size = 5", "written with a signed head, which is missing", 5),
        ("UPDATE heads SET signature = zeroblob(64) WHERE size = 5", "not signed by the station's key", 5),
        ("UPDATE heads SET root = zeroblob(32) WHERE size = 5", "not those that were signed", 5),
        ("UPDATE heads SET root = 'x' WHERE size = 5", "has a signed head that is none", 5),
        ("UPDATE journal SET hash = zeroblob(32) WHERE seq = 4", "not those that were signed", 5),
        ("DELETE FROM journal WHERE seq = 4", "is missing", 4),
    ],
)
def test_a_note_is_not_believed_without_its_head_and_the_tree_before_it(
    tmp_path: Path, change: str, reason: str, entry: int
) -> None:
    path = tmp_path / "kiosk.db"
    journal = open_journal(path)
    for number in range(1, 8):
        note(journal, f"number {number}")
    assert last(journal, path, "number 5") is not None
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute("DROP TRIGGER journal_no_delete")
        connection.execute(change)
    with pytest.raises(ChainBroken, match=reason) as broken:
        last(journal, path, "number 5")
    assert (broken.value.station, broken.value.seq) == ("demo", entry)


def test_an_entry_and_its_head_take_as_many_statements_in_a_journal_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    chain = Chain("demo", HEAD_KEY, lambda: START)
    database = open_database(f"sqlite:///{path}")
    appended, signed = set(), set()
    for _ in range(100):
        with database.write() as transaction:
            counted = Counted(transaction)
            chain.append(counted, {"event": "counted"})
            appended.add(counted.statements)
            counted = Counted(transaction)
            chain.prove(counted)
            signed.add(counted.statements)
    # The newest, where the place needs it the edge before it, and the entry; the newest and its edge.
    assert (appended, signed) == ({2, 3}, {1, 2})


def test_a_journal_whose_heads_have_another_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    note(open_journal(path), "begun")
    other = Chain("demo", type(HEAD_KEY)(bytes(31) + b"1"), lambda: START)
    with (
        pytest.raises(ChainBroken, match="names another key") as broken,
        open_database(f"sqlite:///{path}").write() as transaction,
    ):
        other.name_key(transaction)
    assert (broken.value.station, broken.value.seq) == ("demo", 1)


def test_a_head_says_the_second_in_utc_wherever_its_station_stands(tmp_path: Path) -> None:
    japan = datetime.timezone(datetime.timedelta(hours=9))
    now = datetime.datetime(2026, 4, 1, 8, 30, 5, 999_999, tzinfo=japan)
    database = open_database(f"sqlite:///{tmp_path / 'kiosk.db'}")
    journal = Journal(database, "demo", StationKey(STATION_KEY), lambda: now, head_key=HEAD_KEY)
    proven = journal.note({"event": "counted"}, lambda _: None)
    at = proven.signed.head.at
    assert at == datetime.datetime(2026, 3, 31, 23, 30, 5, tzinfo=datetime.UTC)
    assert at.tzinfo is datetime.UTC
    assert parse_head(proven.text) == proven
    assert read_heads(database) == [proven.signed]


def test_only_a_place_that_ends_a_pair_keeps_the_root_of_its_subtree(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "kiosk.db")
    for number in range(MOST_ENTRIES):
        note(journal, f"number {number}")
    kept = [entry.node is not None for entry in read_entries(open_database(f"sqlite:///{tmp_path / 'kiosk.db'}"))]
    assert kept == [seq % 2 == 0 for seq in range(1, MOST_ENTRIES + 1)]
