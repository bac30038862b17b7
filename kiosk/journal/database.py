"""The store's database: connections that are durable, write transactions that do not interleave, numbered migrations.

SQLite runs with `journal_mode=TRUNCATE, synchronous=EXTRA` (https://sqlite.org/pragma.html#pragma_synchronous): several
processes may write, and nothing acknowledged is lost in a power cut. PostgreSQL runs as its server is configured.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, CursorResult, Engine, event
from sqlalchemy.exc import SQLAlchemyError

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE cases (
            pseudonym TEXT PRIMARY KEY,
            station TEXT NOT NULL,
            number TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            person TEXT,
            card TEXT,
            state TEXT NOT NULL,
            code TEXT,
            seal {bytes},
            UNIQUE (number, attempt))""",
        """CREATE TABLE effects (
            pseudonym TEXT NOT NULL REFERENCES cases (pseudonym),
            step TEXT NOT NULL,
            state TEXT NOT NULL,
            intent {bytes},
            outcome {bytes},
            PRIMARY KEY (pseudonym, step))""",
        """CREATE TABLE journal (
            station TEXT NOT NULL,
            seq {integer} NOT NULL,
            body TEXT NOT NULL,
            hash {bytes} NOT NULL,
            PRIMARY KEY (station, seq))""",
        """CREATE TABLE receipts (
            number {integer} PRIMARY KEY,
            pseudonym TEXT NOT NULL UNIQUE REFERENCES cases (pseudonym))""",
    ),
)
"""SQL of each schema version, applied in order and never changed afterwards; `{bytes}` and `{integer}` are types."""

_BEGIN_WRITING = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "LOCK TABLE journal IN EXCLUSIVE MODE",
}

_TYPES = {
    "sqlite": {"bytes": "BLOB", "integer": "INTEGER"},
    "postgresql": {"bytes": "BYTEA", "integer": "BIGINT"},
}

_APPEND_ONLY = {
    "sqlite": tuple(
        f"""CREATE TRIGGER journal_no_{verb.lower()} BEFORE {verb} ON journal
            BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"""
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE FUNCTION journal_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$""",
        """CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
            FOR EACH ROW EXECUTE FUNCTION journal_append_only()""",
    ),
}


class StoreUnusable(Exception):
    """No store can be had at a URL; the message names it, without password, and says why."""


class StoreTooNew(StoreUnusable):
    """The database was written by a newer version of this program."""


class Transaction:
    """Statements that see one state of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, statement: str, *values: object) -> CursorResult[Any]:
        """Runs one statement; each `?` in it stands for the next value."""
        if self._connection.dialect.paramstyle != "qmark":
            statement = statement.replace("?", "%s")
        return self._connection.exec_driver_sql(statement, values)


class Database:
    """One store. `write` transactions exclude each other across processes; `read` sees the last committed state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is durable when the block has ended, and undone when the block raises."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(_BEGIN_WRITING[self._engine.dialect.name])
            yield Transaction(connection)
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A read-only view."""
        with self._engine.connect() as connection:
            yield Transaction(connection)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def open_database(url: str, *, must_exist: bool = False) -> Database:
    """Opens the store at an SQLAlchemy URL and migrates it to the present schema.

    With `must_exist` no SQLite file is made. Raises `StoreUnusable`, and `StoreTooNew` for a newer program's.
    """
    try:
        parsed = sqlalchemy.make_url(url)
    except (SQLAlchemyError, ValueError):
        # What cannot be taken apart may hold a password anywhere.
        raise StoreUnusable("the store's URL is none; such as sqlite:///FILE, postgresql+psycopg://HOST/NAME") from None
    # Among the options after "?" there may be a password.
    shown = parsed.set(query={}).render_as_string(hide_password=True)
    backend = parsed.get_backend_name()
    if backend not in _TYPES:
        raise StoreUnusable(f"{shown}: a store is kept by {' or '.join(_TYPES)}, not {backend}")
    if must_exist and backend == "sqlite" and not Path(parsed.database or "").is_file():
        raise StoreUnusable(f"{shown}: no store there")
    try:
        # Values are personal data; they stay out of exception texts.
        engine = sqlalchemy.create_engine(parsed, hide_parameters=True)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StoreUnusable(f"{shown}: {error}") from None
    if backend == "sqlite":
        event.listen(engine, "connect", _make_durable)
    try:
        _migrate(engine)
    except (SQLAlchemyError, sqlite3.Error, TypeError, ValueError) as error:
        engine.dispose()
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        raise StoreUnusable(f"{shown}: {reason}") from None
    except StoreTooNew as error:
        engine.dispose()
        raise StoreTooNew(f"{shown}: {error}") from None
    return Database(engine)


def _make_durable(connection: Any, _record: object) -> None:
    # None hands transaction control to us: the driver would otherwise begin a deferred one, which can deadlock.
    connection.isolation_level = None
    for pragma in ("journal_mode=TRUNCATE", "synchronous=EXTRA", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _migrate(engine: Engine) -> None:
    dialect = engine.dialect.name
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
        connection.commit()
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "BEGIN IMMEDIATE" if dialect == "sqlite" else "LOCK TABLE schema_version IN EXCLUSIVE MODE"
        )
        version = connection.exec_driver_sql("SELECT COALESCE(MAX(version), 0) FROM schema_version").scalar_one()
        if version > len(MIGRATIONS):
            raise StoreTooNew(f"store has schema {version}, this program knows {len(MIGRATIONS)}")
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                connection.exec_driver_sql(statement.format(**_TYPES[dialect]))
            if number == 1:
                for statement in _APPEND_ONLY[dialect]:
                    connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"INSERT INTO schema_version VALUES ({number})")  # noqa: S608  # an int of ours
        connection.commit()
