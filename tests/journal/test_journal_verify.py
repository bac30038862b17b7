"""Whatever is done to a journal of a thousand entries is found; what only a witness can tell, by the last receipt."""

import datetime
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kiosk.exit_code import ExitCode
from kiosk.journal.agreement import check_state, read_state
from kiosk.journal.chain import read_entries, read_heads
from kiosk.journal.database import Database, Transaction, open_database
from kiosk.journal.entry import ChainBroken, Entry
from kiosk.journal.head import HeadKey, parse_head
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.journal.verify import verify_chain, verify_journal, verify_since_last_head
from kiosk.model.transition import Stage
from tests.journal.damaged_schema import lose_from_index
from tests.journal.filled_journal import (
    HEAD_KEY,
    STATION_KEY,
    Filled,
    fill,
    filled,
    forged,
    in_memory,
    open_journal,
    told_until,
)
from tests.journal.full_store import full
from tests.journal.growth import compare
from tests.journal.tamper import Desk, cut, flip_bits, tamper, write
from tests.journal.walked_case import walk

ENTRIES = 1000
START_AGAIN = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)
STRIDE = 83
"""Of the thousand entries every so manieth is tried here; `python -m tests.journal.tamper` tries all."""


@pytest.fixture(scope="module")
def whole() -> Iterator[Filled]:
    with in_memory() as directory:
        yield filled(directory / "kiosk.db", ENTRIES)


@pytest.fixture
def desk(whole: Filled, tmp_path: Path) -> Desk:
    desk = Desk(whole, tmp_path)
    desk.lay_out()
    return desk


def test_a_whole_journal_holds(whole: Filled, desk: Desk) -> None:
    (verified,) = verify_journal(whole.entries, whole.heads, [whole.receipt])
    assert verified.entries == len(whole.entries) >= ENTRIES
    assert (verified.heads, verified.key) == (len(whole.heads), HEAD_KEY.public)
    assert verify_chain(whole.entries) == {"demo": len(whole.entries)}
    code, printed = desk.verify()
    assert code is ExitCode.OK
    assert f"demo: {len(whole.entries)} entries, {len(whole.heads)} signed heads, chain holds\n" in printed
    assert f"demo: the head of {whole.covered} entries signed at 2026" in printed
    assert "sealed records are those that were journaled" in printed


def test_every_alteration_of_an_entry_is_found(whole: Filled) -> None:
    places = [*range(0, whole.covered, STRIDE), *range(whole.covered - 3, len(whole.entries))]
    tried, missed = tamper(whole, places)
    assert len(tried) == 20
    assert missed == []


def test_every_cut_of_the_tail_is_found_by_the_command(whole: Filled, desk: Desk) -> None:
    last = len(whole.entries)
    assert cut(whole, desk, [0, 1, *range(50, last, 200), *range(last - 12, last)]) == []


def test_a_cut_that_takes_the_state_along_is_found_by_the_receipt_alone(whole: Filled, tmp_path: Path) -> None:
    before = filled(tmp_path / "kiosk.db", 100)
    assert verify_journal(before.entries, before.heads, [before.receipt])
    with pytest.raises(ChainBroken, match=r"signed head, and the journal ends at entry \d+"):
        verify_journal(before.entries, before.heads, [whole.receipt])


