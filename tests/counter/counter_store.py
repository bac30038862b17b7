"""A store with the records of a counter in it, for tests."""

import datetime
import os
from dataclasses import dataclass, field

from kiosk.counter.cash_count import CashCounts
from kiosk.counter.printed_forms import PrintedForms
from kiosk.counter.queue import Queue
from kiosk.journal.database import Database, open_database
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from tests.stores import Store


@dataclass
class TurnedClock:
    """A clock that a test turns."""

    now: datetime.datetime = field(default_factory=lambda: datetime.datetime(2026, 11, 26, 1, 0, tzinfo=datetime.UTC))

    def __call__(self) -> datetime.datetime:
        return self.now

    def pass_time(self, **much: float) -> None:
        self.now += datetime.timedelta(**much)


@dataclass
class CounterStore:
    """The records of stations over one store; each opening is what a program started anew sees."""

    store: Store
    clock: TurnedClock
    head_key: HeadKey
    key: StationKey = field(default_factory=lambda: StationKey(os.urandom(32)))
    databases: list[Database] = field(default_factory=list)

    def _database(self) -> Database:
        self.databases.append(open_database(self.store.url))
        return self.databases[-1]

    def forms(self) -> PrintedForms:
        return PrintedForms(self._database(), "window", self.key, self.clock, os.urandom)

    def queue(self, station: str = "window") -> Queue:
        return Queue(self._database(), station, self.clock)

    def journal(self) -> Journal:
        return Journal(self._database(), "window", self.key, self.clock, head_key=self.head_key)

    def counts(self) -> CashCounts:
        return CashCounts(self._database(), self.journal(), self.clock, first_float_yen=10_000)

    def close(self) -> None:
        for database in self.databases:
            database.close()
