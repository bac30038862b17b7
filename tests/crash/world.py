"""One counter's world: everything that outlives a process, its image, and the processes started in it.

Real drivers on simulated devices, the real authority over ASGI, real SQLite files in memory.
"""

import copy
import datetime
import hashlib
import itertools
import json
import re
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.cash.drawer import ClerkDrawer
from hw.errors import LinkLost, Refused
from hw.ports import MachineMoney
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import CardMemory
from hw.sim.card.personalization import new_card
from hw.sim.card.profile import PROFILES
from hw.sim.printer.virtual import VirtualPrinter
from kiosk.authority.client import AuthorityClient
from kiosk.authority.embedded.authority import Authority
from kiosk.counter.card_desk import CardDesk
from kiosk.counter.desk import Desk
from kiosk.counter.remote_clerk import RemoteArchive, RemoteDesk, RemoteTwoClerks
from kiosk.counter.town_ids import KeyedIds
from kiosk.issuance.ended_cases import EndedCases
from kiosk.issuance.failure import Halted
from kiosk.issuance.persons import Persons
from kiosk.issuance.settle import settle_elsewhere
from kiosk.issuance.station import Station, Waits
from kiosk.journal.audit import Audit
from kiosk.journal.database import Database, open_database
from kiosk.journal.escrow import EscrowKey, EscrowTo
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.model.application import Delivery
from kiosk.model.authorisation import Uptime
from kiosk.model.step import Step, Undo
from kiosk.model.testimony import PaperSeen, TestimonyInvalid
from kiosk.papers.catalogue import roll_paper, town_words
from kiosk.played_persons import PlayedResident
from tests.counter_bench import HEAD_KEY, OTHER_RESIDENT, PASSWORD, RESIDENT
from tests.crash.boundary import Passage
from tests.crash.clerk_station import ClerkAtStation, ClerkStation, ShortLine
from tests.crash.line import AuthorityLine
from tests.crash.office import START, Office
from tests.crash.people import (
    AbsentResident,
    Hand,
    LonelyClerk,
    Presence,
    ReaderName,
    Till,
    TruthfulClerk,
    TruthfulWitnesses,
)
from tests.crash.watch import ChipMemory, StoreWatch, WatchedCard, WatchedLink, watched_stores

STATION = "demo"
READERS: tuple[ReaderName, ...] = ("terminal", "window")
STATION_KEY = bytes(32)
_NO_TIME_S = 1e-6
"""Whoever is asked acts at once, or never."""
PASSWORDS = {RESIDENT: PASSWORD, OTHER_RESIDENT: "Teshio1974xyz"}
NEW_PASSWORD = "Onbetsu2010q"
"""What the owner changes his to."""
SECOND_PASSWORD, NEW_SECOND_PASSWORD = "4242", "9731"
"""The same of the other password of every card that has two."""


ESCROW_KEY = EscrowKey("clerks", X25519PrivateKey.from_private_bytes(b"\x05" * 32))
SEALED_TO = EscrowTo(ESCROW_KEY.station, ESCROW_KEY.private_key.public_key().public_bytes_raw())
"""The clerk's station, which alone reads the cases that have ended."""

_CONFIRMED = re.compile(rb"\x37\x22[0-9-]{4}\x00")
"""What a printer answers to GS ( H behind a job; asked between jobs whether it keeps up, it names no number."""


@dataclass(frozen=True)
class Image:
    """The world at one instant: what is left when every process ends there. Nothing in it is ever changed."""

    store: bytes
    store_journal: bytes
    books: bytes
    books_journal: bytes
    cards: Mapping[str, CardMemory]
    inserted: Mapping[ReaderName, str]
    boot: int
    keys_made: int
    till: Mapping[str, int]
    till_moves: tuple[tuple[str, int], ...]
    printer: VirtualPrinter
    now: datetime.datetime
    drawn: int
    acknowledged: tuple[tuple[int, bytes], ...]

    def is_like(self, other: "Image") -> bool:
        """Whether both are the same but for how many random numbers were drawn."""
        return replace(self, drawn=other.drawn) == other


