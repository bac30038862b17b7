"""Every column of the store is vouched for by the journal, or listed with the reason why nobody is harmed by it."""

import contextlib
import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kiosk.config import SHIPPED, load_config
from kiosk.exit_code import ExitCode
from kiosk.journal.command import run_journal
from kiosk.journal.connection import place_of
from kiosk.journal.database import open_database
from kiosk.journal.vouched import UNVOUCHED, VOUCHED
from tests.journal.full_store import fill_all, lay_keys
from tests.stores import Store

BYTES = ("intent", "outcome", "testimony", "seal", "escrow", "node")
"""Columns of bytes that may have none."""


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Callable[[], tuple[ExitCode, str]]:
    fill_all(store.url)
    lay_keys(tmp_path)
    return lambda: verify(store, tmp_path)


def verify(store: Store, folder: Path, head: str | None = None) -> tuple[ExitCode, str]:
    printed = io.StringIO()
    config = load_config(SHIPPED / "kiosk.toml", [("store.url", store.url)])
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        return run_journal(config, folder, "verify", head), printed.getvalue()


def schema(store: Store) -> dict[str, set[str]]:
    """Tables and their columns, as the database itself has them."""
    database = open_database(store.url)
    with database.read() as transaction:
        if store.url.startswith("sqlite"):
            rows = transaction.run(
                "SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c"
                " WHERE m.type = 'table'"
            )
        else:
            rows = transaction.run(
                "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = 'public'"
            )
    database.close()
    tables: dict[str, set[str]] = {}
    for row in rows:
        tables.setdefault(row.t, set()).add(row.c)
    return tables


def test_no_column_is_forgotten(store: Store) -> None:
    listed: dict[str, list[str]] = {}
    for table, columns in (*VOUCHED.items(), *UNVOUCHED.items()):
        listed.setdefault(table, []).extend(columns)
    assert all(len(columns) == len(set(columns)) for columns in listed.values()), "a column is in both"
    assert {table: set(columns) for table, columns in listed.items()} == schema(store)
    assert all(reason for columns in UNVOUCHED.values() for reason in columns.values())


def test_a_full_store_holds(desk: Callable[[], tuple[ExitCode, str]]) -> None:
    code, printed = desk()
    assert code is ExitCode.OK
    assert "demo: 2 counts of the drawer are those that were journaled and signed\n" in printed
    assert "demo: head.key beside the store vouches for the journal" in printed
    assert "records that are sealed to it are those that were journaled" in printed


def changed(value: Any) -> object:
    """Another value of the same type."""
    match value:
        case None:
            return "x"
        case int():
            return value + 1000
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:]
        case _:
            return f"x{value}"


def set_anew(store: Store, table: str, column: str, row: Any, value: object) -> None:
    """Changes one value of one row, past whatever protects it: who can write everything can take that away."""
    key = {name: held for name, held in row._asdict().items() if held is not None}
    statement = f"UPDATE {table} SET {column} = ? WHERE {' AND '.join(f'{name} = ?' for name in key)}"
    if store.url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(place_of(store.url).file)) as connection, connection:
            for verb in ("update", "delete"):
                connection.execute(f"DROP TRIGGER IF EXISTS journal_no_{verb}")
            assert connection.execute(statement, (value, *key.values())).rowcount == 1
    else:
        database = open_database(store.url)
        with database.write() as transaction:
            transaction.run("DROP TRIGGER IF EXISTS journal_append_only ON journal")
            for referring in ("effects", "receipts"):
                transaction.run(f"ALTER TABLE {referring} DROP CONSTRAINT IF EXISTS {referring}_pseudonym_fkey")
            transaction.run(statement, value, *key.values())
        database.close()


@pytest.mark.parametrize("table", VOUCHED)
def test_whatever_is_changed_in_a_column_that_is_vouched_for_is_found(
    desk: Callable[[], tuple[ExitCode, str]], store: Store, table: str
) -> None:
    database = open_database(store.url)
    with database.read() as transaction:
        rows = transaction.run(f"SELECT {', '.join(VOUCHED[table])} FROM {table} ORDER BY 1, 2")
    database.close()
    for column in VOUCHED[table]:
        rows_by_kind = {getattr(row, column) is None: row for row in rows}
        assert False in rows_by_kind, f"the store has no {column}"
        for is_none, row in rows_by_kind.items():
            new = b"x" if is_none and column in BYTES else changed(getattr(row, column))
            set_anew(store, table, column, row, new)
            assert desk()[0] is ExitCode.REFUSED, f"{column} of {row} is {new!r}"
            set_anew(store, table, column, row._replace(**{column: new}), getattr(row, column))
    assert desk()[0] is ExitCode.OK
