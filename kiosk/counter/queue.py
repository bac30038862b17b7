"""The numbers that are given at reception (番号札): who waits, who was called, who was served, who did not come.

By number alone, never by name. All counters of a store share one queue, and each number is called by one of them.
"""

import datetime
from dataclasses import dataclass
from enum import StrEnum

from kiosk.clock import JAPAN, Clock
from kiosk.journal.database import Database, Transaction

LAST = 999
"""After it a day's numbers would not fit a ticket."""


class TicketState(StrEnum):
    """How far somebody who waits has come."""

    WAITING = "waiting"
    CALLED = "called"
    SERVED = "served"
    ABSENT = "absent"


class Purpose(StrEnum):
    """What somebody has come for, as the reception asks it."""

    ISSUE = "issue"
    CERTIFICATE = "certificate"
    """Something about a certificate that he has: revoke, change a password, ask."""
    CONSULT = "consult"


@dataclass(frozen=True)
class Ticket:
    """One number of a day; `counter` is the station that called it."""

    number: int
    purpose: Purpose
    state: TicketState
    counter: str
    given_at: datetime.datetime


class QueueFull(Exception):
    """All numbers of the day were given."""


class Queue:
    """The queue of today, as one station works with it; it survives the program, and ends with the day."""

    def __init__(self, database: Database, station: str, clock: Clock) -> None:
        self._database = database
        self._station = station
        self._clock = clock

    def give(self, purpose: Purpose) -> Ticket:
        """The next number. Raises `QueueFull`."""
        now = self._clock()
        with self._database.write() as transaction:
            last = transaction.run(
                "SELECT COALESCE(MAX(number), 0) FROM tickets WHERE day = ?", self._day()
            ).scalar_one()
            if last >= LAST:
                raise QueueFull(f"{LAST} numbers were given today")
            at = int(now.timestamp())
            values = (self._day(), last + 1, purpose.value, TicketState.WAITING.value, None, at, at)
            transaction.run("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)", *values)
            transaction.tell()
        return Ticket(last + 1, purpose, TicketState.WAITING, "", now)

    def tickets(self) -> tuple[Ticket, ...]:
        """All of today, in the order of their numbers."""
        with self._database.read() as transaction:
            rows = transaction.run("SELECT * FROM tickets WHERE day = ? ORDER BY number", self._day())
        return tuple(
            Ticket(
                row.number,
                Purpose(row.purpose),
                TicketState(row.state),
                row.counter or "",
                datetime.datetime.fromtimestamp(row.given_at, JAPAN),
            )
            for row in rows
        )

    def call_next(self) -> int | None:
        """Calls whoever has waited longest; whom this counter called before was served. None when nobody waits."""
        with self._database.write() as transaction:
            self._end_called(transaction, TicketState.SERVED)
            row = transaction.run(
                "SELECT MIN(number) AS number FROM tickets WHERE day = ? AND state = ?",
                self._day(),
                TicketState.WAITING.value,
            ).one()
            if row.number is not None:
                self._set(transaction, row.number, TicketState.CALLED)
        return None if row.number is None else int(row.number)

    def call(self, number: int) -> bool:
        """Calls one number, also again; False when it was never given or is being served at another counter."""
        with self._database.write() as transaction:
            row = transaction.run(
                "SELECT state, counter FROM tickets WHERE day = ? AND number = ?", self._day(), number
            ).first()
            if row is None or (row.state == TicketState.CALLED and row.counter != self._station):
                return False
            if row.state != TicketState.CALLED:
                self._end_called(transaction, TicketState.SERVED)
            self._set(transaction, number, TicketState.CALLED)
        return True

    def end(self, state: TicketState) -> None:
        """Whom this counter has called was served, did not come, or waits again."""
        with self._database.write() as transaction:
            self._end_called(transaction, state)

    def _end_called(self, transaction: Transaction, state: TicketState) -> None:
        transaction.run(
            "UPDATE tickets SET state = ?, changed_at = ? WHERE day = ? AND state = ? AND counter = ?",
            state.value,
            int(self._clock().timestamp()),
            self._day(),
            TicketState.CALLED.value,
            self._station,
        )

    def _set(self, transaction: Transaction, number: int, state: TicketState) -> None:
        transaction.run(
            "UPDATE tickets SET state = ?, counter = ?, changed_at = ? WHERE day = ? AND number = ?",
            state.value,
            self._station,
            int(self._clock().timestamp()),
            self._day(),
            number,
        )
        transaction.tell()

    def _day(self) -> str:
        return self._clock().astimezone(JAPAN).date().isoformat()
