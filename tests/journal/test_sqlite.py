"""The journal on SQLite: how its connections are set, and what is told when the disk fails."""

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from kiosk.authority.embedded.database import open_database as open_authority_books
from kiosk.journal import database
from kiosk.journal.connection import DriverFailed
from kiosk.journal.database import UNREADABLE, open_database
from kiosk.journal.errors import CommitUnknown, NotWritten, StoreDamaged, StoreLost, StoreTooNew, StoreUnusable
from tests.journal.damaged_schema import changing_schema, lose_from_index
from tests.journal.filled_journal import open_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.db"


def test_a_connection_is_durable(path: Path) -> None:
    with open_database(f"sqlite:///{path}").read() as transaction:
        settings = {
            name: transaction.run(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        }
    assert settings == {
        "journal_mode": "truncate",
        "synchronous": 3,
        "foreign_keys": 1,
        "busy_timeout": 10000,
        "secure_delete": 1,
    }


def open_files(path: Path) -> int:
    """How many of this process's descriptors are of that file."""
    return sum(os.path.realpath(f"/proc/self/fd/{name}") == str(path) for name in os.listdir("/proc/self/fd"))


def test_a_file_that_is_no_store_any_more_takes_no_transaction(path: Path) -> None:
    with closing(open_database(path)) as store:
        path.write_bytes(b"no store any more" * 1000)
        with pytest.raises(UNREADABLE, match="not a database"), store.write():
            raise AssertionError("nothing is begun")


def test_a_connection_is_kept_for_the_next_and_closed_at_the_end(path: Path) -> None:
    database = open_database(path)
    with database.read():
        assert open_files(path) == 1
    for _ in range(3):
        with database.write() as transaction:
            transaction.run(
                "INSERT INTO tickets VALUES ('2026-04-01', ?, 'issue', 'waiting', NULL, 0, 0)", open_files(path)
            )
        with database.write() as transaction:
            transaction.run("DELETE FROM tickets")
    assert open_files(path) == 1
    with database.read():
        database.close()
        assert open_files(path) == 1, "it is in use"
    assert open_files(path) == 0


def test_who_reads_an_authoritys_journal_holds_its_store_no_longer_than_it_is_open(path: Path) -> None:
    books = open_authority_books(path)
    with books.journal().read() as transaction:
        transaction.run("SELECT 1")
    assert open_files(path) > 0
    books.close()
    assert open_files(path) == 0


def test_a_connection_whose_block_failed_is_in_no_transaction_afterwards(path: Path) -> None:
    database = open_database(path)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), database.write() as transaction:
            transaction.run("INSERT INTO tickets VALUES ('2026-04-01', 1, 'issue', 'waiting', NULL, 0, 0)")
            raise ZeroDivisionError
        with pytest.raises(NotWritten), database.write() as transaction:
            transaction.run("INSERT INTO tickets VALUES ('2026-04-01', 1, 'issue', 'waiting', NULL, 0, 0)")
            with suppress(DriverFailed):
                transaction.run("INSERT INTO tickets VALUES ('2026-04-01', 1, 'issue', 'waiting', NULL, 0, 0)")
    with database.read() as transaction:
        assert transaction.run("SELECT * FROM tickets") == []
    database.close()


def test_a_commit_that_readers_keep_out_was_not_made(path: Path) -> None:
    database = open_database(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM tickets")
        with pytest.raises(NotWritten, match="locked"), database.write() as transaction:
            transaction.run("PRAGMA busy_timeout=20")
            transaction.run("INSERT INTO tickets VALUES ('2026-04-01', 1, 'issue', 'waiting', NULL, 0, 0)")
    with database.read() as transaction:
        assert transaction.run("SELECT * FROM tickets") == []
    database.close()


def test_an_index_that_does_not_fit_its_table_is_damage(path: Path) -> None:
    database = open_database(f"sqlite:///{path}")
    assert database.damage() is None
    database.close()
    lose_from_index(path, "cases_person", lambda: open_journal(path).open_case("1", b"application"))
    damage = open_database(f"sqlite:///{path}").damage()
    assert damage is not None and "cases_person" in damage


def test_the_journal_of_the_first_schema_is_append_only_already(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:1])
    with open_database(path).read() as transaction:
        found = transaction.run("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'journal'")
    assert len(found) == len(database.APPEND_ONLY["sqlite"])


