"""A store with the records of a counter in it, for tests."""

import datetime
import os
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.counter.cash_count import CashCounts
from kiosk.counter.clerk_key import ClerkKeyFile
from kiosk.counter.printed_forms import PrintedForms
from kiosk.counter.queue import Queue
from kiosk.journal.database import Database, open_database
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.maintenance.device_board import DeviceBoard
from tests.stores import Store


@dataclass
class TurnedClock:
    """A clock that a test turns."""

    now: datetime.datetime = field(default_factory=lambda: datetime.datetime(2026, 11, 26, 1, 0, tzinfo=datetime.UTC))

    def __call__(self) -> datetime.datetime:
        return self.now

    def pass_time(self, **much: float) -> None:
        self.now += datetime.timedelta(**much)


def new_clerk(name: str) -> ClerkKeyFile:
    """A clerk whom no authority knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + datetime.timedelta(days=999))
    return ClerkKeyFile(name, key, built.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


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

    def devices(self) -> DeviceBoard:
        return DeviceBoard(self._database(), "window", self.clock)

    def close(self) -> None:
        for database in self.databases:
            database.close()
