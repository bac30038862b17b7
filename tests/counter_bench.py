"""A whole counter in memory for tests: real drivers on simulated devices, the real authority over ASGI, a real store.

Nothing is replaced: only the devices are simulated, keys are prepared, and persons are played.
"""

import asyncio
import datetime
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.cash.drawer import ClerkDrawer
from hw.link.memory import MemoryLink
from hw.ports import ChannelPurpose
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import DEMO_MASTERS, new_card
from hw.sim.printer.virtual import VirtualPrinter
from hw.sim.till import SimulatedTill
from kiosk.application_file import ClerkTable
from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import load_credential
from kiosk.authority.embedded.directory import init, open_authority
from kiosk.authority.embedded.server import application
from kiosk.config import SHIPPED, load_config, load_receipt_form
from kiosk.counter.card_desk import CardDesk
from kiosk.counter.card_issuer import CardIssuer, in_memory
from kiosk.counter.clerk_key import load_clerk_key
from kiosk.counter.town_ids import KeyedIds
from kiosk.issuance.issue import issue
from kiosk.issuance.persons import Persons
from kiosk.issuance.report import StepReport
from kiosk.issuance.station import Station, Waits
from kiosk.journal.audit import Audit
from kiosk.journal.database import Database, Transaction, open_database
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.model.application import Application, Closed, Delivery
from kiosk.model.authorisation import Uptime
from kiosk.papers.catalogue import roll_paper, town_words
from kiosk.played_persons import PlayedClerk, PlayedResident
from kiosk.register.register import load_register
from tests.asgi_line import AsgiLine
from tests.stores import Store, sqlite_store

PASSWORD = "Horonobe2011"
RESIDENT = "10000000100"
OTHER_RESIDENT = "10000000197"
HEAD_KEY = HeadKey(bytes(32))
START = datetime.datetime(2026, 4, 1, 1, 0, tzinfo=datetime.UTC)


@cache
def prepared_keys() -> tuple[rsa.RSAPrivateKey, ...]:
    """Key pairs that cards in tests hand out one after the other; making one takes longer than a whole issuance."""
    return tuple(rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(4))


class PowerCut(BaseException):
    """The station's process ends here; a BaseException, so that no handler of the product can hold it up."""


class CuttingDatabase:
    """A store whose process dies at the n-th commit: before it (nothing durable) or after it (not acknowledged)."""

    def __init__(self, database: Database, cut_at: int, *, is_before: bool) -> None:
        self._database = database
        self._cut_at = cut_at
        self._is_before = is_before
        self.commits = 0

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction, or the end."""
        with self._database.write() as transaction:
            yield transaction
            self.commits += 1
            if self.commits == self._cut_at and self._is_before:
                raise PowerCut
        if self.commits == self._cut_at:
            raise PowerCut

    def read(self) -> AbstractContextManager[Transaction]:
        """A view."""
        return self._database.read()


@dataclass
class Hand:
    """The hand that puts each resident's card into a reader and takes it out."""

    slot: MemorySlot
    cards: dict[str, VirtualCard] = field(default_factory=dict)
    memories: dict[str, MemoryStore] = field(default_factory=dict)

    def insert(self, code: str) -> None:
        """Puts this resident's card in, a new one when he has none."""
        if code not in self.cards:
            keys = itertools.cycle(prepared_keys())
            for _ in range(int(code) % 4):
                next(keys)
            store = self.memories[code] = MemoryStore(new_card(f"JUKI{code:0>12}"))
            self.cards[code] = VirtualCard(store, make_key=lambda: next(keys))
        self.slot.insert(self.cards[code])

    def remove(self) -> None:
        """Takes the card out."""
        self.slot.remove()


def make_authority(directory: Path) -> Path:
    """A training authority that was opened at `START`."""
    init(directory, SHIPPED / "policy" / "juki-2011.toml", load_config(SHIPPED / "kiosk.toml", []).town, lambda: START)
    return directory


