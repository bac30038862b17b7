"""Transactions on SQLite that end in one commit: one after another, or in step, several being open at once."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from kiosk.authority.embedded.schema import TABLES
from kiosk.journal.connection import Connection, DriverFailed
from kiosk.journal.database import Rows, Transaction


class CommitLost(Exception):
    """The commit that several transactions shared could not be made: nothing is known to be stored of any of them."""


class OutOfStep(Exception):
    """Of several transactions beside each other one needs what another has, or has to be undone: none has been done."""


class SharedCommit:
    """Transactions that follow one another and end in one commit; each is undone alone."""

    def __init__(self, connection: Connection) -> None:
        self._transaction = Transaction(connection)
        self._connection = connection
        self._is_begun = False
        self._is_void = True

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is undone when the block raises."""
        self._begin()
        transaction = self._transaction
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
        """A view of the last committed state, and of what was written together with it."""
        yield self._transaction

    def conclude(self) -> None:
        """Makes it all durable. Raises `CommitLost`."""
        if not self._is_begun:
            return
        self._check()
        try:
            self._transaction.run("ROLLBACK" if self._is_void else "COMMIT")
        except DriverFailed as error:
            raise CommitLost("the store failed") from error

    def _begin(self) -> None:
        if not self._is_begun:
            # Others wait from here on, not while requests are still only being read.
            self._transaction.run("BEGIN IMMEDIATE")
            self._is_begun = True
        self._check()

    def _check(self) -> None:
        # After some failures, such as a full disk, SQLite has undone everything by itself (lang_transaction.html).
        if not self._connection.driver.in_transaction:
            raise CommitLost("the store has undone what was not committed")


class InStep(SharedCommit):
    """Transactions that are open beside each other and end in one commit; none can be undone alone.

    What one has locked by name no other can have, as between writers on PostgreSQL. Rows are written table by table, so
    that a statement is run once for all of them.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._step = _Step(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction with which all are undone when the block raises. Raises `OutOfStep` then."""
        self._begin()
        transaction = OneInStep(self._connection, self._step)
        try:
            yield transaction
            self._is_void = False
        except Exception as error:
            # Whatever the block raised is its caller's; only what it has written cannot stay, nor be undone alone.
            if transaction.has_written:
                raise OutOfStep("one of several has to be undone") from error
            raise
        finally:
            transaction.unlock()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """As for those that do not go in step."""
        yield _BetweenRows(self._connection, self._step)

    def conclude(self) -> None:
        """As for those that do not go in step. Raises `OutOfStep` too."""
        if self._is_begun:
            self._check()
            self._step.write_rows()
        super().conclude()


class _Step:
    """What transactions beside each other share: who has locked what, and the rows that are still to be written."""

    def __init__(self, connection: Connection) -> None:
        self.owners: dict[tuple[bytes, ...], Transaction] = {}
        self.sharers: defaultdict[tuple[bytes, ...], set[Transaction]] = defaultdict(set)
        self._connection = connection
        self._rows: dict[str, list[Sequence[object]]] = {}

    def put_off(self, statement: str, values: Sequence[object]) -> None:
        """Has a row written with others of its kind."""
        self._rows.setdefault(statement, []).append(values)

    def write_rows(self) -> None:
        """Writes what was put off. Raises `OutOfStep`."""
        if not self._rows:
            return
        rows, self._rows = self._rows, {}
        try:
            for statement in sorted(rows, key=_place_of_table):
                self._connection.run_each(statement, rows[statement])
        # Whatever it is, such as no memory: they are rows of others than of who happens to be at work.
        except Exception as error:
            raise OutOfStep("one of several rows cannot be written") from error


class _BetweenRows(Transaction):
    """A transaction that sees what others beside it have put off.

    A statement that fails fails for all: SQLite may have undone everything by itself.
    """

    def __init__(self, connection: Connection, step: _Step) -> None:
        super().__init__(connection)
        self._step = step

    def run(self, statement: str, *values: object) -> Rows:
        """As of any transaction. Raises `OutOfStep` when it fails."""
        self._step.write_rows()
        try:
            return super().run(statement, *values)
        # Also what is none of the driver's, such as no memory: nobody knows what has become of the others' writes.
        except Exception as error:
            raise OutOfStep("a statement of one of several has failed") from error


class OneInStep(_BetweenRows):
    """One of several transactions on one connection, with what it has locked by name.

    `has_written` also once a row is put off.
    """

    def __init__(self, connection: Connection, step: _Step) -> None:
        super().__init__(connection, step)
        self._driver = connection.driver
        self._locked: list[tuple[bytes, ...]] = []
        self.has_written = False

    def run(self, statement: str, *values: object) -> Rows:
        """As of any transaction. Raises `OutOfStep` when it fails."""
        # Now, lest rows of others be taken for this one's.
        self._step.write_rows()
        changes = self._driver.total_changes
        rows = super().run(statement, *values)
        self.has_written |= self._driver.total_changes != changes
        return rows

    def add(self, statement: str, *values: object) -> None:
        """Has a row written with those that others add to the same table."""
        self._step.put_off(statement, values)
        self.has_written = True

    def lock(self, names: tuple[bytes, ...]) -> None:
        """Raises `OutOfStep` when another one has it."""
        owner = self._step.owners.setdefault(names, self)
        self._locked.append(names)
        if owner is not self or self._step.sharers[names] - {self}:
            raise OutOfStep("two of several decide about the same")

    def share(self, names: tuple[bytes, ...]) -> None:
        """Keeps away who would lock it, and nobody else. Raises `OutOfStep` when another one has it."""
        self._step.sharers[names].add(self)
        self._locked.append(names)
        if self._step.owners.get(names, self) is not self:
            raise OutOfStep("one of several relies on what another decides about")

    def unlock(self) -> None:
        """Lets go of all it has locked or shared."""
        for names in self._locked:
            self._step.sharers[names].discard(self)
            if self._step.owners.get(names) is self:
                del self._step.owners[names]


_WRITES_TO = re.compile(r"\s*(?:INSERT INTO|UPDATE) (\w+)")


@cache
def _place_of_table(statement: str) -> int:
    """Where the table that a statement writes to stands among all: after those that its rows refer to.

    To have SQLite check that at the commit instead makes it look through a whole table for each row that came late.
    """
    found = _WRITES_TO.match(statement)
    assert found, "one that writes"
    return TABLES.index(found[1])
