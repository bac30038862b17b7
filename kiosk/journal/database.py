"""The store's database: transactions that do not interleave, and what is known once one has failed."""

import sqlite3
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from kiosk.journal.connection import Connection, Connections, Dialect, DriverFailed, place_of
from kiosk.journal.errors import CommitUnknown, NotWritten, StoreDamaged, StoreLost, StoreTooNew, StoreUnusable
from kiosk.journal.schema import APPEND_ONLY, COLUMN_TYPES, MIGRATIONS

UNREADABLE = (DriverFailed,)
"""What reading raises when the store's file is damaged."""

_BEGIN_WRITING = {
    Dialect.SQLITE: "BEGIN IMMEDIATE",
    # One lock for writers and migrations, on a table so small that no vacuum of it ever holds anybody up. A station
    # that is frozen while it has the lock loses it, so that the others can go on.
    Dialect.POSTGRESQL: (
        "SET LOCAL idle_in_transaction_session_timeout = '30s'; LOCK TABLE schema_version IN EXCLUSIVE MODE"
    ),
}

_BEGIN_MIGRATING = {
    Dialect.SQLITE: "BEGIN IMMEDIATE",
    # CREATE TABLE IF NOT EXISTS can fail when two sessions do it at once.
    Dialect.POSTGRESQL: "SELECT pg_advisory_xact_lock(7305228143517202293)",
}

_CHANNEL = "kiosk_stations"
"""Where PostgreSQL tells of changes."""

_LOOK_S = 0.05
"""How often SQLite's count of commits is looked at."""


class Rows(list[Any]):
    """What a statement answered: named tuples, whose values can be read by the names of their columns."""

    def first(self) -> Any | None:
        """The first row, None when there is none."""
        return self[0] if self else None

    def one(self) -> Any:
        """The only row."""
        (row,) = self
        return row

    def scalar_one(self) -> Any:
        """The only value of the only row."""
        ((value,),) = self
        return value


def _spread(statement: str, values: Sequence[object]) -> tuple[str, tuple[object, ...]]:
    """Has a list's mark stand for each of its values; one without values holds none, which is what NULL says there."""
    begin, *rest = statement.split("?")
    found: list[object] = []
    for value, part in zip(values, rest, strict=True):
        several = (value or (None,)) if isinstance(value, tuple) else (value,)
        marks = ", ".join("?" * len(several))
        begin += (f"({marks})" if isinstance(value, tuple) else marks) + part
        found.extend(several)
    return begin, tuple(found)


class Transaction:
    """Statements on one connection: in `Database.write` all see one state of the store, in `read` each the last one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._has_positional_marks = connection.dialect is Dialect.SQLITE
        self.has_failed = False

    def run(self, statement: str, *values: object) -> Rows:
        """Runs one statement; each `?` in it stands for the next value, a tuple for a list: `seq IN ?`.

        Raises `DriverFailed`.
        """
        if tuple in map(type, values):
            statement, values = _spread(statement, values)
        if not self._has_positional_marks:
            statement = statement.replace("%", "%%").replace("?", "%s")
        try:
            names, rows = self._connection.run(statement, values)
        except DriverFailed:
            self.has_failed = True
            raise
        return Rows(map(_row_of(names)._make, rows))

    def add(self, statement: str, *values: object) -> None:
        """Writes what a statement without an answer says, at the latest before anything else is run.

        Raises `DriverFailed`.
        """
        self.run(statement, *values)

    def tell(self) -> None:
        """Has those who are `watching` look once this is committed."""
        if not self._has_positional_marks:
            self.run(f"NOTIFY {_CHANNEL}")


@cache
def _row_of(names: tuple[str, ...]) -> Any:
    # A name's letter case, which one flipped bit of the file changes, is nothing to SQL.
    return _row_with(tuple(name.lower() for name in names))


def _row_with(columns: tuple[str, ...]) -> Any:
    return type("Row", (namedtuple("Row", columns, rename=True),), {"__slots__": (), "__getattr__": _not_there})


def _not_there(_: object, name: str) -> object:
    """A column that the store ought to have and has not: it is damaged."""
    if name.startswith("_"):
        raise AttributeError(name)
    raise DriverFailed(f"a row without {name}")


class Database:
    """One store. `write` transactions exclude each other across processes; `read` sees the last committed state.

    Both raise `StoreLost` when the store fails.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._may_be_committing = False

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is durable when the block has ended, and undone when the block raises."""
        with self._connected() as connection:
            with _told_as(NotWritten, self._connections.dialect):
                _begin(connection)
                transaction = Transaction(connection)
                yield transaction
            if transaction.has_failed:
                # PostgreSQL would answer such a commit by a rollback, and no error.
                raise NotWritten("a statement of the transaction failed")
            try:
                _commit(connection)
            except NotWritten:
                raise
            except BaseException:
                # Whatever ended the wait for it, such as Ctrl-C: it may be going on.
                self._may_be_committing = True
                raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A read-only view."""
        with self._connected() as connection, _told_as(NotWritten, self._connections.dialect):
            yield Transaction(connection)

    @contextmanager
    def watching(self) -> Iterator[Callable[[float], None]]:
        """A wait of at most so many seconds, which ends sooner when another process has told of a change.

        SQLite counts commits of others (https://sqlite.org/pragma.html#pragma_data_version), PostgreSQL hears of what
        `Transaction.tell` said (https://www.postgresql.org/docs/15/sql-listen.html).
        """
        with _told_as(NotWritten, self._connections.dialect), closing(self._take()) as connection:
            if connection.dialect is Dialect.SQLITE:
                yield _data_version_wait(connection)
            else:
                connection.listen(_CHANNEL)
                yield connection.await_notification

    def damage(self) -> str | None:
        """What SQLite finds wrong with its own file, such as an index that does not fit its table; None when nothing.

        PostgreSQL has its checksums, and answers nothing here.
        """
        if self._connections.dialect is not Dialect.SQLITE:
            return None
        with self.read() as transaction:
            found = str(transaction.run("PRAGMA integrity_check(1)").scalar_one())
        return None if found == "ok" else found

    def close(self) -> None:
        """Closes all connections, those that are in use as soon as they no longer are."""
        self._connections.close()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        connection = self._take()
        with self._connections.lent(connection):
            yield connection

    def _take(self) -> Connection:
        with _told_as(NotWritten, self._connections.dialect):
            if self._may_be_committing:
                _await_lost_commit(self._connections)
                self._may_be_committing = False
            return self._connections.take()