@dataclass
class World:
    """Everything that outlives a station's process: cards, papers, money, the authority's books, the store.

    The store is a file in `directory` where none is given.
    """

    directory: Path
    authority_directory: Path
    now: datetime.datetime = START
    boot: bytes = bytes(16)
    delivery: Delivery = Delivery.TERMINAL
    slot: MemorySlot = field(default_factory=lambda: MemorySlot("sim:"))
    window_slot: MemorySlot = field(default_factory=lambda: MemorySlot("sim:"))
    printer_core: VirtualPrinter = field(default_factory=VirtualPrinter)
    store: Store | None = None
    runner: asyncio.Runner | None = None

    def __post_init__(self) -> None:
        self.hand = Hand(self.slot)
        self.window_hand = Hand(self.window_slot, self.hand.cards, self.hand.memories)
        self.till = SimulatedTill(self.directory / "till.json")
        self.authority = open_authority(self.authority_directory, lambda: self.now)
        self.application = application(self.authority)
        self.store = self.store or sqlite_store(self.directory)
        self.database_url = self.store.url
        self.stored = self.store.stored

    def line(self) -> AsgiLine:
        """The line to the authority."""
        return AsgiLine(self.application, self.runner)

    def station(self, database: Database | CuttingDatabase | None = None, **changes: Any) -> Station:
        """The station's process, started anew on what is left."""
        config = load_config(SHIPPED / "kiosk.toml", [])
        credential_file = self.authority_directory / "stations" / "demo.pem"
        credential = load_credential(credential_file)
        printer = EscposPrinter(MemoryLink(self.printer_core), MODELS["tm-t88-ja"])
        masters = {
            ChannelPurpose.ISSUE: DEMO_MASTERS.issue,
            ChannelPurpose.RESET: DEMO_MASTERS.reset,
            ChannelPurpose.ERASE: DEMO_MASTERS.erase,
        }
        store: Any = database or open_database(self.database_url)
        journal = Journal(store, "demo", StationKey(bytes(32)), lambda: self.now, head_key=HEAD_KEY)
        station = Station(
            name="demo",
            town=config.town,
            policy=config.policy,
            waits=Waits(0.01, 0.01),
            journal=journal,
            audit=Audit(store, lambda: False),
            register=load_register(config.register_file),
            reader=Reader(self.slot),
            window=Reader(self.window_slot),
            delivery=self.delivery,
            printer=printer,
            cash=ClerkDrawer(printer),
            authority=AuthorityClient(
                "http://authority",
                credential,
                credential.chain,
                clock=lambda: self.now,
                line=self.line(),
            ),
            generations=credential.generations,
            card_keys=CardDesk(
                CardIssuer(in_memory(masters)), credential.generations, journal.stage_of, lambda: self.now
            ).keys,
            clerk_key=load_clerk_key(self.authority_directory / "clerks" / "demo.pem"),
            second_key=lambda name: load_clerk_key(self.authority_directory / "clerks" / f"{name}.pem"),
            ids=KeyedIds(bytes(16)),
            receipt_form=load_receipt_form("ja", is_training=True),
            roll_paper=lambda name, values, marks: roll_paper(
                name, "ja", {**town_words(config.town, "ja"), **values}, marks=marks
            ),
            clock=lambda: self.now,
            uptime=lambda: Uptime(self.boot, int((self.now - START).total_seconds())),
        )
        return replace(station, **changes)

    def persons(self, number: str, resident: str = RESIDENT, password: str = PASSWORD) -> Persons:
        """The persons of one application."""
        reader: Any = self.hand
        window: Any = self.window_hand
        return Persons(
            PlayedResident(resident, password, reader, window),
            PlayedClerk(ClerkTable(tendered_yen=1000), number, self.till),
        )

    def issue(
        self,
        number: str = "1",
        resident: str = RESIDENT,
        *,
        station: Station | None = None,
        persons: Persons | None = None,
        report: Callable[[StepReport], None] = lambda _: None,
    ) -> Closed:
        """One issuance on a fresh process, or on the one given."""
        return issue(
            Application(number, resident),
            station or self.station(),
            persons or self.persons(number, resident),
            report,
        )
