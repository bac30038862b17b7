"""What a witness has seen of a journal is told apart from what stands there, in a journal of any length."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.journal.database import open_database
from kiosk.journal.head import HeadInvalid, HeadKey, ProvenHead
from kiosk.journal.journal import Journal
from kiosk.journal.records import Witness
from kiosk.journal.seal import StationKey
from tests.journal.filled_journal import HEAD_KEY, START, STATION_KEY

ENTRIES = 11


def journal_in(path: Path, station: str = "demo", key: HeadKey = HEAD_KEY) -> Journal:
    return Journal(open_database(path), station, StationKey(STATION_KEY), lambda: START, head_key=key)


def noted(journal: Journal, count: int, word: str = "counted") -> list[ProvenHead]:
    return [journal.note({"event": word, "number": number}, lambda _: None) for number in range(count)]


def test_every_head_of_a_journal_agrees_with_it(tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "kiosk.db")
    assert journal.size() == 0
    for count, head in enumerate(noted(journal, ENTRIES), start=1):
        assert (head.signed.head.size, journal.compare(head)) == (count, Witness.AGREES)
    assert journal.size() == ENTRIES
    assert journal.compare(journal.head()) is Witness.AGREES


def test_a_store_of_an_earlier_day_has_less_than_was_seen(tmp_path: Path) -> None:
    heads = noted(journal_in(tmp_path / "later.db"), ENTRIES)
    restored = journal_in(tmp_path / "kiosk.db")
    assert {restored.compare(head) for head in heads} == {Witness.SAW_MORE}
    for there in range(1, ENTRIES + 1):
        noted(restored, 1)
        verdicts = [restored.compare(head) for head in heads]
        # It went on otherwise: what was written again is not what was seen.
        same = [Witness.AGREES] + [Witness.SAW_OTHERS] * (there - 1)
        assert verdicts == same + [Witness.SAW_MORE] * (ENTRIES - there)


@pytest.mark.parametrize("changed", range(1, ENTRIES + 1))
def test_an_entry_that_was_written_otherwise_is_seen_by_whoever_saw_it(tmp_path: Path, changed: int) -> None:
    journal, other = journal_in(tmp_path / "kiosk.db"), journal_in(tmp_path / "other.db")
    heads = noted(journal, ENTRIES)
    for number in range(1, ENTRIES + 1):
        other.note({"event": "counted" if number != changed else "shut", "number": number - 1}, lambda _: None)
    agree = [other.compare(head) is Witness.AGREES for head in heads]
    assert agree == [number < changed for number in range(1, ENTRIES + 1)]
    assert [other.compare(head) for head in heads if other.compare(head) is not Witness.AGREES] == [
        Witness.SAW_OTHERS
    ] * (ENTRIES - changed + 1)


def test_a_head_of_another_station_or_key_is_no_witness(tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "kiosk.db")
    noted(journal, 1)
    (elsewhere,) = noted(journal_in(tmp_path / "annex.db", "annex"), 1)
    with pytest.raises(HeadInvalid, match="it is a head of station annex"):
        journal.compare(elsewhere)
    (forged,) = noted(journal_in(tmp_path / "forged.db", key=HeadKey(bytes(31) + b"1")), 1)
    with pytest.raises(HeadInvalid, match="not signed"):
        journal.compare(forged)


def test_the_entries_of_other_stations_in_the_same_store_are_no_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    noted(journal_in(path, "annex"), ENTRIES)
    journal = journal_in(path)
    assert journal.size() == 0
    (seen, *_) = noted(journal_in(tmp_path / "other.db"), 1)
    assert journal.compare(seen) is Witness.SAW_MORE


def test_a_hash_beside_another_root_does_not_agree(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    journal = journal_in(path)
    heads = noted(journal, 6)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute("UPDATE journal SET node = zeroblob(32) WHERE seq = 4")
    assert [journal.compare(head) for head in heads[:3]] == [Witness.AGREES] * 3
    assert [journal.compare(head) for head in heads[3:]] == [Witness.SAW_OTHERS] * 3