def _data_version_wait(connection: Connection) -> Callable[[float], None]:
    seen = connection.value("PRAGMA data_version")

    def wait(timeout_s: float) -> None:
        nonlocal seen
        end_s = time.monotonic() + timeout_s
        # SQLite tells nobody of a commit; its count has to be looked at.
        while (now := connection.value("PRAGMA data_version")) == seen and (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(_LOOK_S, left_s))
        seen = now

    return wait


def open_database(location: str | Path, *, must_exist: bool = False, must_stay: bool = False) -> Database:
    """Opens the store, a file or one with a URL (`place_of`), and migrates it to the present schema.

    Waits until no transaction of an earlier process is in progress. With `must_exist` no SQLite file is made; with
    `must_stay` a store of an earlier schema is refused.
    Raises `StoreUnusable`, `StoreTooNew` for a newer program's store, and `StoreLost`.
    """
    place = place_of(location)
    if must_exist and place.dialect is Dialect.SQLITE:
        file = Path(place.file)
        if not (file.is_file() and file.stat().st_size):
            raise StoreUnusable(f"{place.shown}: no store there")
    connections = Connections(place)
    try:
        try:
            with _told_as(lambda reason: NotWritten(f"{place.shown}: {reason}"), place.dialect, _OURS_AT_OPEN):
                _migrate(connections, must_stay=must_stay)
        except BaseException:
            connections.close()
            raise
    except DriverFailed as error:
        kind = StoreDamaged if error.code in _DAMAGED else StoreUnusable
        raise kind(f"{place.shown}: {error.reason}") from None
    except (TypeError, UnicodeDecodeError) as error:
        # What SQLite says of a damaged schema quotes it, and need not be text.
        raise StoreDamaged(f"{place.shown}: {error}") from None
    except ValueError as error:
        raise StoreUnusable(f"{place.shown}: {error}") from None
    except StoreUnusable as error:
        raise type(error)(f"{place.shown}: {error}") from None
    return Database(connections)


_OURS = (sqlite3.SQLITE_ERROR,)
"""What SQLite answers to a statement that it does not understand: our defect, not the store's.

Without a code at all it is the driver that cannot read what a damaged file holds.
"""

_OURS_AT_OPEN = (*_OURS, sqlite3.SQLITE_CANTOPEN)

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""What SQLite answers for a file that is none of its own, or whose tables are not those of its schema."""


@contextmanager
def _told_as(kind: Callable[[str], StoreLost], dialect: Dialect, ours: tuple[int, ...] = _OURS) -> Iterator[None]:
    try:
        yield
    except DriverFailed as error:
        is_ours = dialect is Dialect.SQLITE and error.code in (None, *ours)
        if is_ours or not error.is_operational:
            raise
        raise kind(error.reason) from error


def _begin(connection: Connection) -> None:
    """Begins a transaction that writes, once all others have ended."""
    connection.run(_BEGIN_WRITING[connection.dialect])


def _commit(connection: Connection) -> None:
    connection.warnings.clear()
    try:
        connection.commit()
    except DriverFailed as error:
        if error.code == sqlite3.SQLITE_BUSY:
            # Others were reading for all of `busy_timeout`; nothing was written to the file yet.
            raise NotWritten(error.reason) from error
        raise CommitUnknown(error.reason) from error
    if connection.warnings:
        # Committed by this server, and perhaps not by the standby that it waited for.
        raise CommitUnknown("; ".join(connection.warnings))


def _await_lost_commit(connections: Connections) -> None:
    """Waits for whatever an earlier connection has in progress: until it has ended, reading would find too little."""
    with connections.use() as connection:
        _begin(connection)


def _migrate(connections: Connections, *, must_stay: bool) -> None:
    dialect = connections.dialect
    with connections.use() as connection:
        connection.run(_BEGIN_MIGRATING[dialect])
        connection.run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
        if dialect is Dialect.POSTGRESQL:
            _begin(connection)
        version = connection.value("SELECT COALESCE(MAX(version), 0) FROM schema_version")
        if version > len(MIGRATIONS):
            raise StoreTooNew(f"store has schema {version}, this program knows {len(MIGRATIONS)}")
        if must_stay and version < len(MIGRATIONS):
            raise StoreUnusable(f"store has schema {version}, and has to be looked at with the program that wrote it")
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                connection.run(statement.format(**COLUMN_TYPES[dialect]))
            if number == 1:
                for statement in APPEND_ONLY[dialect]:
                    connection.run(statement)
            Transaction(connection).run("INSERT INTO schema_version VALUES (?)", number)
        connection.commit()
