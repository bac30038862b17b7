"""The journal: what was acknowledged is there, chained, sealed, and in the same transaction as the state.

Every test here runs on SQLite and on PostgreSQL; what only one of them can do is judged in the files beside this one.
"""

import datetime
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.config import SHIPPED, StoreTable, load_config
from kiosk.exit_code import ExitCode
from kiosk.journal.chain import is_begun
from kiosk.journal.command import run_journal
from kiosk.journal.connection import DriverFailed
from kiosk.journal.database import open_database
from kiosk.journal.entry import ChainBroken, Entry, chain
from kiosk.journal.errors import NotWritten, StoreDamaged, StoreTooNew, StoreUnusable
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.records import EffectState
from kiosk.journal.schema import MIGRATIONS
from kiosk.journal.seal import StationKey, load_station_key
from kiosk.journal.verify import verify_chain
from kiosk.model.step import Actor, Step
from kiosk.model.transition import AFTER, ENDED, SUSPECT, Event, Procedure, Stage, procedure_of
from tests.journal.walked_case import open_for, walk
from tests.stores import Store

NOW = datetime.datetime(2026, 4, 1, tzinfo=datetime.UTC)
SECRET = "幌延　太郎".encode()


def open_journal(url: str, station: str = "demo") -> Journal:
    return Journal(open_database(url), station, StationKey(bytes(32)), lambda: NOW, head_key=HeadKey(bytes(32)))


def fill(journal: Journal, cases: int = 3) -> None:
    for number in range(cases):
        case = journal.open_case(f"n-{number}", SECRET)
        journal.intend(case, Step.APPLICATION, SECRET)
        case = journal.complete(case, Step.APPLICATION, SECRET, person="ab")
        case = walk(journal, case, Stage.RETURNED, SECRET)
        journal.number_receipt(case)
        walk(journal, case, Stage.CLOSED, SECRET)


def test_an_effect_is_remembered_by_another_process(store: Store) -> None:
    journal = open_journal(store.url)
    case = walk(journal, journal.open_case("1", b"application"), Stage.PENDING)
    journal.intend(case, Step.WRITE, b"intent")
    again = open_journal(store.url)
    found = again.latest_case("1")
    assert found is not None
    record = again.effect(found, Step.WRITE)
    assert record is not None
    assert (record.state, record.intent, record.outcome) == (EffectState.INTENDED, b"intent", None)
    again.leave(found, Step.WRITE, EffectState.UNKNOWN, "K-DEVICE-002")
    again.complete(found, Step.WRITE, b"outcome")
    done = journal.effect(case, Step.WRITE)
    assert done is not None
    assert (done.state, done.intent, done.outcome) == (EffectState.DONE, b"intent", b"outcome")
    assert journal.effect(case, Step.CONFIRM) is None


def test_another_station_sees_of_a_case_how_far_it_is_and_how_it_ended(store: Store) -> None:
    """Of stations alone that have told a key; a case that has ended is told to whoever asks for it by its pseudonym."""
    window, terminal = open_journal(store.url, "window"), open_journal(store.url, "demo")
    case = walk(terminal, terminal.open_case("1", SECRET), Stage.PENDING)
    assert window.cases_elsewhere() == ()
    with open_database(store.url).write() as transaction:
        for name in ("demo", "window"):
            transaction.run("INSERT INTO stations VALUES (?, ?, ?, ?)", name, b"", b"", b"")
    (seen,) = window.cases_elsewhere()
    assert (seen.pseudonym, seen.station, seen.number, seen.stage) == (case.pseudonym, "demo", "1", Stage.PENDING)
    assert (seen.code, seen.fee) == ("", "")
    case = walk(terminal, case, Stage.DELIVERED)
    terminal.intend(case, Step.FEE, b"intent")
    assert [one.fee for one in window.cases_elsewhere()] == [EffectState.INTENDED]
    assert terminal.cases_elsewhere() == ()
    walk(terminal, case, Stage.CLOSED)
    assert window.cases_elsewhere() == ()
    assert [one.stage for one in window.cases_elsewhere([case.pseudonym])] == [Stage.CLOSED]
    terminal.move(walk(terminal, terminal.open_case("2", SECRET), Stage.RETURNED), Event.SUSPECT, Actor.CLERK, "E41")
    assert [(one.number, one.code) for one in window.cases_elsewhere()] == [("2", "E41")]


