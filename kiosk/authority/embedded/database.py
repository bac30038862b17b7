"""Where the authority's books are kept: SQLite for one process or a few, PostgreSQL for many, by one set of statements.

SQLite: `journal_mode=TRUNCATE, synchronous=EXTRA`, one writer at a time; what is written together shares one commit, so
that the disk is waited for once for all of it. PostgreSQL: writers run beside each other and lock what they decide
about by name; its server gathers their commits. Either way what was answered survives a power cut.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from kiosk.authority.embedded.schema import MIGRATIONS
from kiosk.journal.database import POSTGRESQL_SETTINGS, SQLITE_PRAGMAS, Transaction
from kiosk.journal.database import Database as JournalDatabase


class StoreTooNew(Exception):
    """The store was written by a newer version of this program."""


class StoreUnusable(Exception):
    """There is no store at this URL, or none that can be used; says why, without the URL's password."""


class CommitLost(Exception):
    """The commit that several transactions shared could not be made: nothing is known to be stored of any of them."""


_TYPES = {
    "sqlite": {"text": "TEXT", "bytes": "BLOB", "integer": "INTEGER"},
    # Ordered by bytes as in SQLite, whatever the server's locale.
    "postgresql": {"text": 'TEXT COLLATE "C"', "bytes": "BYTEA", "integer": "BIGINT"},
}

_LOCK = "SELECT pg_advisory_xact_lock(?)"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(?)"
_MIGRATION_LOCK = 5318008_2011
_POOL = 48
"""Connections that are kept: one a thread that the server works with, and some to spare."""


class Transactions(Protocol):
    """Where transactions come from."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that is undone when the block raises."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A view of the last committed state, and of what was written together with it."""


