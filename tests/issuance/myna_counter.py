"""The counter in memory under the policy of cards with two certificates, with such cards or PIV cards."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from shutil import copytree
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key

from hw.ports import ChannelPurpose
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import CardMemory, MemoryStore
from hw.sim.card.personalization import DEMO_MASTERS, new_card, new_piv_card
from hw.sim.card.profile import MYNA_2016
from kiosk.application_file import ClerkTable
from kiosk.authority.embedded.directory import init
from kiosk.config import SHIPPED, load_config, load_policy
from kiosk.counter.card_desk import CardDesk
from kiosk.counter.card_issuer import CardIssuer, in_memory
from kiosk.issuance.persons import Persons
from kiosk.issuance.second_certificate import second_certificate_of
from kiosk.issuance.station import Station
from kiosk.journal.database import Database
from kiosk.model.application import Closed
from kiosk.model.certificate import CertificateState
from kiosk.played_persons import PlayedClerk, PlayedResident
from tests.counter_bench import RESIDENT, START, CuttingDatabase, Hand, World, prepared_keys
from tests.issuance.rest import certificate_in

PASSWORD, PIN, PIV_PIN = "HORONOBE2011", "4242", "424242"
FIRST_MASTERS = {
    ChannelPurpose.ISSUE: DEMO_MASTERS.issue,
    ChannelPurpose.RESET: DEMO_MASTERS.reset,
    ChannelPurpose.ERASE: DEMO_MASTERS.erase,
}


def myna_card(code: str) -> CardMemory:
    return new_card(f"MYNA{code:0>12}", MYNA_2016)


def piv_card(code: str) -> CardMemory:
    return new_piv_card("PIV0000012345678")


class MynaHand(Hand):
    """The hand that puts in cards of another kind."""

    make: Callable[[str], CardMemory] = staticmethod(myna_card)

    def insert(self, code: str) -> None:
        if code not in self.cards:
            keys = cycle(prepared_keys())
            store = self.memories[code] = MemoryStore(self.make(code))
            self.cards[code] = VirtualCard(store, make_key=lambda: next(keys))
        self.slot.insert(self.cards[code])


@dataclass
class MynaWorld(World):
    """Everything that outlives a station's process; the issuer may have come to another generation of its masters."""

    password: str = PASSWORD
    issuer: CardIssuer = field(default_factory=lambda: CardIssuer(in_memory(FIRST_MASTERS)))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hand = MynaHand(self.slot)
        self.window_hand = MynaHand(self.window_slot, self.hand.cards, self.hand.memories)

    def station(self, database: Database | CuttingDatabase | None = None, **changes: Any) -> Station:
        station = super().station(database)
        desk = CardDesk(self.issuer, station.generations, station.journal.stage_of, lambda: self.now)
        policy = load_policy(SHIPPED / "policy", "myna-2016")
        return super().station(database, **{"policy": policy, "card_keys": desk.keys, **changes})

    def persons(self, number: str, resident: str = RESIDENT, password: str = "") -> Persons:
        hand: Any = self.hand
        window: Any = self.window_hand
        return Persons(
            PlayedResident(resident, self.password, hand, window, authentication_password=PIN),
            PlayedClerk(ClerkTable(tendered_yen=1000), number, self.till),
        )


def make_myna_authority(directory: Path) -> Path:
    town = load_config(SHIPPED / "kiosk.toml", []).town
    init(directory, SHIPPED / "policy" / "myna-2016.toml", town, lambda: START)
    return directory


def new_myna_world(directory: Path, authority: Path, **how: Any) -> MynaWorld:
    directory.mkdir(exist_ok=True)
    return MynaWorld(directory, Path(copytree(authority, directory / "ca")), **how)


def states(world: World) -> list[str]:
    """Of every certificate that was issued into a card: its kind, and how it stands by the authority's word."""
    with sqlite3.connect(world.authority_directory / "store.db") as connection:
        rows = connection.execute(
            "SELECT profile, der FROM certificate WHERE profile IN ('signature', 'authentication')"
        )
        issued = rows.fetchall()
    station = world.station()
    return sorted(f"{profile} {station.authority.status(der).state}" for profile, der in issued)


def check_both(world: MynaWorld, closed: Closed) -> None:
    """Both certificates are valid, and in the card that holds both of their keys; the fee was paid once."""
    station = world.station()
    record = station.journal.latest_case("1")
    assert record is not None
    second = second_certificate_of(record, station.journal)
    assert second is not None
    (store,) = world.hand.memories.values()
    memory = store.read()
    for certificate, file, key in ((closed.certificate, 0x0001, 0x001A), (second.certificate, 0x000A, 0x0017)):
        assert station.authority.status(certificate).state is CertificateState.GOOD
        assert certificate_in(memory.files[file]) == certificate
        held = load_der_private_key(memory.keys[key], None).public_key()
        assert x509.load_der_x509_certificate(certificate).public_key() == held
    assert memory.pins[0x0018].tries == 3
    assert world.till.total_yen() == station.policy.fee.issue_yen
    for raw in world.stored():
        assert PASSWORD.encode() not in raw