def test_unfinished_cases_are_those_of_this_station_that_have_not_ended(store: Store) -> None:
    journal = open_journal(store.url)
    for stage in Stage:
        walk(journal, open_for(journal, stage.value, stage), stage)
    open_journal(store.url, "other").open_case("elsewhere", b"")
    unfinished = set(Stage) - {*ENDED, *SUSPECT.values(), Stage.ON_HOLD}
    for procedure in Procedure:
        found = {case.stage for case in journal.unfinished_cases(procedure)}
        assert found == {stage for stage in unfinished if procedure_of(stage) is procedure}
    assert {case.stage for case in journal.held_cases()} == {Stage.ON_HOLD}
    assert {case.stage for case in journal.suspect_cases()} == set(SUSPECT.values())


def test_receipt_numbers_have_no_gap_and_a_case_keeps_its_own(store: Store) -> None:
    journal = open_journal(store.url)
    cases = [walk(journal, journal.open_case(str(n), b""), Stage.RETURNED) for n in range(4)]
    assert [journal.number_receipt(case).number for case in (*cases, *cases)] == [1, 2, 3, 4, 1, 2, 3, 4]


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    database = open_database(store.url)
    with pytest.raises(ZeroDivisionError), database.write() as transaction:
        transaction.run(
            "INSERT INTO cases (pseudonym, station, number, attempt, stage) VALUES (?, ?, ?, 1, ?)",
            "a",
            "b",
            "c",
            "opened",
        )
        raise ZeroDivisionError
    with database.read() as transaction:
        assert transaction.run("SELECT COUNT(*) FROM cases").scalar_one() == 0


@pytest.mark.parametrize("statement", ["UPDATE journal SET body = '{}'", "DELETE FROM journal"])
def test_the_database_itself_refuses_to_change_or_drop_an_entry(store: Store, statement: str) -> None:
    journal = open_journal(store.url)
    fill(journal)
    before = list(journal.entries())
    with pytest.raises(DriverFailed, match="append-only"), open_database(store.url).write() as transaction:
        transaction.run(statement)
    assert list(journal.entries()) == before


def test_no_personal_data_is_stored_in_clear(store: Store) -> None:
    journal = open_journal(store.url)
    fill(journal)
    raw = b"".join(store.stored())
    case = journal.latest_case("n-0")
    assert case is not None and case.pseudonym.encode() in raw
    assert SECRET not in raw
    assert all("太郎" not in entry.body for entry in journal.entries())


def test_a_record_cannot_be_moved_to_another_place(store: Store) -> None:
    journal = open_journal(store.url)
    case = walk(journal, journal.open_case("1", b"application"), Stage.WRITTEN, b"outcome")
    with open_database(store.url).write() as transaction:
        transaction.run("UPDATE effects SET step = 'confirm' WHERE step = 'write'")
    with pytest.raises(InvalidTag):
        journal.effect(case, Step.CONFIRM)


def test_an_older_program_refuses_a_newer_store(store: Store) -> None:
    with open_database(store.url).write() as transaction:
        transaction.run("INSERT INTO schema_version VALUES (?)", len(MIGRATIONS) + 1)
    with pytest.raises(StoreTooNew):
        open_database(store.url)


def test_cases_of_an_older_store_stand_where_their_last_step_left_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.journal.database.MIGRATIONS", MIGRATIONS[:2])
    database = open_database(store.url)
    with database.write() as transaction:
        for number, step in enumerate((None, *Step)):
            transaction.run(
                "INSERT INTO cases (pseudonym, station, number, attempt, state) VALUES (?, 'demo', ?, 1, ?)",
                f"{number}",
                f"{number}",
                "closed" if step is Step.CLOSED else "open",
            )
            for done in list(Step)[:number]:
                transaction.run("INSERT INTO effects (pseudonym, step, state) VALUES (?, ?, 'done')", f"{number}", done)
    database.close()
    monkeypatch.undo()
    journal = open_journal(store.url)
    found = [journal.latest_case(f"{number}") for number in range(len(Step) + 1)]
    assert [case and case.stage for case in found] == [Stage.OPENED, *AFTER.values()]


