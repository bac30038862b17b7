"""Everything a use case works with: one value, assembled once at start, that knows nothing of screens."""

import datetime
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509

from hw.ports import CardReader, CashBox, ChannelKeys, MachineMoney, Paper, ReceiptPrinter
from kiosk.authority.client import AuthorityClient
from kiosk.clock import JAPAN, Clock
from kiosk.counter.clerk_key import ClerkKey
from kiosk.counter.town_ids import TownIds
from kiosk.issuance.ended_cases import Archive, EndedCases
from kiosk.issuance.receipt import ReceiptForm
from kiosk.journal.audit import Audit
from kiosk.journal.journal import Journal
from kiosk.model.application import Delivery
from kiosk.model.authorisation import Authorisation, Uptime
from kiosk.model.policy import Policy
from kiosk.model.testimony import Testimony
from kiosk.model.town import Town
from kiosk.register.register import ResidentLookup


@dataclass(frozen=True)
class Waits:
    """How long the counter waits for people, in seconds."""

    card_inserted_s: float
    card_taken_s: float


class RollPaper(Protocol):
    """Lays out one of the counter's papers on the roll besides the receipt, in the town's name, void in training."""

    def __call__(self, name: str, values: Mapping[str, str], marks: Collection[str]) -> Paper:
        """The paper of that name."""


class TwoClerks(Protocol):
    """Two clerks at a station of their own."""

    def testify(self, pseudonym: str, known: MachineMoney) -> Testimony:
        """What they find about this station's suspect case, under both signatures; waits for them.

        `known` is what the machine here, which they do not see, knows of its money.
        Raises `kiosk.issuance.persons.Abandoned`, `hw.errors.LinkLost` and `hw.errors.Refused`.
        """

    def exempt(self, pseudonym: str) -> Testimony:
        """On which ground they have exempted from the fee of this station's case, when they gave leave for it.

        Raises `hw.errors.LinkLost` and `hw.errors.Refused`.
        """


@dataclass(frozen=True, repr=False)
class Station:
    """One counter with its devices, its books and its authority.

    `card_keys` answers a card's challenge on behalf of the clerk's station, for one authorisation. `ids` are the
    town's, so that every station knows a resident by the same one. `generations` are the authority's own
    certificates.
    `audit` looks through the whole journal meanwhile; once it has found something nothing is begun any more. `uptime`
    is this computer's own time, which nobody sets. `window` is the clerk's reader, where there is one; `archive` the
    clerk's station that alone can read the cases that have ended, where that is another, and `two_clerks` are those who
    settle there what nobody can tell. `second_key` is the key of another clerk of this station, by his name; it raises
    `hw.errors.Refused`.
    """

    name: str
    town: Town
    policy: Policy
    waits: Waits
    journal: Journal
    audit: Audit
    register: ResidentLookup
    reader: CardReader
    window: CardReader | None
    delivery: Delivery
    printer: ReceiptPrinter
    cash: CashBox
    authority: AuthorityClient
    generations: tuple[x509.Certificate, ...]
    card_keys: Callable[[Authorisation], ChannelKeys]
    clerk_key: ClerkKey
    second_key: Callable[[str], ClerkKey]
    ids: TownIds
    receipt_form: ReceiptForm
    roll_paper: RollPaper
    clock: Clock
    uptime: Callable[[], Uptime]
    random_bytes: Callable[[int], bytes] = os.urandom
    archive: Archive | None = None
    two_clerks: TwoClerks | None = None

    @property
    def ended_cases(self) -> EndedCases:
        """What is asked about cases that have ended."""
        return EndedCases(self.journal, self.authority, self.clock, self.archive)

    def person(self, resident_code: str) -> bytes:
        """The town's keyed id of a resident."""
        return self.ids.person(resident_code)

    def card(self, card_number: str) -> bytes:
        """The town's keyed id of a card."""
        return self.ids.card(card_number)

    @property
    def readers(self) -> tuple[CardReader, ...]:
        """The terminal's reader, and the window's."""
        return (self.reader,) if self.window is None else (self.reader, self.window)

    @property
    def authorisation_life(self) -> datetime.timedelta:
        """How long a clerk's leave is good."""
        return datetime.timedelta(minutes=self.policy.deadlines.authorisation_min)

    def today(self) -> datetime.date:
        """The day at the counter."""
        return self.clock().astimezone(JAPAN).date()
