"""A counter at which a resident already has his certificate, and the procedures with which he comes back."""

import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hw.card.reader import Reader
from hw.errors import PinLocked, PinRefused
from hw.ports import PinPolicy, PinStatus
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import CardMemory, MemoryStore
from hw.sim.till import SimulatedTill
from kiosk.issuance.change_password import change_password
from kiosk.issuance.persons import AskedPassword, Persons
from kiosk.issuance.report import StepReport
from kiosk.issuance.revoke import revoke
from kiosk.issuance.station import Station
from kiosk.issuance.unlock import unlock
from kiosk.journal.agreement import Told, check_records, check_state, read_state
from kiosk.journal.chain import read_entries, read_heads, read_proofs
from kiosk.journal.database import open_database
from kiosk.journal.seal import StationKey
from kiosk.journal.verify import verify_journal
from kiosk.model.application import Closed
from kiosk.model.password_service import PasswordChangeApplication, UnlockApplication
from kiosk.model.revocation import RevocationApplication, RevocationCause
from kiosk.played_persons import PlayedResident
from tests.counter_bench import PASSWORD, RESIDENT, World, prepared_keys

NEW_PASSWORD = "Teshio1974xyz"
TRIES = 5


class Owner(PlayedResident):
    """The card's owner: he knows which password he typed when, and what he does at each question."""

    def __init__(self, world: World, old: str = PASSWORD, new: str = NEW_PASSWORD) -> None:
        reader: Any = world.hand
        window: Any = world.window_hand
        super().__init__(RESIDENT, old, reader, window)
        self.old, self.new = old, new
        self.seen: list[int] = []

    def choose_password(self, policy: PinPolicy) -> bytearray:
        return bytearray(self.new.encode())

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        self.seen.append(status.attempts_remaining)
        return bytearray(self.old.encode())

    def enter_new_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        self.seen.append(status.attempts_remaining)
        return bytearray(self.new.encode())


@dataclass(frozen=True)
class Issued:
    """What an issuance left, to be copied for every test: the files, the card, and how it was closed."""

    directory: Path
    card: CardMemory
    closed: Closed

    def world(self, directory: Path) -> World:
        """A counter of its own on that."""
        shutil.copytree(self.directory, directory)
        world = World(directory, directory / "ca")
        give_card(world, self.card)
        return world


def give_card(world: World, memory: CardMemory) -> None:
    """The resident has a card with this memory in his pocket."""
    keys = itertools.cycle(prepared_keys())
    store = world.hand.memories[RESIDENT] = MemoryStore(memory)
    world.hand.cards[RESIDENT] = VirtualCard(store, make_key=lambda: next(keys))


def issue_once(directory: Path, authority: Path) -> Issued:
    """One issuance."""
    shutil.copytree(authority, directory / "ca")
    world = World(directory, directory / "ca")
    closed = world.issue("1")
    return Issued(directory, world.hand.memories[RESIDENT].read(), closed)


def persons(world: World, number: str, owner: Owner | None = None) -> Persons:
    """The owner, and a clerk."""
    return Persons(owner or Owner(world), world.persons(number).clerk)


@dataclass
class Steps:
    """Hears what a use case reports."""

    heard: list[StepReport] = field(default_factory=list)

    def __call__(self, report: StepReport) -> None:
        self.heard.append(report)


Serve = Callable[[World, Station, Persons], object]
"""One of the procedures, begun or gone on with."""


def serve_change(world: World, station: Station, who: Persons) -> object:
    return change_password(PasswordChangeApplication("P-1"), station, who, lambda _: None)


def serve_unlock(world: World, station: Station, who: Persons) -> object:
    return unlock(UnlockApplication("U-1", RESIDENT), station, who, lambda _: None)


def serve_revocation(world: World, station: Station, who: Persons) -> object:
    application = RevocationApplication("R-1", RESIDENT, RevocationCause.WITHDRAWN, has_card=True)
    return revoke(application, station, who, lambda _: None)


SERVICES: dict[str, Serve] = {"change": serve_change, "unlock": serve_unlock, "revoke": serve_revocation}


def has_password(world: World, password: str) -> bool:
    """Whether the card has it, as whoever holds the card can find out."""
    world.slot.insert(world.hand.cards[RESIDENT])
    try:
        with Reader(world.slot).session() as session:
            session.verify_pin(bytearray(password.encode()))
    except (PinRefused, PinLocked):
        return False
    finally:
        world.slot.remove()
    return True


def tries(world: World) -> int:
    """How often the card's password may still be wrong."""
    world.slot.insert(world.hand.cards[RESIDENT])
    try:
        with Reader(world.slot).session() as session:
            return session.pin_status().attempts_remaining
    finally:
        world.slot.remove()


def spend_tries(world: World, count: int) -> None:
    """Somebody types wrong passwords."""
    for _ in range(count):
        has_password(world, "Wrong1234")


def check_books(world: World) -> None:
    """The journal holds, tells the state, and nobody tried what the table refuses; nothing secret is in any file."""
    database = open_database(world.database_url)
    state = read_state(database)
    told = Told(state.ends)
    entries = list(told.listen(read_entries(database)))
    verify_journal(iter(entries), read_heads(database), read_proofs(database))
    check_state(told, state)
    check_records(database, told, "demo", StationKey(bytes(32)))
    assert not any('"not_admitted"' in entry.body for entry in entries)
    for raw in world.stored():
        for secret in (PASSWORD, NEW_PASSWORD, "太郎"):
            assert secret.encode() not in raw
    assert SimulatedTill(world.directory / "till.json").total_yen() == 500
