"""What the journal tells of the cases is compared with the store of the same moment, also while work goes on."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.journal.agreement import check_records, check_state, notes_since, read_state
from kiosk.journal.chain import Chain, read_entries
from kiosk.journal.database import Database, open_database
from kiosk.journal.entry import ChainBroken
from kiosk.journal.journal import Journal
from kiosk.journal.records import EffectState
from kiosk.journal.seal import StationKey
from kiosk.model.step import Step, Undo
from kiosk.model.transition import AFTER, FIRST_STEP, Stage
from tests.journal.filled_journal import HEAD_KEY, START, STATION_KEY, fill, open_journal, told_until
from tests.journal.walked_case import open_for, walk
from tests.stores import Store

DONE_BEFORE = (Step.APPLICATION, Step.IDENTITY_CHECK, Step.AUTHORISE, Step.GENERATE_KEY, Step.REQUEST)
FILLED = 2 * len(Step)
"""The effects with records of the cases that the store of these tests begins with."""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    fill(open_journal(tmp_path / "kiosk.db"), 30)
    return open_database(f"sqlite:///{tmp_path / 'kiosk.db'}")


def test_work_that_goes_on_during_verification_disturbs_nothing(database: Database, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "kiosk.db")
    case = journal.open_case("new", b"application")
    case = walk(journal, case, Stage.REQUESTED)
    journal.intend(case, Step.CERTIFY, b"intent")
    state = read_state(database)
    walk(journal, case, Stage.CLOSED)
    journal.open_case("newer", b"application")
    told = told_until(database, state.ends)
    check_state(told, state)
    # Of the case that went on, what was done before the journal was read.
    assert check_records(database, told, "demo", StationKey(STATION_KEY)) == FILLED + len(DONE_BEFORE)
    later = read_state(database)
    check_state(told_until(database, later.ends), later)
    with pytest.raises(ChainBroken, match="stands otherwise"):
        check_state(told, later)


def test_every_state_and_every_end_of_an_effect_is_told(database: Database, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "kiosk.db")
    for stage in Stage:
        case = open_for(journal, stage.value, stage)
        first = FIRST_STEP[case.stage]
        for effect in (EffectState.UNKNOWN, EffectState.FAILED):
            journal.intend(case, first, effect.value.encode())
            journal.leave(case, first, effect, "K-CARD-001")
        walk(journal, case, stage)
    now = read_state(database)
    told = told_until(database, now.ends)
    check_state(told, now)
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as connection:
        ((effects,),) = connection.execute("SELECT count(*) FROM effects")
    assert check_records(database, told, "demo", StationKey(STATION_KEY)) == effects


@pytest.mark.parametrize("stage", [Stage.AUTHORISED, Stage.CLOSED])
@pytest.mark.parametrize("change", ["number = 'other'", "person = 'other'", "card = 'other'", "card = NULL"])
def test_whose_case_it_is_cannot_be_changed_in_an_open_case_either(
    database: Database, tmp_path: Path, stage: Stage, change: str
) -> None:
    journal = open_journal(tmp_path / "kiosk.db")
    case = journal.open_case("new", b"application")
    case = journal.complete(case, Step.APPLICATION, b"filed", card="c0")
    case = journal.complete(case, Step.IDENTITY_CHECK, b"identified", person="ab")
    case = walk(journal, case, stage)
    now = read_state(database)
    key = StationKey(STATION_KEY)
    before = check_records(database, told_until(database, now.ends), "demo", key)
    assert before == FILLED + list(Step).index(next(step for step in Step if AFTER[step] is stage)) + 1
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as connection, connection:
        connection.execute(f"UPDATE cases SET {change} WHERE pseudonym = ?", (case.pseudonym,))
    with pytest.raises(ChainBroken, match=f"of case {case.pseudonym} was changed"):
        check_records(database, told_until(database, now.ends), "demo", key)


def test_a_changed_record_of_an_open_case_is_found(database: Database, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "kiosk.db")
    case = walk(journal, journal.open_case("new", b"application"), Stage.AUTHORISED)
    now = read_state(database)
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as connection, connection:
        connection.execute(
            "UPDATE effects SET outcome = NULL WHERE pseudonym = ? AND step = 'authorise'", (case.pseudonym,)
        )
    journal.intend(case, Step.GENERATE_KEY, b"goes on with something else")
    with pytest.raises(ChainBroken, match="record authorise outcome"):
        check_records(database, told_until(database, now.ends), "demo", StationKey(STATION_KEY))


def test_a_station_that_begins_meanwhile_disturbs_nothing(database: Database, tmp_path: Path) -> None:
    state = read_state(database)
    other = Journal(
        open_database(f"sqlite:///{tmp_path / 'kiosk.db'}"),
        "other",
        StationKey(STATION_KEY),
        lambda: START,
        head_key=HEAD_KEY,
    )
    other.open_case("new", b"application")
    check_state(told_until(database, state.ends), state)


def test_a_code_stays_with_what_is_taken_back_and_goes_with_what_two_clerks_say(
    database: Database, tmp_path: Path
) -> None:
    journal = open_journal(tmp_path / "kiosk.db")
    back = walk(journal, journal.open_case("back", b"application"), Stage.ROLLING_BACK)
    journal.intend(back, Undo.REVOKE, b"revoke")
    journal.complete(back, Undo.REVOKE, b"revoked")
    unclear = walk(journal, journal.open_case("unclear", b"application"), Stage.FEE_SUSPECT)
    journal.testify(unclear, Step.FEE, b"said", ("first", "second"), bytes(16))
    now = read_state(database)
    told = told_until(database, now.ends)
    check_state(told, now)
    assert (now.cases[back.pseudonym][2], now.cases[unclear.pseudonym][2]) == ("E01", None)
    checked = check_records(database, told, "demo", StationKey(STATION_KEY))
    statement = "UPDATE effects SET testimony = x'00' WHERE pseudonym = ? AND step = 'fee'"
    change(tmp_path, statement, unclear.pseudonym)
    with pytest.raises(ChainBroken, match="record fee testimony") as broken:
        check_records(database, told, "demo", StationKey(STATION_KEY))
    assert (broken.value.station, broken.value.seq, checked > FILLED) == ("demo", now.ends["demo"], True)


def change(folder: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(folder / "kiosk.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE cases SET stage = 'filed' WHERE pseudonym = ?", "stands otherwise"),
        ("UPDATE effects SET state = 'failed' WHERE pseudonym = ? AND step = 'fee'", "other effects"),
        ("UPDATE receipts SET number = 99 WHERE pseudonym = ?", "another receipt"),
    ],
)
def test_the_last_entry_of_a_changed_case_is_named(
    database: Database, tmp_path: Path, statement: str, reason: str
) -> None:
    told = told_until(database, read_state(database).ends)
    pseudonym, case = next(iter(told.cases.items()))
    change(tmp_path, statement, pseudonym)
    with pytest.raises(ChainBroken, match=f"case {pseudonym} .*{reason}") as broken:
        check_state(told, read_state(database))
    last = max(entry.seq for entry in read_entries(database) if pseudonym in entry.body)
    assert (broken.value.station, broken.value.seq) == ("demo", last) == (case.station, case.seq)


def test_a_case_of_which_the_journal_tells_nothing_is_named_with_its_station(
    database: Database, tmp_path: Path
) -> None:
    told = told_until(database, read_state(database).ends)
    columns = "'new', station, 'new', 1, NULL, NULL, stage, NULL, seal, NULL, NULL"
    change(tmp_path, f"INSERT INTO cases SELECT {columns} FROM cases LIMIT 1")
    state = read_state(database)
    with pytest.raises(ChainBroken, match="case new is not told") as broken:
        check_state(told, state)
    assert (broken.value.station, broken.value.seq) == ("demo", state.ends["demo"])
    change(tmp_path, "DELETE FROM cases WHERE pseudonym = 'new'")
    change(tmp_path, "INSERT INTO effects SELECT 'lone', step, state, intent, outcome, NULL FROM effects LIMIT 1")
    with pytest.raises(ChainBroken, match="case lone is not told") as alone:
        check_state(told, read_state(database))
    assert (alone.value.station, alone.value.seq) == ("", 0)


def test_what_is_no_entry_is_named_by_its_station(database: Database, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as connection, connection:
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute("UPDATE journal SET seq = 'x' WHERE seq = 3")
    with pytest.raises(ChainBroken, match="is no entry") as broken:
        read_state(database)
    assert (broken.value.station, broken.value.seq) == ("demo", 0)


def test_the_entry_that_committed_to_a_changed_record_is_named(database: Database, tmp_path: Path) -> None:
    told = told_until(database, read_state(database).ends)
    pseudonym = next(iter(told.cases))
    committed = [
        entry.seq
        for entry in read_entries(database)
        if pseudonym in entry.body and '"step":"fee"' in entry.body and '"event":"done"' in entry.body
    ]
    change(tmp_path, "UPDATE effects SET outcome = NULL WHERE pseudonym = ? AND step = 'fee'", pseudonym)
    with pytest.raises(ChainBroken, match="record fee outcome") as broken:
        check_records(database, told, "demo", StationKey(STATION_KEY))
    assert [broken.value.seq] == committed and broken.value.station == "demo"


def test_a_record_to_which_no_entry_committed_is_named_by_its_cases_last_entry(
    database: Database, tmp_path: Path
) -> None:
    told = told_until(database, read_state(database).ends)
    pseudonym, case = next(iter(told.cases.items()))
    change(tmp_path, "UPDATE effects SET testimony = x'00' WHERE pseudonym = ? AND step = 'fee'", pseudonym)
    with pytest.raises(ChainBroken, match="record fee testimony") as broken:
        check_records(database, told, "demo", StationKey(STATION_KEY))
    assert (broken.value.station, broken.value.seq) == ("demo", case.seq)


def test_an_event_that_changes_no_state_is_passed_over(database: Database) -> None:
    pseudonym = next(iter(read_state(database).cases))
    with database.write() as transaction:
        Chain("demo", HEAD_KEY, lambda: START).append(transaction, {"event": "looked at", "case": pseudonym})
    now = read_state(database)
    check_state(told_until(database, now.ends), now)


def test_notes_of_what_is_kept_beside_the_journal_are_told_up_to_the_end_and_read_from_there(
    database: Database,
) -> None:
    chains = {station: Chain(station, HEAD_KEY, lambda: START) for station in ("aside", "demo", "new")}

    def note(station: str, **facts: str) -> None:
        with database.write() as transaction:
            chains[station].append(transaction, {"event": "counted", **facts})

    case = next(iter(read_state(database).cases))
    note("aside", commitment="a1")
    note("demo", commitment="d1")
    note("demo", said="nothing to be compared")
    ends = read_state(database).ends
    note("demo", commitment="d2", case=case)
    note("demo", said="nothing")
    note("demo", commitment="d3")
    note("aside", commitment="a2")
    note("new", commitment="n1")
    told = told_until(database, ends)
    assert {station: [(n.seq, n.facts["commitment"]) for n in notes] for station, notes in told.notes.items()} == {
        "aside": [(ends["aside"], "a1")],
        "demo": [(ends["demo"] - 1, "d1")],
    }
    later = {station: list(notes_since(database, told, station)) for station in chains}
    assert {station: [(n.seq, n.facts["commitment"]) for n in notes] for station, notes in later.items()} == {
        "aside": [(ends["aside"] + 1, "a2")],
        "demo": [(ends["demo"] + 3, "d3")],
        "new": [(1, "n1")],
    }


def test_a_record_of_another_case_under_its_own_key_is_found(database: Database, tmp_path: Path) -> None:
    key = StationKey(STATION_KEY)
    now = read_state(database)
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as connection, connection:
        (pseudonym, wrapped) = connection.execute("SELECT pseudonym, seal FROM cases LIMIT 1").fetchone()
        forged, _ = key.seal(wrapped).close(b"another outcome", "fee outcome")
        connection.execute("UPDATE effects SET outcome = ? WHERE pseudonym = ? AND step = 'fee'", (forged, pseudonym))
    with pytest.raises(ChainBroken, match=f"record fee outcome of case {pseudonym} was changed"):
        check_records(database, told_until(database, now.ends), "demo", key)


@pytest.mark.parametrize("change", ["seq = 'x'", "station = x'00'"])
def test_a_row_that_is_no_entry_is_none_for_a_reader_either(database: Database, tmp_path: Path, change: str) -> None:
    last = read_state(database).ends["demo"]
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as connection, connection:
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute(f"UPDATE journal SET {change} WHERE seq = ?", (last,))
    with pytest.raises(ChainBroken, match="is no entry"):
        list(read_entries(database))


def test_the_order_of_attempts_is_the_one_in_which_they_were_opened(store: Store) -> None:
    journal = Journal(open_database(store.url), "demo", StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)
    first = walk(journal, journal.open_case("1", b"application"), Stage.ROLLED_BACK)
    second = walk(journal, journal.open_case("1", b"application"), Stage.CLOSED)
    database = open_database(store.url)
    check_state(told_until(database, read_state(database).ends), read_state(database))
    with database.write() as transaction:
        for attempt, pseudonym in ((3, first.pseudonym), (1, second.pseudonym), (2, first.pseudonym)):
            transaction.run("UPDATE cases SET attempt = ? WHERE pseudonym = ?", attempt, pseudonym)
    latest = journal.latest_case("1")
    assert latest is not None and latest.pseudonym == first.pseudonym, "what was taken back is taken for the latest"
    now = read_state(database)
    with pytest.raises(ChainBroken, match="stands otherwise"):
        check_state(told_until(database, now.ends), now)


@pytest.mark.parametrize("column", ["person", "card"])
def test_of_whom_a_case_is_before_anybody_found_out_cannot_be_said(store: Store, column: str) -> None:
    journal = Journal(open_database(store.url), "demo", StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)
    journal.open_case("1", b"application")
    database = open_database(store.url)
    with database.write() as transaction:
        transaction.run(f"UPDATE cases SET {column} = 'ab'")
    now = read_state(database)
    with pytest.raises(ChainBroken, match="stands otherwise"):
        check_state(told_until(database, now.ends), now)


@pytest.mark.parametrize("forged", ["proof = NULL", "proof = (SELECT proof FROM receipts WHERE number = 2)"])
def test_a_receipt_keeps_the_proof_of_its_own_entry(database: Database, tmp_path: Path, forged: str) -> None:
    fill(open_journal(tmp_path / "kiosk.db"), 40)
    change(tmp_path, f"UPDATE receipts SET {forged} WHERE number = 1")
    now = read_state(database)
    told = told_until(database, now.ends)
    pseudonym = next(pseudonym for pseudonym, number in now.receipts.items() if number == 1)
    with pytest.raises(ChainBroken, match=f"receipt of case {pseudonym} proves another entry") as broken:
        check_state(told, now)
    assert (broken.value.station, broken.value.seq) == ("demo", told.cases[pseudonym].seq)


def test_a_proof_that_is_none_is_named_by_its_receipt(database: Database, tmp_path: Path) -> None:
    change(tmp_path, "UPDATE receipts SET proof = 'no proof' WHERE number = 2")
    with pytest.raises(ChainBroken, match="receipt 2 has a proof that is none"):
        read_state(database)
