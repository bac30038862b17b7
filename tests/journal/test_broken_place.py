"""Whoever looks for what was changed is told the station and the entry, for every kind of change at every entry."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.journal.chain import read_entries, read_heads
from kiosk.journal.database import open_database
from kiosk.journal.entry import FIRST_HASH, ChainBroken, Entry, canonical, chain
from kiosk.journal.head import Head, HeadKey, ProvenHead, SignedHead
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.journal.verify import verify_chain, verify_journal, verify_since_last_head
from tests.journal.filled_journal import HEAD_KEY, START, STATION_KEY

ENTRIES = 9
STATIONS = ("annex", "demo")

Read = tuple[list[Entry], list[SignedHead], list[ProvenHead]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The entries, the kept heads and the last proof of two stations, one after the other."""
    database = open_database(tmp_path / "kiosk.db")
    proofs = []
    for station in STATIONS:
        journal = Journal(database, station, StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)
        notes = [journal.note({"event": "noted", "number": number}, lambda _: None) for number in range(ENTRIES)]
        proofs.append(notes[-1])
    return list(read_entries(database)), read_heads(database), proofs


def rehashed(
    entries: Sequence[Entry], station: str, number: int, change: Callable[[dict[str, object]], None]
) -> list[Entry]:
    """The entries with one body written otherwise, and all hashes from there on made to fit, but not the nodes."""
    new, previous = [], FIRST_HASH
    for entry in entries:
        if entry.station != station:
            new.append(entry)
            continue
        body = entry.body
        if entry.seq == number:
            document = json.loads(body)
            change(document)
            body = canonical(document)
        previous = chain(previous, body)
        new.append(replace(entry, body=body, hash=previous))
    return new


def found(entries: Sequence[Entry]) -> tuple[str, int, str]:
    with pytest.raises(ChainBroken) as broken:
        verify_chain(entries)
    assert f"station {broken.value.station}, entry {broken.value.seq}: " in str(broken.value)
    return broken.value.station, broken.value.seq, str(broken.value).partition(": ")[2].partition(": ")[2]


@pytest.mark.parametrize("station", STATIONS)
def test_the_entry_that_was_changed_is_named(read: Read, station: str) -> None:
    entries, _, _ = read
    assert verify_chain(entries) == dict.fromkeys(STATIONS, ENTRIES)
    for number in range(1, ENTRIES + 1):
        at = next(n for n, entry in enumerate(entries) if (entry.station, entry.seq) == (station, number))

        def but(entry: Entry, at: int = at) -> list[Entry]:
            return [*entries[:at], entry, *entries[at + 1 :]]

        assert found(but(replace(entries[at], body=entries[at].body + " "))) == (
            station,
            number,
            "does not fit the entry before it",
        )
        if number < ENTRIES:
            dropped = [*entries[:at], *entries[at + 1 :]]
            assert found(dropped) == (station, number, f"is missing, entry {number + 1} follows")
        if number % 2 == 0:
            node = replace(entries[at], node=bytes(32))
            assert found(but(node)) == (station, number, "does not fit the tree")
        for place in ({"seq": number + 1}, {"station": "other"}):
            moved = rehashed(entries, station, number, lambda document, place=place: document.update(place))
            assert found(moved) == (station, number, "names another place than its own")
        if number > 1 and number % 2:
            second = rehashed(entries, station, number, lambda document: document.update(head_key="00"))
            assert found(second) == (station, number, "names a second key for signed heads")


@pytest.mark.parametrize("body", ["[" * 100_000, "no JSON", "[]", "7", '{"seq": 1}'])
def test_a_body_that_says_nothing_of_its_place_names_another(body: str) -> None:
    assert found([Entry("demo", 1, body, chain(FIRST_HASH, body), None)])[1:] == (1, "names another place than its own")


def verdict(
    entries: Sequence[Entry], heads: Sequence[SignedHead], proofs: Sequence[ProvenHead]
) -> tuple[str, int, str]:
    with pytest.raises(ChainBroken) as broken:
        verify_journal(entries, heads, proofs)
    return broken.value.station, broken.value.seq, str(broken.value).partition(": ")[2].partition(": ")[2]


def test_the_head_that_does_not_hold_is_named(read: Read) -> None:
    entries, heads, proofs = read
    assert [(one.station, one.entries, one.heads, one.key) for one in verify_journal(entries, heads, proofs)] == [
        (station, ENTRIES, ENTRIES + 0, HEAD_KEY.public) for station in STATIONS
    ]
    for at, entry in enumerate(entries):
        changed = [*entries[:at], replace(entry, body=entry.body + " "), *entries[at + 1 :]]
        told = (entry.station, entry.seq, "does not fit the entry before it")
        assert verdict(changed, heads, proofs) == told
    as_signed = "and the entries before it are not those that were signed"
    for signed in heads:
        station, size = signed.head.station, signed.head.size
        other_root = HEAD_KEY.sign(Head(station, size, bytes(32), signed.head.at))
        assert verdict(entries, [other_root], []) == (station, size, as_signed)
        other_key = HeadKey(bytes(31) + b"1").sign(signed.head)
        assert verdict(entries, [other_key], [])[:2] == (station, size)
        beyond = [entry for entry in entries if entry.station != station or entry.seq < size]
        assert verdict(beyond, [signed], []) == (
            station,
            size,
            f"is covered by a signed head, and the journal ends at entry {size - 1}",
        )
    for proven in proofs:
        station, size = proven.signed.head.station, proven.signed.head.size
        assert verdict(entries, [], [replace(proven, leaf=bytes(32))]) == (station, size, as_signed)
        cut = [entry for entry in entries if (entry.station, entry.seq) != (station, size)]
        assert verdict(cut, [], [proven])[:2] == (station, size)


def test_a_head_for_which_no_key_was_named_is_told(read: Read) -> None:
    body = canonical({"station": "demo", "seq": 1})
    entry = Entry("demo", 1, body, chain(FIRST_HASH, body), None)
    signed = HEAD_KEY.sign(Head("demo", 1, entry.hash, START))
    assert verdict([entry], [signed], []) == ("demo", 1, "has a signed head, and no key was named for it")


@pytest.mark.parametrize("number", range(1, ENTRIES + 1))
def test_what_a_start_finds_changed_is_named(tmp_path: Path, number: int) -> None:
    database = open_database(tmp_path / "kiosk.db")
    journal = Journal(database, "demo", StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)
    for count in range(ENTRIES):
        journal.note({"event": "noted", "number": count}, lambda _: None)
    assert verify_since_last_head(database, "demo", HEAD_KEY.public) == ENTRIES
    with database.write() as transaction:
        transaction.run("DELETE FROM heads WHERE size >= ?", number)
        transaction.run("DROP TRIGGER journal_no_update")
        transaction.run("UPDATE journal SET body = body || ' ' WHERE seq = ?", number)
    with pytest.raises(ChainBroken) as broken:
        verify_since_last_head(database, "demo", HEAD_KEY.public)
    assert (broken.value.station, broken.value.seq) == ("demo", number)
    assert "does not fit the entry before it" in str(broken.value)