def test_opening_a_store_many_times_at_once_migrates_it_once(store: Store) -> None:
    with ThreadPoolExecutor(6) as threads:
        opened = list(threads.map(open_database, [store.url] * 6))
    with opened[0].read() as transaction:
        assert [value for (value,) in transaction.run("SELECT version FROM schema_version")] == [
            *range(1, len(MIGRATIONS) + 1)
        ]
    for database in opened:
        database.close()


def test_writers_in_several_processes_make_one_chain(store: Store) -> None:
    def write(number: int) -> None:
        journal = open_journal(store.url)
        for attempt in range(5):
            journal.number_receipt(walk(journal, journal.open_case(f"{number}-{attempt}", SECRET), Stage.RETURNED))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert verify_chain(open_journal(store.url).entries()) == {"demo": 20 * 13}
    with open_database(store.url).read() as transaction:
        assert [value for (value,) in transaction.run("SELECT number FROM receipts ORDER BY number")] == [*range(1, 21)]


def test_values_and_percent_signs_reach_the_store_as_they_are(store: Store) -> None:
    database = open_database(store.url)
    values = ("100 % ? %s", "C:\\'x'", "幌延　𠮷野")
    with database.write() as transaction:
        transaction.run(
            "INSERT INTO cases (pseudonym, station, number, attempt, stage, code) VALUES (?, ?, ?, 1, 'opened', '%')",
            *values,
        )
    with database.read() as transaction:
        row = transaction.run("SELECT * FROM cases WHERE code LIKE '%' AND pseudonym LIKE ?", "100 %").one()
    assert (row.pseudonym, row.station, row.number, row.code, row.seal) == (*values, "%", None)


def test_case_numbers_are_ordered_by_bytes_whatever_the_servers_language(store: Store) -> None:
    journal = open_journal(store.url)
    numbers = ["a-10", "A-2", "a1", "Z", "_", "é"]
    for number in numbers:
        journal.open_case(number, b"")
    assert [case.number for case in journal.unfinished_cases()] == sorted(numbers)


def test_a_block_that_goes_on_after_a_failed_statement_is_not_committed(store: Store) -> None:
    database = open_database(store.url)
    with pytest.raises(NotWritten), database.write() as transaction:
        transaction.run("INSERT INTO schema_version VALUES (70)")
        with suppress(DriverFailed):
            transaction.run("INSERT INTO schema_version VALUES (70)")
    with database.read() as transaction:
        assert transaction.run("SELECT MAX(version) FROM schema_version").scalar_one() == len(MIGRATIONS)


