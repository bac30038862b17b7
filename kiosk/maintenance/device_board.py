"""Which devices each station has and how they are, as it told the store last; of no person, no paper, no card."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from kiosk.clock import Clock
from kiosk.journal.database import Database

REPEATED_AFTER_S = 15
"""A station tells at least this often that it is there."""


@dataclass(frozen=True)
class ToldDevice:
    """One device: its table in hardware.toml, its kind and link, `ready`, `blocked` or `missing`, and the cause."""

    name: str
    kind: str
    link: str
    state: str
    detail: str


@dataclass(frozen=True)
class StationDevices:
    """What a station told, and when."""

    station: str
    told_at: datetime.datetime
    devices: tuple[ToldDevice, ...]


class DeviceBoard:
    """The stations of one store. One thread at a time may use it."""

    def __init__(self, database: Database, station: str, clock: Clock) -> None:
        self._database = database
        self._station = station
        self._clock = clock
        self._told: tuple[ToldDevice, ...] | None = None
        self._told_at = datetime.datetime.min.replace(tzinfo=datetime.UTC)

    def tell(self, devices: Sequence[ToldDevice]) -> None:
        """Tells how this station's devices are, when that has changed or was told some time ago."""
        now, told = self._clock(), tuple(devices)
        if told == self._told and now - self._told_at < datetime.timedelta(seconds=REPEATED_AFTER_S):
            return
        with self._database.write() as transaction:
            transaction.run(
                """INSERT INTO station_devices VALUES (?, ?, ?) ON CONFLICT (station) DO UPDATE SET
                   told_at = excluded.told_at, devices = excluded.devices""",
                self._station,
                int(now.timestamp()),
                msgspec.json.encode(told),
            )
        self._told, self._told_at = told, now

    def stations(self) -> tuple[StationDevices, ...]:
        """What every station told last, by name."""
        with self._database.read() as transaction:
            rows = transaction.run("SELECT station, told_at, devices FROM station_devices ORDER BY station")
            return tuple(
                StationDevices(
                    row.station,
                    datetime.datetime.fromtimestamp(row.told_at, datetime.UTC),
                    msgspec.json.decode(bytes(row.devices), type=tuple[ToldDevice, ...]),
                )
                for row in rows
            )