def test_the_command_believes_no_whole_store_that_a_receipt_contradicts(whole: Filled, tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    desk = Desk(filled(tmp_path / "kiosk.db", 100), tmp_path / "desk")
    desk.lay_out()
    assert desk.verify()[0] is ExitCode.OK
    desk.text = whole.receipt.text
    code, printed = desk.verify()
    assert (code, "is covered by a signed head" in printed) == (ExitCode.REFUSED, True)


def test_random_bit_flips_are_found_by_the_command(tmp_path: Path) -> None:
    everything = full(tmp_path / "whole.db", 100)
    answers, missed = flip_bits(everything, Desk(everything, tmp_path), 50, seed=1)
    assert missed == []
    assert answers["found"] > 10


def test_a_journal_rewritten_with_all_its_heads_by_who_has_the_key_is_found_by_the_receipt(whole: Filled) -> None:
    entries = forged([*whole.entries[:500], *whole.entries[501:]])
    assert verify_chain(entries)
    (verified,) = verify_journal(entries, [])
    assert verified.heads == 0
    with pytest.raises(ChainBroken, match="not those that were signed"):
        verify_journal(entries, [], [whole.receipt])


def test_a_head_of_another_key_or_over_another_root_is_found(whole: Filled) -> None:
    signed = whole.heads[3]
    others = {
        "not signed": HeadKey(b"\x01" * 32).sign(signed.head),
        "not those that were signed": HEAD_KEY.sign(replace(signed.head, root=bytes(32))),
        "the journal ends at entry 0": HEAD_KEY.sign(replace(signed.head, station="elsewhere")),
    }
    for reason, other in others.items():
        with pytest.raises(ChainBroken, match=reason):
            verify_journal(whole.entries, [other])


def test_a_head_without_a_named_key_and_a_second_key_are_found(whole: Filled) -> None:
    first = whole.entries[0]
    unnamed = forged([replace(first, body=first.body.replace("head_key", "head_kez")), *whole.entries[1:9]])
    head = HEAD_KEY.sign(replace(whole.heads[0].head, size=9, root=root_of(unnamed)))
    with pytest.raises(ChainBroken, match="no key was named"):
        verify_journal(unnamed, [head])
    with pytest.raises(ChainBroken, match="second key"):
        verify_chain(forged([first, first]))


def root_of(entries: list[Entry]) -> bytes:
    from kiosk.journal.merkle import Edge

    edge = Edge()
    for entry in entries:
        edge = edge.append(entry.hash)
    return edge.root()


@pytest.mark.parametrize("body", ["[]", "{", "[" * 100_000, '{"seq":1,"station":"demo","head_key":7}'])
def test_an_entry_that_is_well_chained_and_says_nothing_sensible_is_no_defect_of_the_program(body: str) -> None:
    entries = forged([Entry("demo", 1, body, b"", None)])
    try:
        assert verify_chain(entries) == {"demo": 1}
    except ChainBroken as broken:
        assert "names another place" in str(broken)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE cases SET stage = 'opened' WHERE number = '7'", "stands otherwise"),
        ("UPDATE cases SET code = 'E01' WHERE number = '7'", "stands otherwise"),
        ("UPDATE cases SET seal = NULL WHERE number = '7'", "stands otherwise"),
        ("UPDATE effects SET state = 'failed' WHERE rowid = 7", "other effects"),
        ("DELETE FROM effects WHERE rowid = 7", "other effects"),
        ("UPDATE receipts SET number = 7000 WHERE number = 7", "another receipt"),
        ("DELETE FROM receipts WHERE number = 7", "another receipt"),
        ("UPDATE receipts SET proof = 'KJ1:' WHERE number = 7", "a proof that is none"),
        ("UPDATE receipts SET proof = (SELECT substr(proof, 1, 60) FROM receipts WHERE number = 8)", "a proof that is"),
        ("UPDATE effects SET intent = outcome WHERE step = 'fee'", "record fee intent of case"),
        ("UPDATE effects SET outcome = NULL WHERE step = 'fee'", "record fee outcome of case"),
        ("UPDATE effects SET intent = 'x' WHERE step = 'fee'", "record fee intent of case"),
        ("UPDATE cases SET seal = zeroblob(40) WHERE number = '7'", "of case"),
        ("UPDATE cases SET seal = x'00' WHERE number = '7'", "of case"),
        (
            "INSERT INTO cases SELECT 'aa', station, 'x', 1, person, card, stage, code, seal, NULL, NULL FROM cases"
            " LIMIT 1",
            "not told",
        ),
        ("INSERT INTO heads SELECT station, size + 1, at, root, signature FROM heads LIMIT 1", "were signed"),
        ("UPDATE heads SET at = at + 1 WHERE size > 500", "not signed by"),
        ("UPDATE heads SET at = 9e18", "of no time"),
        ("UPDATE heads SET at = 'now'", "signed head that is none"),
        ("UPDATE heads SET station = x'00'", "signed head that is none"),
        ("UPDATE heads SET root = 'x'", "signed head that is none"),
    ],
)
def test_state_records_and_heads_that_were_changed_beside_the_journal_are_found(
    desk: Desk, statement: str, reason: str
) -> None:
    with closing(sqlite3.connect(desk.store)) as connection, connection:
        connection.execute(statement)
    code, printed = desk.verify()
    assert code is ExitCode.REFUSED
    assert reason in printed


@pytest.mark.parametrize("change", ["seq = 'x'", "station = x'00'", "body = x'00'", "hash = 1000000000000", "node = 1"])
def test_a_value_of_another_type_is_found(whole: Filled, desk: Desk, change: str) -> None:
    write(desk.store, whole.entries, whole.heads)
    with closing(sqlite3.connect(desk.store)) as connection, connection:
        connection.execute(f"UPDATE journal SET {change} WHERE seq = 7 AND station = 'demo'")
    code, printed = desk.verify()
    assert code is ExitCode.REFUSED
    assert "chain broken" in printed or "cannot be read" in printed


