"""Connections to a store over its database's own driver: where it is, how a session is set, what went wrong on it.

SQLite runs with `journal_mode=TRUNCATE, synchronous=EXTRA` (https://sqlite.org/pragma.html#pragma_synchronous): several
processes may write, and nothing acknowledged is lost in a power cut. PostgreSQL runs with `synchronous_commit=on`
(https://www.postgresql.org/docs/15/runtime-config-wal.html): what was acknowledged is on the server's disk and, where
the server names synchronous standbys, on theirs.
"""

import os
import re
import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from kiosk.journal.errors import StoreUnusable

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


class Dialect(StrEnum):
    """The databases that a store can be in."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class DriverFailed(Exception):
    """A driver raised an error. The text has the first line of its reason, and the statement without its values."""

    def __init__(
        self, reason: str, statement: str = "", *, code: int | None = None, is_operational: bool = False
    ) -> None:
        super().__init__(f"{reason} [{statement}]" if statement else reason)
        self.reason = reason
        self.code = code
        """SQLite's result code (https://sqlite.org/rescode.html); None where it was not SQLite that refused."""
        self.is_operational = is_operational
        """Whether the database rather than the statement is to blame (`OperationalError` of PEP 249)."""


@dataclass(frozen=True)
class StorePlace:
    """Where a store is: a file, or a database of a PostgreSQL server."""

    dialect: Dialect
    shown: str
    """For people: without the password, and without the options, among which there may be one."""
    file: str = ""
    """SQLite: the file's name."""
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    """PostgreSQL: libpq's connection parameters (https://www.postgresql.org/docs/15/libpq-connect.html)."""


_FILE_URL = re.compile(r"sqlite(?:\+pysqlite)?:///(?P<file>[^?]+)(?P<options>\?.+)?\??")
_SERVER_URL = re.compile(
    r"(?P<scheme>[\w+]+)://"
    r"(?:(?P<user>[^:@/?]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<host>\[[^\]/?@]*\]|[^:/?@]*)(?::(?P<port>\d+))?"
    r"(?:/(?P<name>[^?@]*))?(?:\?(?P<options>.*))?"
)
_NO_URL = "the store's URL is none; such as sqlite:///FILE, postgresql+psycopg://HOST/NAME"
"""What cannot be taken apart may hold a password anywhere, and is not quoted."""


def place_of(location: str | Path) -> StorePlace:
    """Where a file, or the store with this URL, is. Raises `StoreUnusable`."""
    if isinstance(location, Path):
        return _file_at(str(location), str(location))
    if location.startswith("sqlite"):
        return _file_of(location)
    parts = _SERVER_URL.fullmatch(location)
    if parts is None:
        raise StoreUnusable(_NO_URL)
    shown = _without_secrets(parts)
    if parts["scheme"] != "postgresql+psycopg":
        raise StoreUnusable(
            f"{shown}: a store is sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, not {parts['scheme']}"
        )
    return StorePlace(Dialect.POSTGRESQL, shown, parameters=_parameters(parts, shown))


def _file_of(url: str) -> StorePlace:
    parts = _FILE_URL.fullmatch(url)
    # SQLite would keep such a store in memory, and it would be gone with the process.
    if parts is None or parts["file"].startswith(("file:", ":memory:")):
        raise StoreUnusable("no file is named, and what a store keeps has to last: sqlite:///FILE")
    if parts["options"]:
        raise StoreUnusable("SQLite takes no options after a question mark: sqlite:///FILE")
    return _file_at(parts["file"], url.removesuffix("?"))


def _file_at(file: str, shown: str) -> StorePlace:
    # A relative name would be another file once the working directory has changed.
    return StorePlace(Dialect.SQLITE, shown, os.path.abspath(file))


def _without_secrets(parts: re.Match[str]) -> str:
    user = "" if parts["user"] is None else f"{parts['user']}{'' if parts['password'] is None else ':***'}@"
    port = "" if parts["port"] is None else f":{parts['port']}"
    name = "" if parts["name"] is None else f"/{parts['name']}"
    return f"{parts['scheme']}://{user}{parts['host']}{port}{name}"


