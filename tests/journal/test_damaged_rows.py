"""A row that SQLite hands over and that the journal cannot have written is told with its station and its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.journal.chain import read_entries, read_heads, read_proofs
from kiosk.journal.database import Database, open_database
from kiosk.journal.entry import ChainBroken
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from tests.journal.filled_journal import HEAD_KEY, START, STATION_KEY

FIRST_UNWRITABLE_SECOND = 253_402_300_800
"""Of the year 10000, which no time of Python's reaches."""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A store whose journal can be written to beside the product."""
    database = open_database(tmp_path / "kiosk.db")
    journal = Journal(database, "demo", StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)
    for number in range(3):
        journal.note({"event": "noted", "number": number}, lambda _: None)
    with database.write() as transaction:
        transaction.run("DROP TRIGGER journal_no_update")
    return database


def told(database: Database, statement: str, read: Callable[[Database], object]) -> tuple[str, int, str]:
    with database.write() as transaction:
        transaction.run(statement)
    with pytest.raises(ChainBroken) as broken:
        read(database)
    return broken.value.station, broken.value.seq, str(broken.value).partition(": ")[2].partition(": ")[2]


@pytest.mark.parametrize(
    ("change", "station", "place"),
    [
        ("station = x'ff'", "b'\\xff'", 0),
        ("seq = 'two'", "demo", 0),
        ("body = x'7b7d'", "demo", 2),
        ("hash = 'text'", "demo", 2),
        ("node = 'text'", "demo", 2),
    ],
)
def test_what_is_no_entry(database: Database, change: str, station: str, place: int) -> None:
    changed = f"UPDATE journal SET {change} WHERE seq = 2"
    assert told(database, changed, lambda found: list(read_entries(found))) == (station, place, "is no entry")


@pytest.mark.parametrize(
    ("change", "station", "place", "reason"),
    [
        ("station = x'ff'", "b'\\xff'", 0, "has a signed head that is none"),
        ("size = 'two'", "demo", 0, "has a signed head that is none"),
        ("at = 'noon'", "demo", 2, "has a signed head that is none"),
        ("root = 'text'", "demo", 2, "has a signed head that is none"),
        ("signature = 'text'", "demo", 2, "has a signed head that is none"),
        (f"at = {FIRST_UNWRITABLE_SECOND}", "demo", 2, "has a signed head of no time"),
    ],
)
def test_what_is_no_signed_head(database: Database, change: str, station: str, place: int, reason: str) -> None:
    assert told(database, f"UPDATE heads SET {change} WHERE size = 2", read_heads) == (station, place, reason)


def test_what_is_no_proof_names_the_receipt(database: Database) -> None:
    with database.write() as transaction:
        transaction.run(
            "INSERT INTO cases (pseudonym, station, number, attempt, stage) VALUES ('p', 'demo', 'n', 1, 'opened')"
        )
    added = "INSERT INTO receipts (number, pseudonym, proof) VALUES (41, 'p', 'no proof')"
    station, place, reason = told(database, added, read_proofs)
    assert (station, place) == ("?", 0)
    assert reason.startswith("receipt 41 has a proof that is none: ")
