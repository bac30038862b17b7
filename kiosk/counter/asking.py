"""What a terminal asks the clerk's station: one row a kind, with what is sent and what comes back.

Everything is JSON by `msgspec`; an answer is one of `Said` (the value), `Gone` (a person stopped), `Unsure` (he cannot
tell), `Denied` (the clerk's station does not do this for this case), `Unreadable` (it cannot open the case) and
`Keyless` (it would, and its token with the card issuer's masters cannot be used now).
"""

import datetime
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

import msgspec

from hw.ports import CashTrouble, ChannelChallenge, MachineMoney, ManagementKeys, SessionKeys
from kiosk.issuance.ended_cases import Certified
from kiosk.issuance.persons import Exemption, IdentityEvidence, IdentityQuestion
from kiosk.model.authorisation import Authorisation
from kiosk.model.decision import CarriedOut, Decision
from kiosk.model.form import Form
from kiosk.model.resident import Resident
from kiosk.model.step import Actor
from kiosk.model.testimony import PaperSeen, Testimony

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Asking(Generic[Asked, Answered]):
    """One kind of question: its name, what is asked, and what is answered."""

    kind: str
    asked: type[Asked]
    answered: type[Answered]


@dataclass(frozen=True)
class Concerning:
    """Which application the clerk is asked about, and yen or the number of a receipt; 0 where there is no count."""

    application_number: str
    count: int


@dataclass(frozen=True)
class CountWanted:
    """Of which application the money is to be counted, what was due, and what the terminal's machine knows of it."""

    application_number: str
    due_yen: int
    known: MachineMoney


@dataclass(frozen=True)
class SuspectCase:
    """Which case two clerks settle, by its pseudonym, and what the terminal's machine knows of its money."""

    case: str
    known: MachineMoney


@dataclass(frozen=True)
class CashMinded:
    """At which application something is wrong with the terminal's cash."""

    application_number: str
    trouble: CashTrouble


@dataclass(frozen=True, repr=False)
class KeysWanted:
    """Session keys for a card's challenge, on a clerk's leave."""

    authorisation: Authorisation
    challenge: ChannelChallenge


@dataclass(frozen=True, repr=False)
class KeysGiven:
    """What opens the card: the session keys of one channel, or what manages a PIV card, which has none."""

    session: SessionKeys | None = None
    management: ManagementKeys | None = None


@dataclass(frozen=True, repr=False)
class Found:
    """A resident of the register, None when there is none of that code."""

    resident: Resident | None


@dataclass(frozen=True, repr=False)
class FormLooked:
    """What the clerk says to a form that was typed at a terminal.

    The resident whose it is; else the items that are to be looked at once more; with neither he would rather speak to
    the resident.
    """

    resident: Resident | None
    items: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class KeyWanted:
    """The key of an ended case, wanted for the resident of this code."""

    case: str
    resident_code: str


@dataclass(frozen=True, repr=False)
class KeyOfCase:
    """The key, None when the case is another resident's."""

    key: bytes | None


@dataclass(frozen=True)
class Cases:
    """Cases of the station that asks, by their pseudonyms; `until` when those that are put off are."""

    cases: tuple[str, ...]
    until: dict[str, datetime.date] = field(default_factory=dict)


@dataclass(frozen=True)
class CertifiedCases:
    """What each of them asked the authority for."""

    cases: dict[str, tuple[Certified, ...]]


RESIDENT = Asking("resident", str, Found)
PERSON = Asking("person", str, bytes)
CARD = Asking("card", str, bytes)
IDENTITY = Asking("identity", IdentityQuestion, IdentityEvidence)
APPROVE: Asking[IdentityQuestion, Exemption | bool] = Asking(
    "approve", IdentityQuestion, cast("type[Exemption | bool]", Exemption | bool)
)
"""True for leave alone, an exemption for leave to issue without the fee."""
AUTHORISE = Asking("authorise", bytes, Authorisation)
EXEMPT = Asking("exempt", str, Testimony)
"""The ground on which two clerks have exempted from the fee of the case of this pseudonym, under their signatures."""
KEYS = Asking("keys", KeysWanted, KeysGiven)
CERTIFICATE = Asking("certificate", str, bytes)
FEE = Asking("fee", Concerning, int)
CHANGE = Asking("change", Concerning, bool)
REPAY = Asking("repay", Concerning, bool)
CASH = Asking("cash", CashMinded, bool)
COUNT = Asking("count", CountWanted, int)
RETURNED = Asking("returned", Concerning, bool)
PAPER = Asking("paper", Concerning, PaperSeen)
PRINTED_FORM = Asking("printed_form", str, Found)
"""Whose printed form has this code."""
TYPED_FORM = Asking("typed_form", Form, FormLooked)
FREE = Asking("free", str, Found)
"""The terminal has nobody: it waits for a form that the clerk sends there."""
CALL = Asking("call", str, bool)
"""The resident at the terminal wants somebody to come; a clerk who is on his way says so."""
DESERTED = Asking("deserted", str, bool)
"""A password is waited for at the terminal, and nobody has touched it for long; a clerk who looked there ends it."""
TESTIFY = Asking("testify", SuspectCase, Testimony)
"""Two clerks settle a suspect case of the terminal, and both sign what they found."""
DECIDE = Asking("decide", Cases, Decision)
"""Nobody works on these cases of the terminal: the clerk may decide about one, and the terminal carries it out."""
CARRIED_OUT = Asking("carried_out", CarriedOut, bool)
"""What came of that, for the clerk to read; the case itself stands in the store."""

_ABOUT_CASES = (IDENTITY, APPROVE, FEE, CHANGE, REPAY, CASH, COUNT, RETURNED, PAPER, TESTIFY, DECIDE)

CLERKS = frozenset(asked.kind for asked in (*_ABOUT_CASES, TYPED_FORM, FREE, CALL, DESERTED))
"""What a person answers, who takes his time; everything else a station answers at once."""
IS_VALID = Asking("is_valid", str, bool)
CASE_KEY = Asking("case_key", KeyWanted, KeyOfCase)
CERTIFIED = Asking("certified", Cases, CertifiedCases)


class Said(msgspec.Struct, tag="said"):
    """An answer; `value` is JSON of what the kind answers."""

    value: msgspec.Raw


class Gone(msgspec.Struct, tag="gone"):
    """A person stopped the procedure."""

    by: Actor
    reason: str


class Unsure(msgspec.Struct, tag="unsure"):
    """The clerk cannot tell."""


class Denied(msgspec.Struct, tag="denied"):
    """The clerk's station does not do this, and why."""

    reason: str


class Unreadable(msgspec.Struct, tag="unreadable"):
    """The clerk's station has not, or no more, what opens the case, and why."""

    reason: str


class Keyless(msgspec.Struct, tag="keyless"):
    """The card issuer's masters cannot be reached at the clerk's station, and why."""

    reason: str


Reply = Said | Gone | Unsure | Denied | Unreadable | Keyless