def _parameters(parts: re.Match[str], shown: str) -> dict[str, str]:
    try:
        options = parse_qsl(parts["options"] or "", keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise StoreUnusable(_NO_URL) from None
    if len(dict(options)) < len(options):
        raise StoreUnusable(f"{shown}: an option is named twice; several hosts are host=HOST1,HOST2")
    named = {
        "user": unquote(parts["user"] or ""),
        "password": unquote(parts["password"] or ""),
        "host": parts["host"].strip("[]"),
        "port": parts["port"],
        "dbname": parts["name"],
    }
    return _POSTGRESQL_PARAMETERS | {name: value for name, value in named.items() if value} | dict(options)


class Connection:
    """One session of a database, by one thread at a time. What its driver raises is raised as `DriverFailed`."""

    def __init__(self, dialect: Dialect, driver: Any, module: Any) -> None:
        self.dialect = dialect
        self.driver = driver
        """The driver's own connection: `sqlite3.Connection`, `psycopg.Connection`."""
        self.warnings: list[str] = []
        """What the server warned of and nobody has taken away yet."""
        self._module = module

    def run(self, statement: str, values: Sequence[object] | None = None) -> tuple[tuple[str, ...], list[Any]]:
        """Runs one statement, written as its driver wants it; the names of the columns and the rows, if any."""
        try:
            cursor = self.driver.execute(statement) if values is None else self.driver.execute(statement, values)
            if cursor.description is None:
                return (), []
            return tuple(column[0] for column in cursor.description), cursor.fetchall()
        except self._module.Error as error:
            raise self._failure(error, statement) from error

    def run_each(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """SQLite: runs one statement that answers nothing, with the values of each row."""
        try:
            self.driver.executemany(statement, rows)
        except self._module.Error as error:
            raise self._failure(error, statement) from error

    def value(self, statement: str) -> Any:
        """The only value of the only row that a statement answers."""
        ((value,),) = self.run(statement)[1]
        return value

    def commit(self) -> None:
        """Commits, where a transaction has begun."""
        try:
            self.driver.commit()
        except self._module.Error as error:
            raise self._failure(error, "COMMIT") from error

    def rollback(self) -> None:
        """Undoes what is not committed, where a transaction has begun."""
        try:
            self.driver.rollback()
        except self._module.Error as error:
            raise self._failure(error, "ROLLBACK") from error

    def answers(self) -> bool:
        """PostgreSQL: whether the server still answers, which may have been restarted since."""
        try:
            # Outside a transaction it is one way there and back, and not three.
            self.driver.autocommit = True
            self.driver.execute("SELECT 1")
            self.driver.autocommit = False
        except self._module.Error:
            return False
        return True

    def listen(self, channel: str) -> None:
        """PostgreSQL: from now on `await_notification` hears of what is told on this channel, until it is closed."""
        self.run(f"LISTEN {channel}")
        self.commit()
        self.driver.autocommit = True

    def await_notification(self, timeout_s: float) -> None:
        """Waits until somebody has told something, for at most so long."""
        try:
            for _ in self.driver.notifies(timeout=timeout_s, stop_after=1):
                return
        except self._module.Error as error:
            raise self._failure(error, "LISTEN") from error

    def close(self) -> None:
        """Closes it, which undoes what is not committed."""
        self.driver.close()

    def _failure(self, error: Exception, statement: str) -> DriverFailed:
        failed = _failure(error, self._module, statement)
        # psycopg knows kinds of errors after which there is no session any more and that are no `OperationalError`.
        failed.is_operational |= getattr(self.driver, "closed", False)
        return failed


def _failure(error: Exception, module: Any, statement: str = "") -> DriverFailed:
    return DriverFailed(
        str(error).strip().partition("\n")[0],
        statement,
        code=getattr(error, "sqlite_errorcode", None),
        is_operational=isinstance(error, module.OperationalError | module.InterfaceError),
    )


_MOST_IDLE = 48
"""Connections that are kept: one a thread that the authority's server works with, and some to spare."""


class Connections:
    """The connections to one store, kept open between uses: to open one takes longer than what is read over it."""

    def __init__(self, place: StorePlace) -> None:
        self.place = place
        self.dialect = place.dialect
        self._idle: deque[Connection] = deque()
        self._is_closed = False

    def take(self) -> Connection:
        """One that nobody else uses, until it is given back or closed. Raises `DriverFailed`."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return _connect(self.place)
        is_sound = self.dialect is Dialect.SQLITE
        try:
            is_sound = is_sound or connection.answers()
        finally:
            if not is_sound:
                connection.close()
        if is_sound:
            return connection
        # What one has lost, all have: each would wait for a server that says nothing any more.
        self._close_idle()
        return _connect(self.place)

    def give_back(self, connection: Connection) -> None:
        """For the next one, after a use that went well and is over."""
        if len(self._idle) >= _MOST_IDLE:
            connection.close()
        else:
            self._idle.append(connection)
        if self._is_closed:
            self._close_idle()

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """One for a block; what the block has not committed is undone. Raises `DriverFailed`."""
        connection = self.take()
        with self.lent(connection):
            yield connection

    @contextmanager
    def lent(self, connection: Connection) -> Iterator[None]:
        """Takes one back after the block, out of any transaction, or closes it."""
        is_whole = False
        try:
            yield
            is_whole = True
        except Exception:  # whatever the block raised, it did so between two statements
            is_whole = True
            raise
        finally:
            # After anything else, such as Ctrl-C, it may be in the middle of a statement.
            if is_whole and _is_out_of_transaction(connection):
                self.give_back(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Closes all connections, those that are in use as soon as they no longer are."""
        self._is_closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()


def _is_out_of_transaction(connection: Connection) -> bool:
    """Undoes what is not committed; whether that went well."""
    try:
        connection.rollback()
    except DriverFailed:
        return False
    return True


def _connect(place: StorePlace) -> Connection:
    if place.dialect is Dialect.SQLITE:
        connection, settings = _to_file(place.file), [f"PRAGMA {pragma}" for pragma in SQLITE_PRAGMAS]
    else:
        connection, settings = _to_server(place.parameters), [f"SET {setting}" for setting in POSTGRESQL_SETTINGS]
    try:
        for statement in settings:
            connection.run(statement)
        connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def _to_file(file: str) -> Connection:
    try:
        # None hands transaction control to us: the driver would otherwise begin a deferred one, which can deadlock.
        driver = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise _failure(error, sqlite3) from error
    return Connection(Dialect.SQLITE, driver, sqlite3)


def _to_server(parameters: Mapping[str, str]) -> Connection:
    import psycopg
    from psycopg.conninfo import make_conninfo

    try:
        driver = psycopg.connect(make_conninfo(**parameters))
    except psycopg.Error as error:
        raise _failure(error, psycopg) from error
    connection = Connection(Dialect.POSTGRESQL, driver, psycopg)

    def note(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            connection.warnings.append(notice.message_primary or "")

    driver.add_notice_handler(note)
    return connection