def test_a_statement_that_is_wrong_is_our_defect_and_its_error_tells_no_values(store: Store) -> None:
    with pytest.raises(DriverFailed, match="nowhere"), open_database(store.url).read() as transaction:
        transaction.run("SELECT * FROM nowhere")
    with pytest.raises(DriverFailed) as raised, open_database(store.url).write() as transaction:
        transaction.run("INSERT INTO nowhere VALUES (?)", "幌延太郎")
    assert "nowhere" in raised.value.reason
    assert "INSERT INTO nowhere" in str(raised.value)
    assert "太郎" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "shown", "reason", "kind"),
    [
        ("nonsense hunter2", "", "URL", StoreUnusable),
        ("sqlite:///{}/none/kiosk.db", "/none/kiosk.db", "unable to open", StoreUnusable),
        ("sqlite:///{}/garbage.db", "/garbage.db", "not a database", StoreDamaged),
        ("sqlite:///{}", "sqlite:///", "unable to open", StoreUnusable),
        ("sqlite:///{}/kiosk.db?timeout=hunter2", "", "no options", StoreUnusable),
        ("sqlite:///{}/\0.db", "\0.db", "null", StoreUnusable),
        ("mysql://kiosk:hunter2@127.0.0.1/town", "kiosk:***@127.0.0.1/town", "not mysql", StoreUnusable),
        ("postgresql+carrier_pigeon://kiosk:hunter2@127.0.0.1/town", "kiosk:***@", "carrier_pigeon", StoreUnusable),
        ("postgresql+psycopg://kiosk:hunter2@127.0.0.1:1/town", "kiosk:***@127.0.0.1:1/town", "refused", NotWritten),
        ("postgresql+psycopg://127.0.0.1:1/town?password=hunter2", "127.0.0.1:1/town", "refused", NotWritten),
        ("postgresql+psycopg://kiosk@127.0.0.1:one/town?password=hunter2", "", "URL", StoreUnusable),
    ],
)
def test_what_is_no_store_is_named_without_its_password(
    tmp_path: Path, url: str, shown: str, reason: str, kind: type[Exception]
) -> None:
    (tmp_path / "garbage.db").write_bytes(b"no database at all, but longer than a header" * 99)
    with pytest.raises(kind) as caught:
        open_database(url.format(tmp_path))
    assert type(caught.value) is kind
    assert shown in str(caught.value)
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_stations_share_a_store_and_do_not_open_each_others_cases(store: Store) -> None:
    database = open_database(store.url)
    here, there = (
        Journal(database, name, StationKey(bytes([seed]) * 32), lambda: NOW, head_key=HeadKey(bytes(32)))
        for seed, name in enumerate(("a", "b"))
    )
    for journal in (here, there):
        case = journal.open_case("2011-0001", journal.station.encode())
        case = journal.complete(case, Step.APPLICATION, b"filed", person="ab")
        walk(journal, case, Stage.CLOSED)
    for journal in (here, there):
        case, unfinished = journal.latest_case("2011-0001"), journal.open_case("2011-0002", b"")
        assert case is not None
        record = journal.effect(case, Step.APPLICATION)
        assert record is not None and record.intent == journal.station.encode()
        assert [one.pseudonym for one in journal.closed_cases_of("ab")] == [case.pseudonym]
        assert [one.pseudonym for one in journal.unfinished_cases()] == [unfinished.pseudonym]


def test_a_case_under_another_key_is_listed_and_its_records_stay_shut(store: Store) -> None:
    open_journal(store.url).open_case("1", SECRET)
    another = Journal(
        open_database(store.url), "demo", StationKey(bytes([1]) * 32), lambda: NOW, head_key=HeadKey(bytes(32))
    )
    (case,) = another.unfinished_cases()
    with pytest.raises(InvalidUnwrap):
        another.effect(case, Step.APPLICATION)
    assert another.effect_states(case) == {Step.APPLICATION: EffectState.INTENDED}, "how far it is no record tells"


def test_how_far_a_case_had_come_is_told_until_it_has_ended(store: Store) -> None:
    journal = open_journal(store.url)
    assert journal.reached("1") is Step.APPLICATION
    case = walk(journal, journal.open_case("1", b""), Stage.WRITTEN)
    assert journal.reached("1") is Step.WRITE
    journal.intend(case, Step.READ_BACK, b"")
    assert journal.reached("1") is Step.READ_BACK
    case = journal.move(case, Event.ROLL_BACK, Actor.CLERK, "K-CASE-010")
    assert journal.reached("1") is Step.READ_BACK
    journal.move(case, Event.END, Actor.STATION, "K-CASE-010")
    assert journal.reached("1") is Step.APPLICATION, "what is filed under that number again begins anew"


def test_a_station_key_is_made_once_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "station.key"
    wrapped = load_station_key(path).new_case_key()
    sealed, _ = load_station_key(path).seal(wrapped).close(b"x", "label")
    assert load_station_key(path).seal(wrapped).open(sealed, "label") == b"x"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match=r"station\.key"):
        load_station_key(path)


def test_a_station_key_survives_a_process_that_died_while_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    path = tmp_path / "station.key"
    with monkeypatch.context() as patch:
        # The process ends after the key has its name, and before the other name is gone.
        patch.setattr("os.unlink", die)
        patch.setattr("pathlib.Path.unlink", die)
        with pytest.raises(Killed):
            load_station_key(path)
    key = path.read_bytes()
    assert len(key) == 32
    load_station_key(path)
    assert path.read_bytes() == key


