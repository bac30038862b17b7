"""A terminal and the clerk's station, each with its own connections to one store, as two processes have them."""

import datetime
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hw.ports import ChannelPurpose
from hw.sim.card.personalization import DEMO_MASTERS
from kiosk.application_file import ClerkTable
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.embedded.directory import add_station
from kiosk.counter.attendance import Attendance
from kiosk.counter.card_desk import CardDesk
from kiosk.counter.card_issuer import CardIssuer, in_memory
from kiosk.counter.clerk_key import load_clerk_key
from kiosk.counter.desk import Desk
from kiosk.counter.line import Line, LineKey
from kiosk.counter.remote_clerk import (
    RemoteArchive,
    RemoteClerk,
    RemoteClerkKey,
    RemoteDesk,
    RemoteIds,
    RemoteRegister,
    RemoteTwoClerks,
    remote_card_keys,
)
from kiosk.counter.town_ids import KeyedIds
from kiosk.issuance.ended_cases import EndedCases
from kiosk.issuance.issue import issue
from kiosk.issuance.persons import Clerk, Persons
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.model.application import Application, Closed
from kiosk.played_persons import PlayedClerk, PlayedWitnesses
from tests.counter_bench import HEAD_KEY, RESIDENT, World

WINDOW = "window"
"""The name of the clerk's station."""

PATIENCE_S = 60.0


def line_key(number: int) -> LineKey:
    return LineKey(X25519PrivateKey.from_private_bytes(bytes([number]) * 32))


@dataclass
class TwoStations:
    """The town; `clerk` sits at the window."""

    world: World
    clerk: Clerk
    credentials: dict[str, Credential]
    drawn: int = 0

    def line(self, station: str, key: int = 0, renewed: Callable[[], Credential | None] = lambda: None) -> Line:
        """One station's end, freshly opened; `key` makes it another's in disguise, `renewed` see `Line`."""
        credential = self.credentials[station]
        made = Line(
            open_database(self.world.database_url),
            credential,
            line_key(key or len(station)),
            lambda: self.world.now,
            self.random,
            renewed,
        )
        made.open()
        return made

    def random(self, count: int) -> bytes:
        """Never the same twice."""
        self.drawn += 1
        return self.drawn.to_bytes(count, "big")

    def desk(self) -> Desk:
        """What the window answers from."""
        station = self.world.station()
        database = open_database(self.world.database_url)
        key = HeadKey(b"\x02" * 32)
        line = self.line(WINDOW)
        journal = Journal(
            database, WINDOW, StationKey(b"\x02" * 32), station.clock, head_key=key, escrow_key=line.escrow_key
        )
        masters = {purpose: getattr(DEMO_MASTERS, purpose.value) for purpose in ChannelPurpose}
        return Desk(
            line=line,
            journal=journal,
            register=station.register,
            ids=KeyedIds(bytes(16)),
            card_desk=CardDesk(
                CardIssuer(in_memory(masters)),
                self.credentials["demo"].generations,
                journal.stage_of,
                lambda: self.world.now,
            ),
            clerk=lambda _station, _number: self.clerk,
            clerk_key=load_clerk_key(self.world.authority_directory / "clerks" / "demo.pem"),
            authorisation_life=datetime.timedelta(minutes=15),
            clock=lambda: self.world.now,
            ended_cases=EndedCases(journal, station.authority, station.clock),
            witnesses=lambda _station, number: PlayedWitnesses(ClerkTable(), number, self.world.till),
            key_of=lambda name: load_clerk_key(self.world.authority_directory / "clerks" / f"{name}.pem"),
            random_bytes=self.random,
        )

    def remote(self, patience_s: float = PATIENCE_S, **changes: Any) -> RemoteDesk:
        """The window as the terminal has it."""
        return replace(RemoteDesk(self.line("demo"), WINDOW, patience_s, time.monotonic), **changes)

    def terminal(self, desk: RemoteDesk, **changes: Any) -> Station:
        """The terminal's process: nothing of the clerk's lies with it."""
        apart = {
            "register": RemoteRegister(desk),
            "card_keys": remote_card_keys(desk),
            "clerk_key": RemoteClerkKey(desk),
            "ids": RemoteIds(desk),
            "archive": RemoteArchive(desk),
            "two_clerks": RemoteTwoClerks(desk),
            "journal": Journal(
                open_database(self.world.database_url),
                "demo",
                StationKey(bytes(32)),
                lambda: self.world.now,
                head_key=HEAD_KEY,
                escrow_to=lambda: desk.line.escrow_to(WINDOW),
            ),
        }
        return self.world.station(**(apart | changes))

    def persons(self, desk: RemoteDesk, number: str = "1") -> Persons:
        """The resident at the terminal, and the clerk at the window."""
        return replace(self.world.persons(number), clerk=RemoteClerk(desk, number))

    @contextmanager
    def attended(self, desk: Desk) -> Iterator[Desk]:
        """The window at work, in a thread of its own."""
        stopping = threading.Event()
        attendance = Attendance(desk, lambda _: None, lambda _: None, time.monotonic)
        thread = threading.Thread(target=attendance.serve, args=(stopping.is_set,))
        thread.start()
        try:
            yield desk
        finally:
            stopping.set()
            thread.join()


def two_stations(world: World, clerk: Clerk | None = None) -> TwoStations:
    """The town, with a played clerk where none is given."""
    path: Path = add_station(world.authority_directory, world.authority, WINDOW)
    credentials = {
        "demo": load_credential(world.authority_directory / "stations" / "demo.pem"),
        WINDOW: load_credential(path),
    }
    return TwoStations(world, clerk or PlayedClerk(ClerkTable(tendered_yen=1000), "1", world.till), credentials)


def issue_at_terminal(town: TwoStations, remote: RemoteDesk, number: str = "1") -> Closed:
    """One issuance at the terminal, from its application on."""
    station, persons = town.terminal(remote), town.persons(remote, number)
    return issue(Application(number, RESIDENT), station, persons, lambda _: None)