def first_image(office: Office) -> Image:
    """The world before anything happened: two residents with new cards, of the kind that the policy is named after."""
    kind = PROFILES[office.config.policy.name]
    cards = {code: new_card(f"JUKI{code:0>12}", kind) for code in (RESIDENT, OTHER_RESIDENT)}
    return Image(b"", b"", office.books, b"", cards, {}, 0, 0, {}, (), VirtualPrinter(), START, 0, ())


class World:
    """A world set up from an image, with files of its own under `directory`; `close` ends it.

    `passage` hears what the terminal's present process passes.
    """

    def __init__(self, office: Office, image: Image, passage: Passage, directory: Path) -> None:
        self.office = office
        self.passage = passage
        self.now = image.now
        self._drawn = image.drawn
        self.is_mute = False
        """Whether the printer never says that a paper came out, and the drawer never opens but by the clerk's key."""
        self._keys_made = image.keys_made
        self._acknowledged = list(image.acknowledged)
        self._directory = directory
        self._store, self._books = directory / "kiosk.db", directory / "books.db"
        self._contents = dict[Path, bytes]()
        self._lay_out(image)
        self._printer = copy_printer(image.printer)
        self._printer_image: VirtualPrinter | None = image.printer
        self._slots = {reader: MemorySlot(f"sim:{reader}") for reader in READERS}
        self._chips = {code: ChipMemory(memory) for code, memory in image.cards.items()}
        self._cards = {code: self._card(code, chip) for code, chip in self._chips.items()}
        self.boot = image.boot
        self.inserted: dict[ReaderName, str] = {}
        self._lay_cards(image.inserted)
        self.till = Till(directory / "till.json", image.till_moves, self._passage)
        self.hands = {reader: self._hand(reader) for reader in READERS}
        self._database: Database | None = None
        self._held = ExitStack()
        self.clerk_station = ClerkStation(self._passage)
        self.line = AuthorityLine(office, self._passage, self._open_authority)
        store = StoreWatch(self._passage, self._acknowledge)
        self._held.enter_context(watched_stores({str(self._store): store, str(self._books): self.line}))
        self.line.replace_process()

    def close(self) -> None:
        """Ends every process and removes the files."""
        self.end_terminal()
        self.line.end()
        self._held.close()
        shutil.rmtree(self._directory)

    def image(self) -> Image:
        """The world at this instant, in the middle of a transaction or a session too."""
        if self._printer_image is None:
            self._printer_image = copy_printer(self._printer)
        return Image(
            store=self._content(self._store),
            store_journal=self._content(_journal_of(self._store)),
            books=self._content(self._books),
            books_journal=self._content(_journal_of(self._books)),
            cards={code: chip.memory for code, chip in self._chips.items()},
            inserted=dict(self.inserted),
            boot=self.boot,
            keys_made=self._keys_made,
            till=self.till.content(),
            till_moves=self.till.moves,
            printer=self._printer_image,
            now=self.now,
            drawn=self._drawn,
            acknowledged=tuple(self._acknowledged),
        )

    # --- processes

    def start_terminal(self, delivery: Delivery) -> Station:
        """The terminal's process, started on what is left; whoever starts it starts what else was lost too."""
        self.end_terminal()
        self.line.restore()
        self.clerk_station.restore()
        office = self.office
        self._database = open_database(f"sqlite:///{self._store}")
        printer = EscposPrinter(WatchedLink(self, self._passage), MODELS["tm-t88-ja"])
        hurried = itertools.count()
        credential = office.credential
        key = StationKey(STATION_KEY, self.random)
        journal = Journal(
            self._database, STATION, key, self._clock, self.random, head_key=HEAD_KEY, escrow_to=lambda: SEALED_TO
        )
        journal.start()
        desk = CardDesk(
            office.card_issuer, credential.generations, journal.stage_of, self._clock, self.clerk_station.answered
        )
        authority = AuthorityClient(
            "http://authority",
            credential,
            credential.chain,
            clock=self._clock,
            random_bytes=self.random,
            line=self.line,
        )
        clerks = self._clerks(self._database, authority, desk)
        return Station(
            name=STATION,
            town=office.config.town,
            policy=office.config.policy,
            waits=Waits(_NO_TIME_S, _NO_TIME_S),
            journal=journal,
            audit=Audit(self._database, lambda: False),
            register=office.register,
            reader=Reader(self._slots["terminal"], random=self.random),
            window=Reader(self._slots["window"], random=self.random),
            delivery=delivery,
            printer=printer,
            cash=ClerkDrawer(
                printer, has_sensor=self.is_mute, monotonic=lambda: float(next(hurried)), pause=lambda _: None
            ),
            authority=authority,
            generations=credential.generations,
            card_keys=lambda authorisation: self.clerk_station.keys(desk, authorisation),
            uptime=lambda: Uptime(self.boot.to_bytes(16, "big"), int((self.now - START).total_seconds())),
            clerk_key=office.clerk_key,
            second_key=lambda _: office.second_clerk,
            ids=KeyedIds(bytes(16)),
            receipt_form=office.receipt_form,
            roll_paper=lambda name, values, marks: roll_paper(
                name, "ja", {**town_words(office.config.town, "ja"), **values}, marks=marks
            ),
            clock=self._clock,
            random_bytes=self.random,
            archive=RemoteArchive(clerks),
            two_clerks=RemoteTwoClerks(clerks),
        )

    def _clerks(self, database: Database, authority: AuthorityClient, cards: CardDesk) -> RemoteDesk:
        """The clerk's station, asked about cases that have ended and about those that two clerks settle."""
        office = self.office
        journal = Journal(
            database, SEALED_TO.station, StationKey(bytes(32)), self._clock, head_key=HEAD_KEY, escrow_key=ESCROW_KEY
        )
        nothing: Any = None
        desk = Desk(
            line=nothing,
            journal=journal,
            register=office.register,
            ids=KeyedIds(bytes(16)),
            card_desk=cards,
            clerk=nothing,
            clerk_key=office.clerk_key,
            authorisation_life=datetime.timedelta(),
            clock=self._clock,
            ended_cases=EndedCases(journal, authority, self._clock),
            witnesses=lambda _, number: TruthfulWitnesses(partial(self._truth, number)),
            key_of=lambda _: office.second_clerk,
            random_bytes=self.random,
        )
        line: Any = ShortLine(STATION, self.clerk_station, desk)
        return RemoteDesk(line, SEALED_TO.station, 0.0, lambda: 0.0)

    def end_terminal(self) -> None:
        """The terminal's process is gone: its files are closed, and the card service takes the card's power."""
        if self._database is not None:
            self._database.close()
            self._database = None
        self._lay_cards(self.inserted)

    def random(self, count: int) -> bytes:
        """Random bytes of this world: never the same twice, and the same in every replay."""
        self._drawn += 1
        return hashlib.shake_256(self._drawn.to_bytes(8, "big")).digest(count)

    # --- people and things

    def persons(
        self,
        number: str,
        resident: str,
        presence: Presence = Presence.SAME,
        clerk_kind: type[TruthfulClerk] = TruthfulClerk,
    ) -> Persons:
        """Who is at the counter for one application."""
        if presence is Presence.GONE:
            clerk: TruthfulClerk = LonelyClerk(number, self.till, self.papers)
            return Persons(AbsentResident(), ClerkAtStation(clerk, self.clerk_station))
        clerk = clerk_kind(number, self.till, self.papers)
        return Persons(
            PlayedResident(
                resident,
                PASSWORDS[resident],
                self.hands["terminal"],
                self.hands["window"],
                authentication_password=SECOND_PASSWORD,
            ),
            ClerkAtStation(clerk, self.clerk_station),
        )

    def settle(self, number: str, station: Station) -> None:
        """Two clerks at their station look into what nobody could tell of this application, and say what is so.

        While it cannot be asked, or what it sends is not accepted, the case waits on, as `kiosk settle` leaves it.
        """
        for waiting in station.journal.suspect_cases():
            if waiting.number == number:
                with suppress(LinkLost, Refused, TestimonyInvalid, Halted):
                    settle_elsewhere(waiting, station)

    def _truth(self, number: str, question: Step | Undo) -> str:
        looking = TruthfulClerk(number, self.till, self.papers)
        if question is not Step.RECEIPT:
            return str(looking.count_payment(0, MachineMoney()))
        receipt_number = self._receipt_number(number)
        return (PaperSeen.NOTHING if receipt_number is None else looking.look_at_paper(receipt_number)).value

    def _receipt_number(self, number: str) -> int | None:
        """The receipt of an application's newest case, read without the product; None when it has no number yet."""
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True)) as connection:
            found = connection.execute(
                """SELECT receipts.number FROM cases LEFT JOIN receipts USING (pseudonym)
                   WHERE cases.number = ? ORDER BY attempt DESC LIMIT 1""",
                (number,),
            ).fetchone()
        return found[0] if found else None

    def place_card(self, code: str | None, reader: ReaderName = "terminal") -> None:
        """This resident's card lies in this reader now, without power, and nowhere else; or none does."""
        for other in READERS:
            if other == reader or self.inserted.get(other) == code:
                self._slots[other].remove()
                self.inserted.pop(other, None)
        if code is not None:
            self._slots[reader].insert(self._cards[code])
            self.inserted[reader] = code

    def take_out(self, code: str) -> None:
        """This resident's card lies in no reader any more."""
        for reader, inserted in tuple(self.inserted.items()):
            if inserted == code:
                self.place_card(None, reader)

    def papers(self) -> list[str]:
        """What lies in the printer's tray."""
        return [sheet.text for sheet in self._printer.sheets]

    def feed(self, chunk: bytes) -> bytes:
        """The printer's end of its link."""
        if chunk:
            self._printer_image = None
        answer = self._printer.feed(chunk)
        if self.is_mute:
            self._printer.close_drawer()
            return _CONFIRMED.sub(b"", answer)
        return answer

    # ---

    def _lay_out(self, image: Image) -> None:
        self._directory.mkdir()
        for path, content in (
            (self._store, image.store),
            (_journal_of(self._store), image.store_journal),
            (self._books, image.books),
            (_journal_of(self._books), image.books_journal),
            (self._directory / "till.json", json.dumps(dict(image.till)).encode()),
        ):
            if content:
                path.write_bytes(content)

    def _content(self, path: Path) -> bytes:
        """What is in a file; the very same object as before when nothing changed, so that images share it."""
        content = path.read_bytes() if path.exists() else b""
        if content != self._contents.get(path):
            self._contents[path] = content
        return self._contents[path]

    def _open_authority(self) -> Authority:
        return self.office.authority_on(self._books, self._clock, self.random)

    def _lay_cards(self, inserted: Mapping[ReaderName, str]) -> None:
        """All cards lose their power, and lie where they are said to."""
        lying = dict(inserted)
        for reader in READERS:
            self.place_card(None, reader)
        for reader, code in lying.items():
            self.place_card(code, reader)

    def _hand(self, reader: ReaderName) -> Hand:
        return Hand(self._passage, reader, self.place_card, lambda: reader in self.inserted)

    def _card(self, code: str, chip: ChipMemory) -> WatchedCard:
        card = VirtualCard(chip, make_key=self._make_key, random_bytes=self.random)
        return WatchedCard(card, chip, self._passage, lambda: self.take_out(code))

    def _make_key(self) -> rsa.RSAPrivateKey:
        self._keys_made += 1
        return self.office.keys[self._keys_made - 1]

    def _acknowledge(self, seq: int, digest: bytes) -> None:
        self._acknowledged.append((seq, digest))

    def _passage(self) -> Passage:
        return self.passage

    def _clock(self) -> datetime.datetime:
        return self.now


def copy_printer(printer: VirtualPrinter) -> VirtualPrinter:
    """A printer in the very same state; finished sheets, which never change, are shared."""
    shared = [*printer.sheets, *(row for row in printer._head.rows), printer._lock]
    return copy.deepcopy(printer, {id(thing): thing for thing in shared})


def _journal_of(path: Path) -> Path:
    return path.with_name(path.name + "-journal")