def test_a_store_that_must_be_there_is_not_made(path: Path) -> None:
    with pytest.raises(StoreUnusable, match=f"{path}: no store there"):
        open_database(f"sqlite:///{path}", must_exist=True)
    assert not path.exists()
    open_database(f"sqlite:///{path}").close()
    open_database(f"sqlite:///{path}", must_exist=True).close()


@pytest.mark.parametrize("name", [b"q?1", b"od%41x", b"a#b&c=d@e:f", b"\xff\xfe", "幌延 町".encode()])
def test_a_store_lies_in_the_directory_that_is_named_whatever_its_name(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name) / "kiosk.db"
    with pytest.raises(StoreUnusable, match="no store there"):
        open_database(path, must_exist=True)
    path.parent.mkdir()
    open_database(path).close()
    open_authority_books(path.with_name("store.db")).close()
    assert os.listdir(os.fsencode(tmp_path)) == [name]
    assert {"kiosk.db", "store.db"} <= set(os.listdir(path.parent))


def rewrite_schema(path: Path, was: str, becomes: str) -> None:
    """Changes the text of the schema."""
    with changing_schema(path) as connection:
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'cases'", (was, becomes))


def test_the_letter_case_of_a_column_is_nothing_and_another_column_is_a_damaged_store(path: Path) -> None:
    journal = open_journal(path)
    journal.open_case("1", b"application")
    rewrite_schema(path, "pseudonym", "Pseudonym")
    journal = open_journal(path)
    assert [case.number for case in journal.cases()] == ["1"]
    rewrite_schema(path, "code", "codf")
    with pytest.raises(UNREADABLE, match="a row without code"):
        open_journal(path).cases()
    # What a row never has is no column.
    with open_database(f"sqlite:///{path}").read() as transaction:
        row = transaction.run("SELECT 1 AS one").one()
    assert row == (1,) and not hasattr(row, "_two")


def test_a_store_that_is_refused_is_closed_again(path: Path) -> None:
    database = open_database(f"sqlite:///{path}")
    with database.write() as transaction:
        transaction.run("INSERT INTO schema_version VALUES (1000)")
    database.close()
    with pytest.raises(StoreTooNew):
        open_database(f"sqlite:///{path}")
    assert str(path) not in {os.readlink(f"/proc/self/fd/{number}") for number in open_descriptors()}


def open_descriptors() -> list[str]:
    return [number for number in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{number}")]


@pytest.mark.parametrize(("rows", "kind"), [(20, CommitUnknown), (5000, NotWritten)])
def test_a_full_disk_is_told_and_leaves_what_was_acknowledged(path: Path, rows: int, kind: type[StoreLost]) -> None:
    database = open_database(f"sqlite:///{path}")
    with database.write() as transaction:
        transaction.run("CREATE TABLE t (n INTEGER, b TEXT)")
        transaction.run("INSERT INTO t VALUES (1, 'kept')")
    with full_disk(path.stat().st_size), pytest.raises(kind), database.write() as transaction:
        # Few rows wait in memory for the commit; many are written before it.
        for number in range(rows):
            transaction.run("INSERT INTO t VALUES (?, ?)", number, "x" * 1000)
    for again in (database, open_database(f"sqlite:///{path}")):
        with again.read() as transaction:
            assert [value for (value,) in transaction.run("SELECT b FROM t")] == ["kept"]
    with database.write() as transaction:
        transaction.run("INSERT INTO t VALUES (2, 'also kept')")
    with database.read() as transaction:
        assert transaction.run("SELECT COUNT(*) FROM t").scalar_one() == 2


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file can be written beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_is_no_database_is_a_damaged_store(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)
    with pytest.raises(StoreDamaged):
        open_database(path)


def test_a_commit_whose_wait_was_broken_off_is_waited_for_by_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C, say: nobody heard how it ended."""
    opened = open_database(path)
    waited: list[object] = []
    monkeypatch.setattr(database, "_await_lost_commit", waited.append)
    with opened.write():
        pass
    with opened.read():
        assert waited == []
    with monkeypatch.context() as broken:
        broken.setattr(database, "_commit", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt), opened.write():
            pass
    for _ in range(2):
        with opened.read():
            assert len(waited) == 1
    opened.close()
