"""What stands at the boundaries to store, card and printer: the real thing, telling a `Passage` of every effect."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Protocol
from unittest.mock import patch

from hw.errors import CardRemoved
from hw.link.memory import Core, MemoryLink
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import CardMemory
from tests.crash.boundary import Kind, Outage, Passage, Point

GetPassage = Callable[[], Passage]
"""The passage of the terminal's present process."""


# --- stores


class CommitWatch(Protocol):
    """Hears of the commits to one SQLite file."""

    def enter(self, connection: sqlite3.Connection) -> None:
        """A transaction is complete and about to be committed."""

    def leave(self, connection: sqlite3.Connection) -> None:
        """It is committed."""


class WatchedConnection(sqlite3.Connection):
    """A connection that tells of every commit: one of a transaction, or of a statement outside any."""

    watch: CommitWatch
    _changes_before = 0

    def cursor(self, *_: Any) -> sqlite3.Cursor:
        """A cursor that tells of statements which are a transaction by themselves."""
        return super().cursor(WatchedCursor)

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """A statement that goes to the driver itself; the library's own shortcut would pass by the cursor above."""
        return self.cursor().execute(statement, *values)

    def begin(self) -> None:
        """A transaction begins."""
        self._changes_before = self.total_changes

    def commit(self) -> None:
        """Commits."""
        if self.has_changed:
            with self.watched():
                super().commit()
        else:
            super().commit()

    @property
    def has_changed(self) -> bool:
        """Whether a commit would make anything durable; what changed nothing writes nothing and is no boundary."""
        return self.in_transaction and self.total_changes != self._changes_before

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Something durable happens here."""
        self.watch.enter(self)
        yield
        self.watch.leave(self)


class WatchedCursor(sqlite3.Cursor):
    """Tells its connection what it is about to do."""

    connection: WatchedConnection

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Executes one statement."""
        if statement.startswith("BEGIN"):
            self.connection.begin()
        is_within = self.connection.in_transaction
        if statement == "COMMIT":
            is_durable = self.connection.has_changed
        else:
            is_durable = not is_within and self._is_durable(statement)
        if not is_durable:
            return super().execute(statement, *values)
        with self.connection.watched():
            return super().execute(statement, *values)

    def _is_durable(self, statement: str) -> bool:
        """Whether a statement outside a transaction will write to the file."""
        if statement.startswith(_NOT_WRITING):
            return False
        name = re.match(r"CREATE TABLE IF NOT EXISTS (\w+)", statement)
        known = "SELECT 1 FROM sqlite_master WHERE name = ?"
        return name is None or super().execute(known, (name[1],)).fetchone() is None


_NOT_WRITING = ("SELECT", "PRAGMA", "BEGIN", "COMMIT", "ROLLBACK")


@contextmanager
def watched_stores(watches: Mapping[str, CommitWatch]) -> Iterator[None]:
    """While open, every connection to a file in `watches` (by its path) tells of its commits.

    This is below the product's own database modules, so that none of their commits can be forgotten.
    """
    connect_unwatched = sqlite3.connect

    def connect(file: str, **named: Any) -> sqlite3.Connection:
        watch = watches.get(file)
        if watch is None:
            return connect_unwatched(file, **named)
        connection = connect_unwatched(file, factory=WatchedConnection, **named)
        connection.watch = watch
        return connection

    # The driver's module itself: whoever opens such a file in this process, and from where, is watched.
    with patch.object(sqlite3, "connect", connect):
        yield


class StoreWatch:
    """The kiosk's store: each commit is a boundary, and each journal entry in it acknowledged once that is passed."""

    def __init__(self, passage: GetPassage, acknowledge: Callable[[int, bytes], None]) -> None:
        self._passage = passage
        self._acknowledge = acknowledge
        self._point: Point | None = None

    def enter(self, connection: sqlite3.Connection) -> None:
        """Before COMMIT."""
        self._point = self._passage().enter(Kind.STORE, _label(_last_entry(connection)[2]))

    def leave(self, connection: sqlite3.Connection) -> None:
        """After COMMIT."""
        seq, digest, body = _last_entry(connection)
        if seq:
            self._acknowledge(seq, digest)
        assert self._point is not None
        self._passage().leave(self._point, _label(body))


