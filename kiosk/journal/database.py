"""The store's database: connections that are durable, write transactions that do not interleave, numbered migrations.

SQLite runs with `journal_mode=TRUNCATE, synchronous=EXTRA` (https://sqlite.org/pragma.html#pragma_synchronous): several
processes may write, and nothing acknowledged is lost in a power cut. PostgreSQL runs as its server is configured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, CursorResult, Engine, event

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE cases (
            pseudonym TEXT PRIMARY KEY,
            station TEXT NOT NULL,
            number TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            person TEXT,
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
    (
        # The root of the largest complete subtree of the Merkle tree that ends with the entry, at even places.
        "ALTER TABLE journal ADD COLUMN node {bytes}",
        """CREATE TABLE heads (
            station TEXT NOT NULL,
            size {integer} NOT NULL,
            at {integer} NOT NULL,
            root {bytes} NOT NULL,
            signature {bytes} NOT NULL,
            PRIMARY KEY (station, size))""",
        "ALTER TABLE receipts ADD COLUMN proof TEXT",
        "CREATE INDEX cases_person ON cases (person)",
        "CREATE INDEX cases_state ON cases (station, state)",
    ),
)
"""SQL of each schema version, applied in order and never changed afterwards; `{bytes}` and `{integer}` are types."""

UNREADABLE = (sqlalchemy.exc.DatabaseError,)
"""What reading raises when the store's file is damaged."""

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


class StoreTooNew(Exception):
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

    def damage(self) -> str | None:
        """What SQLite finds wrong with its own file, such as an index that does not fit its table; None when nothing.

        PostgreSQL has its checksums, and answers nothing here.
        """
        if self._engine.dialect.name != "sqlite":
            return None
        with self.read() as transaction:
            found = str(transaction.run("PRAGMA integrity_check(1)").scalar_one())
        return None if found == "ok" else found

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Opens the store at an SQLAlchemy URL and migrates it to the present schema. Raises `StoreTooNew`."""
    engine = sqlalchemy.create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _make_durable)
    _migrate(engine)
    return Database(engine)


def _make_durable(connection: Any, _record: object) -> None:
    # None hands transaction control to us: the driver would otherwise begin a deferred one, which can deadlock.
    connection.isolation_level = None
    # secure_delete, because a destroyed key must not remain in the free space of a page.
    pragmas = (
        "journal_mode=TRUNCATE",
        "synchronous=EXTRA",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "secure_delete=ON",
    )
    for pragma in pragmas:
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
