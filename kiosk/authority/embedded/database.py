"""Where the authority's books are kept: SQLite for one process or a few, PostgreSQL for many, by one set of statements.

SQLite: `journal_mode=TRUNCATE, synchronous=EXTRA`, one writer at a time; threads that wait for their turn share one
commit, so that the disk is waited for once for all of them. PostgreSQL: writers run beside each other and lock what
they decide about by name; its server gathers their commits. Either way what was answered survives a power cut.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from kiosk.authority.embedded.schema import MIGRATIONS
from kiosk.journal.database import POSTGRESQL_SETTINGS, SQLITE_PRAGMAS, Transaction


class StoreTooNew(Exception):
    """The store was written by a newer version of this program."""


class StoreUnusable(Exception):
    """There is no store at this URL, or none that can be used; says why, without the URL's password."""


class CommitLost(Exception):
    """The transaction that this one shared its commit with took both along: nothing is known to be stored."""


MOST_IN_A_COMMIT = 32
"""So many write transactions share one commit at most, lest the first of them wait for ever."""

_TYPES = {
    "sqlite": {"text": "TEXT", "bytes": "BLOB", "integer": "INTEGER"},
    # Ordered by bytes as in SQLite, whatever the server's locale.
    "postgresql": {"text": 'TEXT COLLATE "C"', "bytes": "BYTEA", "integer": "BIGINT"},
}

_LOCK = "SELECT pg_advisory_xact_lock(?)"
_MIGRATION_LOCK = 5318008_2011
_POOL = 48
"""Connections that are kept: one a thread that the server works with, and some to spare."""


@dataclass
class _Commit:
    """A commit that several threads wait for."""

    connection: Connection
    transaction: Transaction
    size: int = 0
    is_void: bool = True
    failure: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Database:
    """One store; may be used by several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_shared = engine.dialect.name == "postgresql"
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._open: _Commit | None = None
        self._readers: deque[tuple[Connection, Transaction]] = deque()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is durable when the block has ended, and undone when the block raises."""
        if self.is_shared:
            with self._engine.begin() as connection:
                yield Transaction(connection)
            return
        with self._taking_turns() as commit:
            transaction = commit.transaction
            transaction.run("SAVEPOINT one_of_many")
            try:
                yield transaction
                commit.is_void = False
            except BaseException:
                transaction.run("ROLLBACK TO one_of_many")
                raise
            finally:
                transaction.run("RELEASE one_of_many")
        commit.done.wait()
        if commit.failure is not None:
            raise CommitLost("the store failed") from commit.failure

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
            number = int.from_bytes(hashlib.sha256(b"\0".join(names)).digest()[:8], "big", signed=True)
            transaction.run(_LOCK, number)

    def close(self) -> None:
        """Closes all connections."""
        while self._readers:
            self._readers.pop()[0].close()
        self._engine.dispose()

    @contextmanager
    def _taking_turns(self) -> Iterator[_Commit]:
        with self._count:
            self._waiting += 1
        with self._turn:
            with self._count:
                self._waiting -= 1
            commit = self._open = self._open or self._begin()
            commit.size += 1
            try:
                yield commit
            finally:
                # Whoever waits for his turn goes on with the same transaction, and commits for all.
                if self._waiting == 0 or commit.size >= MOST_IN_A_COMMIT:
                    self._open = None
                    self._conclude(commit)

    def _begin(self) -> _Commit:
        connection = self._engine.connect()
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            connection.close()
            raise
        return _Commit(connection, Transaction(connection))

    def _conclude(self, commit: _Commit) -> None:
        try:
            if not commit.is_void:
                commit.connection.commit()
        except BaseException as error:
            commit.failure = error
            raise
        finally:
            commit.connection.close()
            commit.done.set()


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
    return url


def _engine(url: URL) -> Engine:
    # Values are personal data; they stay out of exception texts.
    if url.drivername == "sqlite":
        # A thread that waits for a connection while another waits for its commit would wait for ever.
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
            raise StoreTooNew(f"{engine.url!r}: store has schema {version}, this program knows {len(MIGRATIONS)}")
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