def _label(body: str) -> str:
    """An entry's event and step."""
    facts = json.loads(body) if body else {"event": "migration"}
    return " ".join(filter(None, (facts["event"], facts.get("step"))))


def _last_entry(connection: sqlite3.Connection) -> tuple[int, bytes, str]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
        return 0, b"", ""
    last = connection.execute("SELECT seq, hash, body FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return (last[0], bytes(last[1]), last[2]) if last else (0, b"", "")


# --- cards

_INSTRUCTIONS = {
    0xA4: "select",
    0xB0: "read",
    0xD6: "write",
    0xCA: "identify",
    0x20: "verify",
    0x24: "set password",
    0x2C: "reset password",
    0x47: "key",
    0x88: "attest",
    0x2A: "sign",
    0xE4: "erase",
    0x50: "initialize update",
    0x82: "external authenticate",
}


class ChipMemory:
    """A card's memory in this process that can be looked at; `before_write` hears of every change."""

    def __init__(self, memory: CardMemory) -> None:
        self.memory = memory
        self.before_write: Callable[[], None] = lambda: None

    def read(self) -> CardMemory:
        """The memory."""
        return self.memory

    def write(self, memory: CardMemory) -> None:
        """Replaces it."""
        self.before_write()
        self.memory = memory


class Pulled(BaseException):
    """The card loses its power here."""


class WatchedCard:
    """A card in the slot. Within a command that changes its memory more than once, its power can fail too.

    `pull` takes it out of the slot.
    """

    def __init__(self, card: VirtualCard, chip: ChipMemory, passage: GetPassage, pull: Callable[[], None]) -> None:
        self._card = card
        self._passage = passage
        self._pull = pull
        self._under_way: tuple[Point, str] | None = None
        self._outage: Outage | None = None
        self._changes = 0
        chip.before_write = self._change

    def insert(self) -> None:
        """Into the slot."""
        self._card.insert()

    def remove(self) -> None:
        """Out of the slot."""
        self._card.remove()

    def power_on(self) -> bytes:
        """The ATR."""
        return self._card.power_on()

    def power_off(self) -> None:
        """Everything volatile is gone."""
        self._card.power_off()

    def transmit(self, command: bytes) -> bytes:
        """One command."""
        label = _INSTRUCTIONS.get(command[1], f"{command[1]:02X}")
        point = self._passage().enter(Kind.CARD, label)
        self._under_way, self._changes = (point, label), 0
        fault = self._passage().fault(point)
        self._outage = fault.outage if fault else None
        try:
            if self._outage is Outage.REFUSED:
                raise Pulled
            answer = self._card.transmit(command)
            if self._outage is not None:
                raise Pulled
        except Pulled:
            self._pull()
            raise CardRemoved("the card was pulled") from None
        finally:
            self._under_way = None
        self._passage().leave(point, label)
        return answer

    def _change(self) -> None:
        if self._under_way is None:
            return
        if self._changes:
            if self._outage is Outage.UNDONE:
                raise Pulled
            point, label = self._under_way
            self._passage().within(point, self._changes, label)
        self._changes += 1


# --- the printer


_LONG_BLOCK = 64
"""From so many bytes on a block goes out in quarters: one ends in text, one in the data of a QR code."""


class WatchedLink(MemoryLink):
    """The link to the printer; a block of bytes may have gone out in part."""

    def __init__(self, core: Core, passage: GetPassage) -> None:
        super().__init__(core)
        self._passage = passage

    def write(self, data: bytes, deadline_s: float) -> None:
        """Feeds the printer."""
        label = data.hex(" ") if len(data) <= 10 else f"{len(data)} bytes"
        point = self._passage().enter(Kind.PRINTER, label)
        count = min(4 if len(data) >= _LONG_BLOCK else 2, len(data))
        ends = [len(data) * part // count for part in range(count + 1)]
        for part, (start, end) in enumerate(pairwise(ends)):
            if part:
                self._passage().within(point, part, label)
            super().write(data[start:end], deadline_s)
        self._passage().leave(point, label)