def test_a_damaged_file_is_found_and_no_defect(desk: Desk) -> None:
    for begin in (0, 16, 4096):
        data = bytearray(desk.lay_out().read_bytes())
        data[begin : begin + 600] = bytes(600)
        desk.store.write_bytes(data)
        code, printed = desk.verify()
        assert code is ExitCode.REFUSED
        assert "the store cannot be read" in printed


def test_a_head_that_is_none_is_rejected(desk: Desk, whole: Filled) -> None:
    desk.text = whole.receipt.text[:-1]
    code, printed = desk.verify()
    assert (code, "head rejected" in printed) == (ExitCode.REFUSED, True)


def test_the_auditor_without_keys_verifies_everything_but_the_sealed_records(desk: Desk) -> None:
    for key in ("station.key", "head.key", "line.key"):
        (desk.store.parent / key).unlink()
    with closing(sqlite3.connect(desk.store)) as connection, connection:
        connection.execute("UPDATE effects SET outcome = intent WHERE step = 'fee'")
    assert desk.verify()[0] is ExitCode.OK
    assert sorted(path.name for path in desk.store.parent.iterdir()) == ["kiosk.db"]


@pytest.mark.parametrize("missing", ["station.key", "head.key"])
def test_one_key_alone_opens_nothing_and_the_other_is_not_made(desk: Desk, missing: str) -> None:
    (desk.store.parent / missing).unlink()
    before = sorted(path.name for path in desk.store.parent.iterdir())
    code, printed = desk.verify()
    assert code is ExitCode.OK
    assert "the sealed records are not compared" in printed and "sealed records are those" not in printed
    assert sorted(path.name for path in desk.store.parent.iterdir()) == before


def altered_at(whole: Filled, seq: int) -> Callable[[Path], None]:
    def alter(path: Path) -> None:
        entries = list(whole.entries)
        entries[seq - 1] = replace(entries[seq - 1], body=entries[seq - 1].body.replace("2026", "2027"))
        write(path, entries, whole.heads)

    return alter


def started(path: Path) -> Journal:
    journal = Journal(
        open_database(f"sqlite:///{path}"), "demo", StationKey(STATION_KEY), lambda: START_AGAIN, head_key=HEAD_KEY
    )
    journal.start()
    return journal


def test_at_start_what_was_written_since_the_last_head_is_verified(whole: Filled, desk: Desk) -> None:
    last = len(whole.entries)
    assert whole.heads[-1].head.size == whole.covered < last
    for seq in range(whole.covered + 1, last + 1):
        altered_at(whole, seq)(desk.lay_out())
        with pytest.raises(ChainBroken, match=f"entry {seq}"):
            started(desk.store)
    desk.lay_out()
    started(desk.store)
    heads = read_heads(open_database(f"sqlite:///{desk.store}"))
    assert heads[-1].head.size == last
    assert len(heads) == len(whole.heads) + 1


def test_a_quiet_start_writes_nothing(desk: Desk) -> None:
    started(desk.store)
    before = desk.store.read_bytes()
    started(desk.store)
    assert desk.store.read_bytes() == before


def test_at_start_a_cut_before_the_last_head_another_root_and_another_key_are_found(
    whole: Filled, desk: Desk, tmp_path: Path
) -> None:
    write(desk.lay_out(), whole.entries[: whole.covered - 1], whole.heads)
    with pytest.raises(ChainBroken, match="is missing"):
        started(desk.store)
    write(desk.lay_out(), forged([*whole.entries[:10], *whole.entries[11:]]), whole.heads)
    with pytest.raises(ChainBroken, match="not those that were signed"):
        started(desk.store)
    database = open_database(f"sqlite:///{desk.lay_out()}")
    with pytest.raises(ChainBroken, match="not signed by the station's key"):
        verify_since_last_head(database, "demo", HeadKey(b"\x01" * 32).public)