class Database:
    """One store; may be used by several threads."""

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self.is_shared = engine.dialect.name == "postgresql"
        self.commit_s = 0.0
        """How long the last commit took, on SQLite."""
        self._turn = threading.Lock()
        self._writer: Connection | None = None
        self._readers: deque[tuple[Connection, Transaction]] = deque()
        self._journal: JournalDatabase | None = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is durable when the block has ended, and undone when the block raises."""
        if self.is_shared:
            with self._engine.begin() as connection:
                yield Transaction(connection)
            return
        with self.together() as one, one.write() as transaction:
            yield transaction

    @contextmanager
    def together(self) -> Iterator[Transactions]:
        """Transactions of one thread that are durable when the block has ended, and undone when the block raises.

        On PostgreSQL each is durable by itself, and other threads' run beside it. Raises `CommitLost`.
        """
        if self.is_shared:
            yield self
            return
        with self._turn:
            # Kept open, as the readers are.
            connection = self._writer = self._writer or self._engine.connect()
            shared = _SharedCommit(connection)
            try:
                yield shared
                begun_s = self._monotonic()
                shared.conclude()
                self.commit_s = self._monotonic() - begun_s
            except BaseException:
                self._writer = None
                # Closing undoes what was not committed.
                connection.close()
                raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A view of the last committed state."""
        if self.is_shared:
            with self._engine.connect() as connection:
                yield Transaction(connection)
            return
        # Kept open: to fetch a connection takes as long as what is read over it. None of them is in a transaction.
        try:
            reader = self._readers.popleft()
        except IndexError:
            connection = self._engine.connect()
            reader = connection, Transaction(connection)
        try:
            yield reader[1]
        finally:
            self._readers.append(reader)

    def lock(self, transaction: Transaction, *names: bytes) -> None:
        """Keeps other writers away from what has this name until the transaction ends."""
        if self.is_shared:
            transaction.run(_LOCK, _lock_number(*names))

    def lock_one_of(self, transaction: Transaction, names: Sequence[str]) -> str:
        """Keeps other writers away from the first of these names that nobody else has locked; else waits for one."""
        if not self.is_shared:
            return names[0]
        for name in names:
            if transaction.run(_TRY_LOCK, _lock_number(name.encode())).scalar_one():
                return name
        self.lock(transaction, names[0].encode())
        return names[0]

    def journal(self) -> JournalDatabase:
        """The same store, as those read it who verify a journal; it is closed with this one."""
        self._journal = self._journal or JournalDatabase(self._engine)
        return self._journal

    def close(self) -> None:
        """Closes all connections; the next use opens others."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        while self._readers:
            self._readers.pop()[0].close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._engine.dispose()


class _SharedCommit:
    """Transactions on SQLite that end in one commit; each is undone alone."""

    def __init__(self, connection: Connection) -> None:
        self._transaction = Transaction(connection)
        self._driver: Any = connection.connection.driver_connection
        self._is_begun = False
        self._is_void = True

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        transaction = self._transaction
        if not self._is_begun:
            # Others wait from here on, not while requests are still only being read.
            transaction.run("BEGIN IMMEDIATE")
            self._is_begun = True
        self._check()
        transaction.run("SAVEPOINT one_of_many")
        try:
            yield transaction
            self._is_void = False
        except BaseException:
            transaction.run("ROLLBACK TO one_of_many")
            raise
        finally:
            transaction.run("RELEASE one_of_many")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        yield self._transaction

    def conclude(self) -> None:
        """Makes it all durable. Raises `CommitLost`."""
        if not self._is_begun:
            return
        self._check()
        try:
            self._transaction.run("ROLLBACK" if self._is_void else "COMMIT")
        except SQLAlchemyError as error:
            raise CommitLost("the store failed") from error

    def _check(self) -> None:
        # After some failures, such as a full disk, SQLite has undone everything by itself (lang_transaction.html).
        if not self._driver.in_transaction:
            raise CommitLost("the store has undone what was not committed")


def _lock_number(*names: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"\0".join(names)).digest()[:8], "big", signed=True)


def open_database(location: Path | str) -> Database:
    """Opens the store, a file or an SQLAlchemy URL, made first where there is none, and migrates it.

    Raises `StoreTooNew`, `StoreUnusable`.
    """
    try:
        url = URL.create("sqlite", database=str(location)) if isinstance(location, Path) else _url(location)
        engine = _engine(url)
        _migrate(engine)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise StoreUnusable(reason) from None
    return Database(engine)


def _url(text: str) -> URL:
    try:
        url = sqlalchemy.make_url(text)
    except (SQLAlchemyError, ValueError):
        # What cannot be taken apart may hold a password anywhere.
        raise StoreUnusable("the store's URL is none; such as postgresql+psycopg://HOST/NAME") from None
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StoreUnusable(f"a store is sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, not {url.drivername}")
    if url.drivername == "sqlite" and (url.database or "").partition(":")[0] in ("", "file"):
        raise StoreUnusable("no file is named, and an authority's books have to last: sqlite:///FILE")
    return url


def _engine(url: URL) -> Engine:
    # Values are personal data; they stay out of exception texts.
    if url.drivername == "sqlite":
        # A thread that reads must not wait for one that writes.
        engine = sqlalchemy.create_engine(url, hide_parameters=True, pool_size=_POOL, max_overflow=-1)
        event.listen(engine, "connect", _set_up_sqlite)
    else:
        engine = sqlalchemy.create_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_size=_POOL, max_overflow=_POOL
        )
        event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if _version(connection) == len(MIGRATIONS):
            return
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        # Asked again under the lock: another process may have been faster.
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise StoreTooNew(
                f"{engine.url.database}: store has schema {version}, this program knows {len(MIGRATIONS)}"
            )
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.exec_driver_sql(statement.format(**_TYPES[engine.dialect.name]))
        _set_version(connection, len(MIGRATIONS))
        connection.commit()


def _version(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if connection.exec_driver_sql("SELECT to_regclass('authority_schema')").scalar_one() is None:
        return 0
    return int(connection.exec_driver_sql("SELECT MAX(version) FROM authority_schema").scalar_one())


def _set_version(connection: Connection, version: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
        return
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS authority_schema (version INTEGER PRIMARY KEY)")
    connection.exec_driver_sql(f"INSERT INTO authority_schema VALUES ({version})")  # noqa: S608  # an int of ours


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # None hands transaction control to us: the driver would otherwise begin a deferred one, which can deadlock.
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    for setting in POSTGRESQL_SETTINGS:
        connection.execute(f"SET {setting}")
    connection.commit()