def test_processes_that_start_at_once_have_one_station_key(tmp_path: Path) -> None:
    path, gate = tmp_path / "station.key", threading.Barrier(8)

    def load(_: int) -> StationKey:
        gate.wait()
        return load_station_key(path)

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(load, range(8)))
    wrapped = keys[0].new_case_key()
    sealed, _ = keys[0].seal(wrapped).close(b"x", "label")
    assert [key.seal(wrapped).open(sealed, "label") for key in keys] == [b"x"] * 8
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("action", ["verify", "show"])
def test_an_audit_needs_no_key_and_makes_no_file(
    tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_config(SHIPPED / "kiosk.toml", [])
    elsewhere = replace(config, store=StoreTable(f"sqlite:///{tmp_path / 'other.db'}"))
    for without in (config, elsewhere):
        assert run_journal(without, tmp_path, action) is ExitCode.CONFIG
        assert "no store there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    fill(open_journal(f"sqlite:///{tmp_path / 'kiosk.db'}"))
    before = sorted(tmp_path.iterdir())
    assert run_journal(config, tmp_path, action) is ExitCode.OK
    assert len(capsys.readouterr().out.splitlines()) == {"verify": 3, "show": 48}[action]
    assert sorted(tmp_path.iterdir()) == before


def entries(url: str) -> list[Entry]:
    journal = open_journal(url)
    fill(journal)
    fill(open_journal(url, "other"))
    return list(journal.entries())


@pytest.fixture(scope="module")
def whole(new_store: Callable[[], Store]) -> Iterator[list[Entry]]:
    store = new_store()
    yield entries(store.url)
    store.remove()


def test_the_chain_of_every_station_holds(whole: list[Entry]) -> None:
    assert verify_chain(whole) == {"demo": 48, "other": 48}


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_change_drop_swap_or_insertion_is_found(whole: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 2))
    entry = whole[at]
    broken = list(whole)
    match data.draw(st.sampled_from(["body", "hash", "drop", "swap", "repeat", "insert"])):
        case "body":
            index = data.draw(st.integers(0, len(entry.body) - 1))
            body = entry.body[:index] + chr(ord(entry.body[index]) ^ 1) + entry.body[index + 1 :]
            broken[at] = replace(entry, body=body)
        case "hash":
            index = data.draw(st.integers(0, 31))
            flipped = bytes([entry.hash[index] ^ 1])
            broken[at] = replace(entry, hash=entry.hash[:index] + flipped + entry.hash[index + 1 :])
        case "drop" if whole[at + 1].station == entry.station:
            del broken[at]
        case "swap" if whole[at + 1].station == entry.station:
            broken[at], broken[at + 1] = broken[at + 1], broken[at]
        case "repeat":
            broken.insert(at, entry)
        case "insert":
            body = json.dumps(json.loads(entry.body) | {"seq": entry.seq})
            broken.insert(at, Entry(entry.station, entry.seq, body, chain(entry.hash, body), None))
        case _:
            return
    with pytest.raises(ChainBroken):
        verify_chain(broken)


def test_a_journal_is_begun_by_its_stations_first_entry(store: Store) -> None:
    database = open_database(store.url)
    assert not is_begun(database, "demo")
    open_journal(store.url, "other").open_case("1", b"")
    assert not is_begun(database, "demo")
    open_journal(store.url).open_case("1", b"")
    assert is_begun(database, "demo")


@pytest.mark.parametrize("named", [(), ("a",), ("a", "c", "none")])
def test_a_list_of_values_stands_for_as_many_as_it_has(store: Store, named: tuple[str, ...]) -> None:
    with open_database(store.url).write() as transaction:
        transaction.run("CREATE TABLE letters (letter TEXT, is_small INTEGER)")
        for letter in "abcA":
            transaction.run("INSERT INTO letters VALUES (?, ?)", letter, int(letter.islower()))
        statement = "SELECT letter FROM letters WHERE is_small = ? AND letter IN ? AND letter <> ? ORDER BY letter"
        found = [row.letter for row in transaction.run(statement, 1, named, "c")]
        alone = [row.letter for row in transaction.run("SELECT letter FROM letters WHERE letter IN ?", named)]
    assert found == [letter for letter in named if letter == "a"]
    assert alone == [letter for letter in named if letter in "ac"]