def test_a_key_other_than_the_named_one_is_refused_at_start_even_without_heads(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    journal = open_journal(path)
    journal.open_case("1", b"")
    other = Journal(
        open_database(f"sqlite:///{path}"),
        "demo",
        StationKey(STATION_KEY),
        lambda: START_AGAIN,
        head_key=HeadKey(b"\x01" * 32),
    )
    with pytest.raises(ChainBroken, match="another key"):
        other.start()


class Overtaken:
    """A store in which the station's other process starts just before this one writes."""

    def __init__(self, database: Database, other: Journal) -> None:
        self._database = database
        self._other = other

    def read(self) -> AbstractContextManager[Transaction]:
        return self._database.read()

    def write(self) -> AbstractContextManager[Transaction]:
        self._other.start()
        return self._database.write()


def test_of_two_processes_that_start_at_once_one_signs(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    open_journal(path).open_case("1", b"")
    database = open_database(f"sqlite:///{path}")
    overtaken: Any = Overtaken(database, open_journal(path))
    Journal(overtaken, "demo", StationKey(STATION_KEY), lambda: START_AGAIN, head_key=HEAD_KEY).start()
    assert len(list(read_heads(database))) == 1


def test_stations_in_one_store_are_verified_each_by_its_own_head(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    receipts = [fill(open_journal(path, station), 40) for station in ("b", "a", "c")]
    database = open_database(f"sqlite:///{path}")
    entries = list(read_entries(database))
    assert [(v.station, v.entries) for v in verify_journal(entries, read_heads(database), receipts)] == [
        ("a", 52),
        ("b", 52),
        ("c", 52),
    ]
    assert verify_since_last_head(database, "b", HEAD_KEY.public) == 52
    with pytest.raises(ChainBroken, match="station b, entry 49"):
        verify_journal([e for e in entries if e.station != "b"], [], receipts)


def test_a_store_from_before_there_were_heads_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    filled(path, 40)
    journal = open_journal(path)
    journal.number_receipt(walk(journal, journal.open_case("waiting", b""), Stage.RETURNED))
    whole = list(read_entries(open_database(f"sqlite:///{path}")))
    older = [e for e in whole if "begun" not in e.body]
    write(path, [replace(e, node=None) for e in forged(older)], [])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE receipts SET proof = NULL")
    assert verify_chain(read_entries(open_database(f"sqlite:///{path}"))) == {"demo": len(older)}
    journal = started(path)
    journal.open_case("next", b"")
    case = walk(journal, journal.open_case("after", b""), Stage.RETURNED)
    proof = parse_head(journal.number_receipt(case).proof)
    database = open_database(f"sqlite:///{path}")
    entries, heads = list(read_entries(database)), read_heads(database)
    assert '"event":"begun"' in entries[len(older)].body
    (verified,) = verify_journal(entries, heads, [proof])
    assert (verified.entries, verified.heads) == (len(older) + 15, 2)
    waiting = journal.latest_case("waiting")
    assert waiting is not None
    assert journal.number_receipt(waiting).proof == ""
    # A receipt from before proves nothing, and is not missed.
    state = read_state(database)
    check_state(told_until(database, state.ends), state)
    without_node = [replace(e, node=None) for e in entries]
    with pytest.raises(ChainBroken, match="does not fit the tree"):
        verify_chain(without_node)


def test_a_schema_that_is_no_text_any_more_is_damage_and_no_configuration(desk: Desk) -> None:
    damaged = bytearray(desk.lay_out().read_bytes())
    damaged[damaged.index(b"tablereceipts") + len("table")] ^= 0x80
    desk.store.write_bytes(damaged)
    code, printed = desk.verify()
    assert code is ExitCode.REFUSED
    assert "cannot be read" in printed


def test_what_sqlite_finds_wrong_is_said_by_the_command(desk: Desk) -> None:
    path = desk.lay_out()

    def change() -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE cases SET person = 'x'")

    lose_from_index(path, "cases_person", change)
    code, printed = desk.verify()
    assert code is ExitCode.REFUSED
    assert "cases_person" in printed


def test_reading_notices_an_index_that_leads_astray(whole: Filled) -> None:
    class Astray:
        """A database whose index gives the same page for ever."""

        def read(self) -> "Astray":
            return self

        def __enter__(self) -> "Astray":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def run(self, *_: object) -> list[tuple[object, ...]]:
            return [(e.station, e.seq, e.body, e.hash, e.node) for e in whole.entries[:1000]]

    with pytest.raises(ChainBroken, match="wrong place"):
        list(read_entries(Astray()))


def test_work_with_the_journal_does_not_grow_with_it() -> None:
    # The least of many, which a busy machine spoils least; the command prints medians, for a million.
    times = compare(1_000, 50_000, rounds=25, typical=min)
    small_ms, large_ms = (sum(of) for of in zip(*times.values(), strict=True))
    assert large_ms < 2 * small_ms, times
