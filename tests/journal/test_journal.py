"""The journal: what was acknowledged is there, chained, sealed, and in the same transaction as the state."""

import datetime
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.config import SHIPPED, StoreTable, load_config
from kiosk.exit_code import ExitCode
from kiosk.journal.command import run_journal
from kiosk.journal.database import MIGRATIONS, StoreTooNew, StoreUnusable, open_database
from kiosk.journal.journal import CaseState, EffectState, Entry, Journal, chain
from kiosk.journal.seal import StationKey, load_station_key
from kiosk.journal.verify import ChainBroken, verify_chain

NOW = datetime.datetime(2026, 4, 1, tzinfo=datetime.UTC)
SECRET = "幌延　太郎".encode()


def open_journal(path: Path, station: str = "demo") -> Journal:
    return Journal(open_database(f"sqlite:///{path}"), station, StationKey(bytes(32)), lambda: NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.db"


def fill(journal: Journal, cases: int = 3) -> None:
    for number in range(cases):
        case = journal.open_case(f"n-{number}", SECRET)
        journal.intend(case, "certify", SECRET)
        journal.complete(case, "certify", SECRET, person="ab")
        journal.number_receipt(case)
        journal.move(case, CaseState.CLOSED)


def test_an_effect_is_remembered_by_another_process(path: Path) -> None:
    journal = open_journal(path)
    case = journal.open_case("1", b"application")
    journal.intend(case, "write", b"intent")
    again = open_journal(path)
    found = again.latest_case("1")
    assert found is not None
    record = again.effect(found, "write")
    assert record is not None
    assert (record.state, record.intent, record.outcome) == (EffectState.INTENDED, b"intent", None)
    again.complete(found, "write", b"outcome")
    again.leave(found, "fee", EffectState.UNKNOWN, "K-DEVICE-002")
    done = journal.effect(case, "write")
    assert done is not None
    assert (done.state, done.intent, done.outcome) == (EffectState.DONE, b"intent", b"outcome")
    assert journal.effect(case, "confirm") is None


def test_unfinished_cases_are_those_of_this_station_that_have_not_ended(path: Path) -> None:
    journal = open_journal(path)
    states = dict.fromkeys(CaseState, False) | {CaseState.OPEN: True, CaseState.ROLLING_BACK: True}
    for state in states:
        case = journal.open_case(state.value, b"")
        if state is not CaseState.OPEN:
            journal.move(case, state, "E01")
    open_journal(path, "other").open_case("elsewhere", b"")
    assert {case.state for case in journal.unfinished_cases()} == {s for s, is_left in states.items() if is_left}


def test_receipt_numbers_have_no_gap_and_a_case_keeps_its_own(path: Path) -> None:
    journal = open_journal(path)
    cases = [journal.open_case(str(n), b"") for n in range(4)]
    assert [journal.number_receipt(case) for case in (*cases, *cases)] == [1, 2, 3, 4, 1, 2, 3, 4]


def test_a_transaction_that_fails_leaves_nothing(path: Path) -> None:
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(ZeroDivisionError), database.write() as transaction:
        transaction.run(
            "INSERT INTO cases (pseudonym, station, number, attempt, state) VALUES (?, ?, ?, 1, ?)",
            "a",
            "b",
            "c",
            "open",
        )
        raise ZeroDivisionError
    with database.read() as transaction:
        assert transaction.run("SELECT COUNT(*) FROM cases").scalar_one() == 0


def test_the_database_itself_refuses_to_change_or_drop_an_entry(path: Path) -> None:
    fill(open_journal(path))
    with sqlite3.connect(path) as connection:
        for statement in ("UPDATE journal SET body = '{}'", "DELETE FROM journal"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


def test_the_store_is_durable_and_keeps_no_personal_data_in_clear(path: Path) -> None:
    journal = open_journal(path)
    fill(journal)
    raw = path.read_bytes()
    assert SECRET not in raw
    assert all("太郎" not in entry.body for entry in journal.entries())
    database = open_database(f"sqlite:///{path}")
    with database.read() as transaction:
        assert transaction.run("PRAGMA synchronous").scalar_one() == 3
        assert transaction.run("PRAGMA journal_mode").scalar_one() == "truncate"


def test_a_record_cannot_be_moved_to_another_place(path: Path) -> None:
    journal = open_journal(path)
    case = journal.open_case("1", b"application")
    journal.complete(case, "write", b"outcome")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE effects SET step = 'confirm' WHERE step = 'write'")
    with pytest.raises(InvalidTag):
        journal.effect(case, "confirm")


def test_an_older_program_refuses_a_newer_store(path: Path) -> None:
    open_database(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO schema_version VALUES (?)", (len(MIGRATIONS) + 1,))
    with pytest.raises(StoreTooNew):
        open_database(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("url", "shown", "reason"),
    [
        ("nonsense hunter2", "", "URL"),
        ("sqlite:///{}/none/kiosk.db", "/none/kiosk.db", "unable to open"),
        ("sqlite:///{}/garbage.db", "/garbage.db", "not a database"),
        ("sqlite:///{}", "sqlite:///", "unable to open"),
        ("sqlite:///{}/kiosk.db?timeout=soon", "/kiosk.db", "soon"),
        ("mysql://kiosk:hunter2@127.0.0.1/town", "kiosk:***@127.0.0.1/town", "not mysql"),
        ("postgresql+carrier_pigeon://kiosk:hunter2@127.0.0.1/town", "kiosk:***@", "carrier_pigeon"),
        ("postgresql+psycopg://kiosk:hunter2@127.0.0.1:1/town", "kiosk:***@127.0.0.1:1/town", "refused"),
        ("postgresql+psycopg://127.0.0.1:1/town?password=hunter2", "127.0.0.1:1/town", "refused"),
        ("postgresql+psycopg://kiosk@127.0.0.1:one/town?password=hunter2", "", "URL"),
    ],
)
def test_what_is_no_store_is_named_without_its_password(tmp_path: Path, url: str, shown: str, reason: str) -> None:
    (tmp_path / "garbage.db").write_bytes(b"no database at all, but longer than a header" * 99)
    with pytest.raises(StoreUnusable) as caught:
        open_database(url.format(tmp_path))
    assert shown in str(caught.value)
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_of_the_database_repeats_no_values(path: Path) -> None:
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(sqlalchemy.exc.DatabaseError) as caught, database.write() as transaction:
        transaction.run("INSERT INTO cases (pseudonym) VALUES (?)", SECRET.decode())
    assert SECRET.decode() not in str(caught.value)


def test_opening_a_store_twice_at_once_migrates_it_once(path: Path) -> None:
    first, second = (open_database(f"sqlite:///{path}") for _ in range(2))
    with first.read() as transaction:
        assert transaction.run("SELECT COUNT(*) FROM schema_version").scalar_one() == len(MIGRATIONS)
    second.close()


def test_two_stations_share_a_store_and_do_not_open_each_others_cases(path: Path) -> None:
    database = open_database(f"sqlite:///{path}")
    here, there = (
        Journal(database, name, StationKey(bytes([seed]) * 32), lambda: NOW) for seed, name in enumerate(("a", "b"))
    )
    for journal in (here, there):
        case = journal.open_case("2011-0001", journal.station.encode())
        journal.complete(case, "closed", b"certificate", person="ab")
        journal.move(case, CaseState.CLOSED)
    for journal in (here, there):
        case, unfinished = journal.latest_case("2011-0001"), journal.open_case("2011-0002", b"")
        assert case is not None
        record = journal.effect(case, "application")
        assert record is not None and record.intent == journal.station.encode()
        assert [one.pseudonym for one in journal.closed_cases_of("ab")] == [case.pseudonym]
        assert [one.pseudonym for one in journal.unfinished_cases()] == [unfinished.pseudonym]


def test_a_case_under_another_key_is_listed_and_its_records_stay_shut(path: Path) -> None:
    open_journal(path).open_case("1", SECRET)
    another = Journal(open_database(f"sqlite:///{path}"), "demo", StationKey(bytes([1]) * 32), lambda: NOW)
    (case,) = another.unfinished_cases()
    with pytest.raises(InvalidUnwrap):
        another.effect(case, "application")


def test_a_station_key_is_made_once_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "station.key"
    wrapped = load_station_key(path).new_case_key()
    sealed = load_station_key(path).seal(wrapped).close(b"x", "label")
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
    sealed = keys[0].seal(wrapped).close(b"x", "label")
    assert [key.seal(wrapped).open(sealed, "label") for key in keys] == [b"x"] * 8
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("action", ["verify", "show"])
def test_an_audit_needs_no_key_and_makes_no_file(
    tmp_path: Path, path: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_config(SHIPPED / "kiosk.toml", [])
    elsewhere = replace(config, store=StoreTable(f"sqlite:///{tmp_path / 'other.db'}"))
    for without in (config, elsewhere):
        assert run_journal(without, tmp_path, action) is ExitCode.CONFIG
        assert "no store there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    fill(open_journal(path))
    before = sorted(tmp_path.iterdir())
    assert run_journal(config, tmp_path, action) is ExitCode.OK
    assert len(capsys.readouterr().out.splitlines()) == {"verify": 1, "show": 15}[action]
    assert sorted(tmp_path.iterdir()) == before


def entries(path: Path) -> list[Entry]:
    journal = open_journal(path)
    fill(journal)
    fill(open_journal(path, "other"))
    return list(journal.entries())


def test_the_chain_of_every_station_holds(path: Path) -> None:
    assert verify_chain(entries(path)) == {"demo": 15, "other": 15}


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_change_drop_swap_or_insertion_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = entries(tmp_path_factory.mktemp("journal") / "kiosk.db")
    at = data.draw(st.integers(0, len(whole) - 2))
    entry = whole[at]
    broken = list(whole)
    match data.draw(st.sampled_from(["body", "hash", "drop", "swap", "repeat", "insert"])):
        case "body":
            index = data.draw(st.integers(0, len(entry.body) - 1))
            body = entry.body[:index] + chr(ord(entry.body[index]) ^ 1) + entry.body[index + 1 :]
            broken[at] = Entry(entry.station, entry.seq, body, entry.hash)
        case "hash":
            index = data.draw(st.integers(0, 31))
            broken[at] = Entry(
                entry.station,
                entry.seq,
                entry.body,
                entry.hash[:index] + bytes([entry.hash[index] ^ 1]) + entry.hash[index + 1 :],
            )
        case "drop" if whole[at + 1].station == entry.station:
            del broken[at]
        case "swap":
            broken[at], broken[at + 1] = broken[at + 1], broken[at]
        case "repeat":
            broken.insert(at, entry)
        case "insert":
            body = json.dumps(json.loads(entry.body) | {"seq": entry.seq})
            broken.insert(at, Entry(entry.station, entry.seq, body, chain(entry.hash, body)))
        case _:
            return
    with pytest.raises(ChainBroken):
        verify_chain(broken)


def test_postgresql_statements_are_in_its_own_parameter_style() -> None:
    # The statements are shared; only the marks differ, and none of ours holds a question mark of its own.
    assert all("?" not in statement for version in MIGRATIONS for statement in version)
    assert sqlalchemy.create_engine("postgresql+psycopg://").dialect.paramstyle == "pyformat"
