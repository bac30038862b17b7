"""Where the authority's books are kept: SQLite for one process or a few, PostgreSQL for many, by one set of statements.

SQLite: `journal_mode=TRUNCATE, synchronous=EXTRA`, one writer at a time; what is written together shares one commit, so
that the disk is waited for once for all of it. PostgreSQL: writers run beside each other and lock what they decide
about by name; its server gathers their commits. Either way what was answered survives a power cut.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from kiosk.authority.embedded.schema import MIGRATIONS
from kiosk.authority.embedded.shared_commit import CommitLost, InStep, OneInStep, SharedCommit
from kiosk.journal import errors
from kiosk.journal.connection import Connection, Connections, Dialect, DriverFailed, place_of
from kiosk.journal.database import Database as JournalDatabase
from kiosk.journal.database import Transaction


class StoreTooNew(Exception):
    """The store was written by a newer version of this program."""


class StoreUnusable(Exception):
    """There is no store at this URL, or none that can be used; says why, without the URL's password."""


_TYPES = {
    Dialect.SQLITE: {"text": "TEXT", "bytes": "BLOB", "integer": "INTEGER"},
    # Ordered by bytes as in SQLite, whatever the server's locale.
    Dialect.POSTGRESQL: {"text": 'TEXT COLLATE "C"', "bytes": "BYTEA", "integer": "BIGINT"},
}

_LOCK = "SELECT pg_advisory_xact_lock(?)"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(?)"
_MIGRATION_LOCK = 5318008_2011


class Transactions(Protocol):
    """Where transactions come from."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that is undone when the block raises."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A view of the last committed state, and of what was written together with it."""


class Database:
    """One store; may be used by several threads."""

    def __init__(self, connections: Connections, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._connections = connections
        self._monotonic = monotonic
        self.is_shared = connections.dialect is Dialect.POSTGRESQL
        self.commit_s = 0.0
        """How long the last commit took, on SQLite."""
        self._turn = threading.Lock()
        self._writer: Connection | None = None
        self._journal: JournalDatabase | None = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is durable when the block has ended, and undone when the block raises."""
        if self.is_shared:
            with self._connections.use() as connection:
                transaction = Transaction(connection)
                yield transaction
                if transaction.has_failed:
                    # PostgreSQL would answer such a commit by a rollback, and no error.
                    raise CommitLost("a statement of the transaction failed")
                connection.commit()
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
        with self._committed_once(SharedCommit) as transactions:
            yield transactions

    @contextmanager
    def in_step(self) -> Iterator[Transactions]:
        """The same on SQLite, where several may be open at once.

        What one of them has locked another cannot have, and if one has to be undone, all are. Raises `CommitLost`,
        `OutOfStep`.
        """
        with self._committed_once(InStep) as transactions:
            yield transactions

    @contextmanager
    def _committed_once(self, kind: type[SharedCommit]) -> Iterator[Transactions]:
        with self._turn:
            connection = self._writer = self._writer or self._connections.take()
            shared = kind(connection)
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
        with self._connections.use() as connection:
            yield Transaction(connection)

    def lock(self, transaction: Transaction, *names: bytes) -> None:
        """Keeps other writers away from what has this name until the transaction ends. Raises `OutOfStep`."""
        if self.is_shared:
            transaction.run(_LOCK, _lock_number(*names))
        elif isinstance(transaction, OneInStep):
            transaction.lock(names)

    def share(self, transaction: Transaction, *names: bytes) -> None:
        """Keeps writers in step away from what has this name, unless they share it too. Raises `OutOfStep`.

        On PostgreSQL two who rely on each other and withdraw each other would wait for each other.
        """
        if isinstance(transaction, OneInStep):
            transaction.share(names)

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
        self._journal = self._journal or JournalDatabase(Connections(self._connections.place))
        return self._journal

    def close(self) -> None:
        """Closes all connections; the next use opens others."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._connections.close()
        self._connections = Connections(self._connections.place)


def _lock_number(*names: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"\0".join(names)).digest()[:8], "big", signed=True)


def open_database(location: Path | str) -> Database:
    """Opens the store, a file or one with a URL (`place_of`), made first where there is none, and migrates it.

    Raises `StoreTooNew`, `StoreUnusable`.
    """
    try:
        place = place_of(location)
    except errors.StoreUnusable as error:
        raise StoreUnusable(str(error)) from None
    connections = Connections(place)
    try:
        _migrate(connections)
    except BaseException as error:
        connections.close()
        if isinstance(error, DriverFailed | ValueError):
            raise StoreUnusable(f"{place.shown}: {getattr(error, 'reason', error)}") from None
        raise
    return Database(connections)


def _migrate(connections: Connections) -> None:
    with connections.use() as connection:
        if _version(connection) == len(MIGRATIONS):
            return
        if connection.dialect is Dialect.SQLITE:
            connection.run("BEGIN IMMEDIATE")
        else:
            connection.run(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        # Asked again under the lock: another process may have been faster.
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise StoreTooNew(
                f"{connections.place.shown}: store has schema {version}, this program knows {len(MIGRATIONS)}"
            )
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.run(statement.format(**_TYPES[connection.dialect]))
        _set_version(connection, len(MIGRATIONS))
        connection.commit()


def _version(connection: Connection) -> int:
    if connection.dialect is Dialect.SQLITE:
        return int(connection.value("PRAGMA user_version"))
    if connection.value("SELECT to_regclass('authority_schema')") is None:
        return 0
    return int(connection.value("SELECT MAX(version) FROM authority_schema"))


def _set_version(connection: Connection, version: int) -> None:
    if connection.dialect is Dialect.SQLITE:
        connection.run(f"PRAGMA user_version = {version}")
        return
    connection.run("CREATE TABLE IF NOT EXISTS authority_schema (version INTEGER PRIMARY KEY)")
    Transaction(connection).run("INSERT INTO authority_schema VALUES (?)", version)
