"""What the counter keeps beside its cases, through a connection of its own.

Printed forms, the queue, cash counts, and what stations tell of their devices.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kiosk.config import Config
from kiosk.counter.cash_count import CashCounts
from kiosk.counter.line import load_escrow_key
from kiosk.counter.printed_forms import PrintedForms
from kiosk.counter.queue import Queue
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.journal.head import load_head_key
from kiosk.journal.journal import Journal
from kiosk.journal.seal import load_station_key
from kiosk.maintenance.device_board import DeviceBoard


@dataclass(frozen=True)
class CounterRecords:
    """The records of a station that is open; to be used on the thread that opened them."""

    journal: Journal
    forms: PrintedForms
    queue: Queue
    counts: CashCounts
    devices: DeviceBoard


@contextmanager
def open_counter_records(config: Config, data: Path, station: Station) -> Iterator[CounterRecords]:
    """The records, until left."""
    database = open_database(config.store.location(data), must_exist=True)
    try:
        key = load_station_key(data / "station.key")
        journal = Journal(
            database,
            station.name,
            key,
            station.clock,
            station.random_bytes,
            head_key=load_head_key(data / "head.key"),
            escrow_key=load_escrow_key(data / "line.key", station.name),
        )
        yield CounterRecords(
            journal,
            PrintedForms(database, station.name, key, station.clock, station.random_bytes),
            Queue(database, station.name, station.clock),
            CashCounts(database, journal, station.clock, config.counter.float_yen),
            DeviceBoard(database, station.name, station.clock),
        )
    finally:
        database.close()
