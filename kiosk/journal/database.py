"""The store's database: connections that are durable, and write transactions that do not interleave.

SQLite runs with `journal_mode=TRUNCATE, synchronous=EXTRA` (https://sqlite.org/pragma.html#pragma_synchronous): several
processes may write, and nothing acknowledged is lost in a power cut. PostgreSQL runs with `synchronous_commit=on`
(https://www.postgresql.org/docs/15/runtime-config-wal.html): what was acknowledged is on the server's disk and, where
the server names synchronous standbys, on theirs.
"""

import logging
import sqlite3
import time
from collections import deque, namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from kiosk.journal.errors import CommitUnknown, NotWritten, StoreDamaged, StoreLost, StoreTooNew, StoreUnusable
from kiosk.journal.schema import APPEND_ONLY, COLUMN_TYPES, MIGRATIONS

SQLITE_PRAGMAS: tuple[str, ...] = (
    "journal_mode=TRUNCATE",
    "synchronous=EXTRA",
    "foreign_keys=ON",
    "busy_timeout=10000",
    # A destroyed key must not remain in the free space of a page.
    "secure_delete=ON",
)
"""What every SQLite connection is set to."""

POSTGRESQL_SETTINGS = (
    "synchronous_commit = on",
    # A transaction begins with a lock and must see what was committed while it waited for it.
    "default_transaction_isolation = 'read committed'",
    "lock_timeout = '10s'",
)
"""What every PostgreSQL session is set to, whatever server, database and role say."""

_POSTGRESQL_PARAMETERS = {
    "application_name": "kiosk",
    "client_encoding": "utf8",
    # Of several hosts the one that is no standby.
    "target_session_attrs": "read-write",
    # A server that lost its power sends no word; without these the system waits for it for a quarter of an hour.
    "connect_timeout": "10",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
"""Connection parameters of libpq where the URL does not name them."""

UNREADABLE = (DatabaseError,)
"""What reading raises when the store's file is damaged."""

_BEGIN_WRITING = {
    "sqlite": "BEGIN IMMEDIATE",
    # One lock for writers and migrations, on a table so small that no vacuum of it ever holds anybody up. A station
    # that is frozen while it has the lock loses it, so that the others can go on.
    "postgresql": "SET LOCAL idle_in_transaction_session_timeout = '30s'; LOCK TABLE schema_version IN EXCLUSIVE MODE",
}

_BEGIN_MIGRATING = {
    "sqlite": "BEGIN IMMEDIATE",
    # CREATE TABLE IF NOT EXISTS can fail when two sessions do it at once.
    "postgresql": "SELECT pg_advisory_xact_lock(7305228143517202293)",
}

_CHANNEL = "kiosk_stations"
"""Where PostgreSQL tells of changes."""

_LOOK_S = 0.05
"""How often SQLite's count of commits is looked at."""

_WARNINGS = "warnings"
"""Where a connection keeps what its server warned of."""


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
    """Statements on one connection: in `Database.write` all see one state of the store, in `read` each the last one.

    They go to the driver itself: what SQLAlchemy does around each takes longer than SQLite does.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._has_positional_marks = connection.dialect.paramstyle == "qmark"
        self.has_failed = False

    def run(self, statement: str, *values: object) -> Rows:
        """Runs one statement; each `?` in it stands for the next value, a tuple for a list: `seq IN ?`."""
        if tuple in map(type, values):
            statement, values = _spread(statement, values)
        if not self._has_positional_marks:
            statement = statement.replace("%", "%%").replace("?", "%s")
        try:
            cursor = self._driver.execute(statement, values)
            if cursor.description is None:
                return Rows()
            row = _row_of(tuple(column[0] for column in cursor.description))
            return Rows(map(row._make, cursor.fetchall()))
        except _errors_of(self._connection) as error:
            self.has_failed = True
            raise _translated(error, self._connection, self._driver, statement, values) from error

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
    raise DatabaseError(f"a row without {name}", None, KeyError(name))


class Database:
    """One store. `write` transactions exclude each other across processes; `read` sees the last committed state.

    Both raise `StoreLost` when the store fails.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._may_be_committing = False
        self._idle: deque[Connection] = deque()
        """Connections to SQLite that are kept open: to fetch one takes as long as what is read over it."""
        self._is_closed = False

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is durable when the block has ended, and undone when the block raises."""
        with self._connected() as connection:
            with _told_as(NotWritten, self._engine):
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
        with self._connected() as connection, _told_as(NotWritten, self._engine):
            yield Transaction(connection)

    @contextmanager
    def watching(self) -> Iterator[Callable[[float], None]]:
        """A wait of at most so many seconds, which ends sooner when another process has told of a change.

        SQLite counts commits of others (https://sqlite.org/pragma.html#pragma_data_version), PostgreSQL hears of what
        `Transaction.tell` said (https://www.postgresql.org/docs/15/sql-listen.html).
        """
        with self._connected() as connection:
            driver: Any = connection.connection.driver_connection
            with _told_as(NotWritten, self._engine):
                if connection.dialect.name == "sqlite":
                    yield _data_version_wait(driver)
                else:
                    connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
                    connection.commit()
                    driver.autocommit = True
                    try:
                        yield lambda timeout_s: _await_notification(driver, timeout_s)
                    finally:
                        # Else whoever has the connection next would be told, and the driver would keep it all.
                        driver.execute("UNLISTEN *")
                        deque(driver.notifies(timeout=0), maxlen=0)
                        driver.autocommit = False

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
        """Closes all connections, those that are in use as soon as they no longer are."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            with _told_as(NotWritten, self._engine):
                connection = self._engine.connect()
        is_kept = False
        try:
            if self._may_be_committing:
                _await_lost_commit(connection)
                self._may_be_committing = False
            yield connection
            is_kept = self._engine.dialect.name == "sqlite" and not self._is_closed
        finally:
            if is_kept:
                self._idle.append(connection)
            else:
                _give_back(connection, may_be_kept=not self._is_closed)


def _data_version_wait(driver: Any) -> Callable[[float], None]:
    def version() -> int:
        return int(driver.execute("PRAGMA data_version").fetchone()[0])

    seen = version()

    def wait(timeout_s: float) -> None:
        nonlocal seen
        end_s = time.monotonic() + timeout_s
        # SQLite tells nobody of a commit; its count has to be looked at.
        while (now := version()) == seen and (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(_LOOK_S, left_s))
        seen = now

    return wait


def _await_notification(driver: Any, timeout_s: float) -> None:
    for _ in driver.notifies(timeout=timeout_s, stop_after=1):
        return


def open_database(location: str | Path, *, must_exist: bool = False, must_stay: bool = False) -> Database:
    """Opens the store, a file or an SQLAlchemy URL, and migrates it to the present schema.

    Waits until no transaction of an earlier process is in progress. With `must_exist` no SQLite file is made; with
    `must_stay` a store of an earlier schema is refused.
    Raises `StoreUnusable`, `StoreTooNew` for a newer program's store, and `StoreLost`.
    """
    parsed = _url(location)
    # What is wrong with a connection is raised; its pool would write a traceback besides when it takes it back.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    # Among the options after "?" there may be a password. A file's name need not be text, which a URL has to be.
    shown = str(location) if isinstance(location, Path) else parsed.set(query={}).render_as_string(hide_password=True)
    try:
        engine = _engine(parsed, must_exist=must_exist)
        try:
            with _told_as(lambda reason: NotWritten(f"{shown}: {reason}"), engine, _OURS_AT_OPEN):
                _migrate(engine, must_stay=must_stay)
        except BaseException:
            engine.dispose()
            raise
    except (SQLAlchemyError, sqlite3.Error, TypeError, ValueError) as error:
        kind = StoreDamaged if _is_damaged(error) else StoreUnusable
        raise kind(f"{shown}: {_reason(error)}") from None
    except StoreUnusable as error:
        raise type(error)(f"{shown}: {error}") from None
    return Database(engine)


def _url(location: str | Path) -> URL:
    if isinstance(location, Path):
        return URL.create("sqlite", database=str(location))
    try:
        return sqlalchemy.make_url(location)
    except (SQLAlchemyError, ValueError):
        # What cannot be taken apart may hold a password anywhere.
        raise StoreUnusable("the store's URL is none; such as sqlite:///FILE, postgresql+psycopg://HOST/NAME") from None


def _is_damaged(error: Exception) -> bool:
    """Whether an error at opening says that the file is wrong, rather than where it is looked for."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    # What SQLite says of a damaged schema quotes it, and need not be text.
    return code in _DAMAGED or isinstance(error, TypeError | UnicodeDecodeError)


def _engine(url: URL, *, must_exist: bool) -> Engine:
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite":
            file = Path(url.database or "")
            if must_exist and not (file.is_file() and file.stat().st_size):
                raise StoreUnusable("no store there")
            # Values are personal data; they stay out of exception texts.
            engine = sqlalchemy.create_engine(url, hide_parameters=True)
            event.listen(engine, "connect", _set_up_sqlite)
        case "postgresql+psycopg":
            url = url.set(query=_POSTGRESQL_PARAMETERS | dict(url.query))
            # Pre-ping: a server that was restarted since the last case is no trouble yet.
            engine = sqlalchemy.create_engine(url, hide_parameters=True, pool_pre_ping=True)
            event.listen(engine, "connect", _set_up_postgresql)
        case other:
            raise StoreUnusable(f"a store is sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, not {other}")
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # None hands transaction control to us: the driver would otherwise begin a deferred one, which can deadlock.
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _set_up_postgresql(connection: Any, record: Any) -> None:
    warnings = record.info[_WARNINGS] = []

    def note(notice: Any) -> None:
        if notice.severity_nonlocalized == "WARNING":
            warnings.append(notice.message_primary)

    connection.add_notice_handler(note)
    for setting in POSTGRESQL_SETTINGS:
        connection.execute(f"SET {setting}")
    connection.commit()


_OURS = (sqlite3.SQLITE_ERROR,)
"""What SQLite answers to a statement that it does not understand: our defect, not the store's.

Without a code at all it is the driver that cannot read what a damaged file holds.
"""

_OURS_AT_OPEN = (*_OURS, sqlite3.SQLITE_CANTOPEN)

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""What SQLite answers for a file that is none of its own, or whose tables are not those of its schema."""


@contextmanager
def _told_as(kind: Callable[[str], StoreLost], engine: Engine, ours: tuple[int, ...] = _OURS) -> Iterator[None]:
    driver: Any = engine.dialect.loaded_dbapi
    try:
        yield
    # The driver's own: while a connection is being set up, its errors are not translated.
    except (OperationalError, InterfaceError, driver.OperationalError, driver.InterfaceError) as error:
        is_sqlite = engine.dialect.name == "sqlite"
        if is_sqlite and getattr(getattr(error, "orig", error), "sqlite_errorcode", None) in (None, *ours):
            raise
        raise kind(_reason(error)) from error


def _reason(error: Exception) -> str:
    """The first line of what the driver said: neither a statement nor its values."""
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]


def _begin(connection: Connection) -> None:
    """Begins a transaction that writes, once all others have ended.

    As in `Transaction` the driver is told; SQLAlchemy knows nothing of the transaction.
    """
    driver: Any = connection.connection.driver_connection
    statement = _BEGIN_WRITING[connection.dialect.name]
    try:
        driver.execute(statement)
    except _errors_of(connection) as error:
        raise _translated(error, connection, driver, statement) from error


def _commit(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    warnings = connection.info.get(_WARNINGS, [])
    warnings.clear()
    try:
        driver.commit()
    except _errors_of(connection) as error:
        translated = _translated(error, connection, driver, "COMMIT")
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            # Others were reading for all of `busy_timeout`; nothing was written to the file yet.
            raise NotWritten(_reason(error)) from translated
        raise CommitUnknown(_reason(error)) from translated
    if warnings:
        # Committed by this server, and perhaps not by the standby that it waited for.
        raise CommitUnknown("; ".join(warnings))


def _errors_of(connection: Connection) -> type[Exception]:
    """What the driver raises."""
    error: type[Exception] = connection.dialect.loaded_dbapi.Error
    return error


def _translated(
    error: Exception, connection: Connection, driver: Any, statement: str, values: Sequence[object] = ()
) -> BaseException:
    """The driver's error as SQLAlchemy tells it, who gives up a connection that is of no more use."""
    dialect: Any = connection.dialect
    is_lost = dialect.is_disconnect(error, driver, None)
    if is_lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        statement,
        tuple(values),
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    )


def _give_back(connection: Connection, *, may_be_kept: bool) -> None:
    # Nothing depends on its success: what was not committed is undone by the store without being asked.
    with suppress(DBAPIError):
        if not may_be_kept:
            connection.invalidate()
        connection.close()


def _await_lost_commit(connection: Connection) -> None:
    """Waits for whatever an earlier connection has in progress: until it has ended, reading would find too little."""
    driver: Any = connection.connection.driver_connection
    with _told_as(NotWritten, connection.engine):
        _begin(connection)
        driver.rollback()


def _migrate(engine: Engine, *, must_stay: bool) -> None:
    dialect = engine.dialect.name
    with engine.connect() as connection:
        connection.exec_driver_sql(_BEGIN_MIGRATING[dialect])
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
        if dialect == "postgresql":
            connection.exec_driver_sql(_BEGIN_WRITING[dialect])
        version = connection.exec_driver_sql("SELECT COALESCE(MAX(version), 0) FROM schema_version").scalar_one()
        if version > len(MIGRATIONS):
            raise StoreTooNew(f"store has schema {version}, this program knows {len(MIGRATIONS)}")
        if must_stay and version < len(MIGRATIONS):
            raise StoreUnusable(f"store has schema {version}, and has to be looked at with the program that wrote it")
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                connection.exec_driver_sql(statement.format(**COLUMN_TYPES[dialect]))
            if number == 1:
                for statement in APPEND_ONLY[dialect]:
                    connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"INSERT INTO schema_version VALUES ({number})")  # noqa: S608  # an int of ours
        connection.commit()
