"""What an image of the world shows: every durable thing read by its own means, where possible without the product.

`Remains` is what invariants speak of. `state_key` names a state such that equal keys behave equally from there on, but
for what is drawn at random.
"""

import base64
import datetime
import functools
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from hw.sim.printer.sheet import Sheet
from kiosk.clock import JAPAN
from kiosk.journal.seal import Seal
from tests.crash.people import receipt_seen
from tests.crash.world import ESCROW_KEY, Image
from tests.issuance.rest import certificate_in

RESIDENT_PROFILE, SECOND_PROFILE = "signature", "authentication"
ORIGINAL_TITLE, COPY_TITLE = "手数料領収書", "領収書(写)"
_ENDED = (
    *("closed", "refused", "rolled_back"),
    *("revocation_closed", "revocation_refused", "revocation_abandoned"),
    *("password_changed", "password_change_refused", "password_change_abandoned", "password_change_unknown"),
    *("unlocked", "unlock_refused", "unlock_abandoned", "unlock_unknown"),
)
_BASE64 = re.compile(rb'"((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==))"')
_CERTIFICATE_FILE, _KEY_FILE, _PIN_FILE = 0x0001, 0x001A, 0x001B
_SECOND_CERTIFICATE_FILE, _SECOND_KEY_FILE = 0x000A, 0x0017


@dataclass(frozen=True)
class Certificate:
    """A resident's certificate in the authority's books; `state` as it is at this moment."""

    serial: str
    state: str
    reason: str | None
    person: bytes
    key: bytes
    der: bytes
    confirm_before: datetime.datetime


@dataclass(frozen=True)
class Books:
    """The authority's books; `answered` holds SHA-256 of every request that was answered.

    `seconds` are the certificates of the other key of cards that have two.
    """

    certificates: tuple[Certificate, ...]
    answered: frozenset[bytes]
    seconds: tuple[Certificate, ...]


@dataclass(frozen=True)
class Effect:
    """A step of a case as the store knows it; records are opened, None where not reached."""

    state: str
    intent: Any
    outcome: Any
    testimony: Any


@dataclass(frozen=True)
class Case:
    """A case as the store knows it; `noted_at` is when each of its steps was last journaled."""

    pseudonym: str
    number: str
    person: str | None
    stage: str
    code: str | None
    effects: Mapping[str, Effect]
    receipt: int | None
    noted_at: Mapping[str, datetime.datetime]
    has_key_here: bool
    """Whether the terminal can read it; the clerk's station can."""

    def outcome(self, step: str) -> Any:
        """What a step yielded, None when it was not done."""
        effect = self.effects.get(step)
        return effect.outcome if effect is not None and effect.state == "done" else None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.stage in _ENDED


@dataclass(frozen=True)
class Entry:
    """One line of the journal; `facts` is what its body says."""

    seq: int
    body: str
    hash: bytes
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Head:
    """A signed head of the journal."""

    station: str
    size: int
    at: int
    root: bytes
    signature: bytes


@dataclass(frozen=True)
class Store:
    """The kiosk's store; `is_made`: it has its tables."""

    cases: tuple[Case, ...]
    entries: tuple[Entry, ...]
    receipts: tuple[int, ...]
    heads: tuple[Head, ...]
    records: tuple[bytes, ...] = ()
    """Every sealed record of a case in clear, and what base64 in it stands for."""
    is_made: bool = True

    @property
    def covered(self) -> int:
        """How many entries the newest signed head covers."""
        return max((head.size for head in self.heads), default=0)


@dataclass(frozen=True)
class Card:
    """A card: its key (SHA-256 of the public one), the tries of its password (None: not set), its certificate file.

    And the same of its other key, where it has two.
    """

    number: str
    key: bytes | None
    key_der: bytes
    tries: int | None
    file: bytes
    second_key: bytes | None
    second_key_der: bytes
    second_file: bytes

    @property
    def certificate(self) -> bytes | None:
        """What reads as its certificate."""
        return certificate_in(self.file)

    @property
    def second_certificate(self) -> bytes | None:
        """What reads as the certificate of its other key."""
        return certificate_in(self.second_file)


@dataclass(frozen=True)
class Past:
    """What was before a scenario began.

    Certificates that were `revoked` since they were issued, and whether an owner has typed his password wrong since
    (`is_mistyped`), so that his card has a try less.
    """

    revoked: frozenset[str] = frozenset()
    is_mistyped: bool = False


@dataclass(frozen=True)
class Remains:
    """Everything that is left."""

    image: Image
    past: Past
    books: Books
    store: Store
    cards: Mapping[str, Card]
    papers: tuple[str, ...]


def examine(image: Image, past: Past) -> Remains:
    """Reads an image."""
    return Remains(
        image=image,
        past=past,
        books=_read_books(image.books, int(image.now.timestamp())),
        store=_read_store(image.store),
        cards={code: _read_card(memory) for code, memory in image.cards.items()},
        papers=tuple(sheet.text for sheet in image.printer.sheets),
    )


def state_key(remains: Remains) -> str:
    """A name for the state, in which serial numbers, keys, pseudonyms and times of day do not occur."""
    return hashlib.sha256(repr(tuple(_facts(remains))).encode()).hexdigest()[:16]


# --- reading


def _connect(content: bytes) -> sqlite3.Connection:
    """A view of a database file as last committed; a transaction that was under way is not in it."""
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    if content:
        connection.deserialize(content)
    return connection


@functools.lru_cache(64)
def _read_books(content: bytes, now: int) -> Books:
    connection = _connect(content)
    first, second = (
        tuple(
            _certificate(row, now)
            for row in connection.execute("SELECT * FROM certificate WHERE profile = ? ORDER BY rowid", (profile,))
        )
        for profile in (RESIDENT_PROFILE, SECOND_PROFILE)
    )
    answered = frozenset(row["request_hash"] for row in connection.execute("SELECT request_hash FROM answer"))
    connection.close()
    return Books(first, answered, second)


def _certificate(row: sqlite3.Row, now: int) -> Certificate:
    has_lapsed = row["state"] == "pending" and row["confirm_before"] <= now
    return Certificate(
        row["serial"],
        "revoked" if has_lapsed else row["state"],
        "lapsed" if has_lapsed else row["reason"],
        row["person"],
        row["key_hash"],
        row["der"],
        datetime.datetime.fromtimestamp(row["confirm_before"], datetime.UTC),
    )


@functools.lru_cache(64)
def open_applications(store: bytes) -> frozenset[str]:
    """The numbers of the applications that have not ended."""
    connection = _connect(store)
    try:
        rows = connection.execute(f"SELECT number FROM cases WHERE stage NOT IN {_ENDED}").fetchall()
    except sqlite3.OperationalError:  # it has no tables yet
        rows = []
    finally:
        connection.close()
    return frozenset(row["number"] for row in rows)


@functools.lru_cache(64)
def _read_store(content: bytes) -> Store:
    connection = _connect(content)
    tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master")}
    if "journal" not in tables:
        return Store((), (), (), (), is_made=False)
    entries = tuple(
        Entry(row["seq"], row["body"], bytes(row["hash"]), _parsed(row["body"]))
        for row in connection.execute("SELECT * FROM journal ORDER BY station, seq")
    )
    heads = tuple(
        Head(row["station"], row["size"], row["at"], row["root"], row["signature"])
        for row in connection.execute("SELECT * FROM heads ORDER BY station, size")
    )
    receipts = {row["pseudonym"]: row["number"] for row in connection.execute("SELECT * FROM receipts")}
    noted_at: dict[str, dict[str, datetime.datetime]] = {}
    for entry in entries:
        body = entry.facts
        if "step" in body:
            noted_at.setdefault(body["case"], {})[body["step"]] = datetime.datetime.fromisoformat(body["at"])
    cases, records = [], list[bytes]()
    for row in connection.execute("SELECT * FROM cases ORDER BY rowid").fetchall():
        effects = {}
        # As the clerk's station reads it; a copy that does not open ends the exploration.
        key = ESCROW_KEY.open(row["escrow"], row["pseudonym"])
        seal = Seal(partial(bytes, key), bytes)
        for effect in connection.execute("SELECT * FROM effects WHERE pseudonym = ?", (row["pseudonym"],)):
            plain = {
                part: None if effect[part] is None else seal.open(effect[part], f"{effect['step']} {part}")
                for part in ("intent", "outcome", "testimony")
            }
            records += (_in_clear(part) for part in plain.values() if part is not None)
            opened = {name: None if part is None else json.loads(part) for name, part in plain.items()}
            effects[effect["step"]] = Effect(effect["state"], **opened)
        pseudonym = row["pseudonym"]
        cases.append(
            Case(
                pseudonym,
                row["number"],
                row["person"],
                row["stage"],
                row["code"],
                effects,
                receipts.get(pseudonym),
                noted_at.get(pseudonym, {}),
                row["seal"] is not None,
            )
        )
    connection.close()
    return Store(tuple(cases), entries, tuple(sorted(receipts.values())), heads, tuple(records))


@functools.lru_cache(4096)
def _in_clear(record: bytes) -> bytes:
    """A record (JSON), and behind it the bytes that its texts stand for where they are base64."""
    return b"\0".join([record, *(base64.b64decode(text) for text in _BASE64.findall(record))])


@functools.lru_cache(4096)
def _parsed(body: str) -> Mapping[str, Any]:
    facts: Mapping[str, Any] = json.loads(body)
    return facts


def _read_card(memory: Any) -> Card:
    der, second_der = memory.keys.get(_KEY_FILE, b""), memory.keys.get(_SECOND_KEY_FILE, b"")
    pin = memory.pins.get(_PIN_FILE)
    return Card(
        number=memory.number,
        key=_key_hash(der) if der else None,
        key_der=der,
        tries=None if pin is None else pin.tries,
        file=memory.files.get(_CERTIFICATE_FILE, b""),
        second_key=_key_hash(second_der) if second_der else None,
        second_key_der=second_der,
        second_file=memory.files.get(_SECOND_CERTIFICATE_FILE, b""),
    )


@functools.lru_cache(256)
def _key_hash(der: bytes) -> bytes:
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, RSAPrivateKey)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).digest()


@functools.lru_cache(256)
def certified_key(der: bytes) -> bytes | None:
    """SHA-256 of the public key in a certificate, None for what is no certificate."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return None
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).digest()


# --- naming a state

CLOCK_SKEW = datetime.timedelta(minutes=5)
"""How old a request to certify may be when the authority first sees it."""

_MINUTE = datetime.timedelta(minutes=1)


def _minutes(time: datetime.timedelta) -> int:
    """What is left of a deadline; a start anew takes a second or so, which makes no difference, and no delay is short.

    A deadline that is over is over.
    """
    return max(0, round(time / _MINUTE))


class _Names:
    """Numbers things in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}

    def __call__(self, thing: object) -> int:
        return self._numbers.setdefault(thing, len(self._numbers))


def _facts(remains: Remains) -> Iterator[object]:
    image, key, person = remains.image, _Names(), _Names()
    for certificate in remains.books.certificates:
        left = _minutes(certificate.confirm_before - image.now) if certificate.state == "pending" else None
        yield (
            "certificate",
            certificate.state,
            certificate.reason,
            person(certificate.person),
            key(certificate.key),
            left,
        )
    serials = {certificate.der: number for number, certificate in enumerate(remains.books.certificates)}
    for code, card in sorted(remains.cards.items()):
        file = ("certificate", serials.get(card.certificate)) if card.certificate else ("none", len(card.file))
        yield "card", code, None if card.key is None else key(card.key), card.tries, file
    yield "readers", tuple(sorted(image.inserted.items()))
    store = remains.store
    yield "journal", store.is_made, bool(store.entries), store.covered == len(store.entries)
    for case in store.cases:
        yield "case", case.number, case.stage, case.code, case.person is not None, case.receipt
        for step, effect in sorted(case.effects.items()):
            yield step, effect.state, effect.intent is not None, effect.outcome is not None
            if not case.has_ended:
                yield tuple(_relations(case, step, effect, remains, key, serials))
    yield "till", tuple(sorted((payer, yen) for payer, yen in image.till.items() if yen))
    yield "papers", tuple((paper_kind(text), receipt_seen(text)) for text in remains.papers)
    yield from _printer_facts(image)


def _relations(
    case: Case, step: str, effect: Effect, remains: Remains, key: "_Names", serials: Mapping[bytes, int]
) -> Iterator[object]:
    """How a step of a case that goes on stands to the world and to the time: all that can change what is done next."""
    now, intent, outcome = remains.image.now, None if effect.state == "done" else effect.intent, effect.outcome
    if effect.state == "witnessed":
        yield json.loads(base64.b64decode(effect.testimony["payload"]))["answer"]
    match step:
        case "application" if outcome:
            yield outcome["card_number"], outcome["delivery"]
        case "identity_check" if outcome:
            midnight = (now.astimezone(JAPAN) + datetime.timedelta(days=1)).replace(hour=0, minute=0, second=0)
            is_today = outcome["checked_on"] == now.astimezone(JAPAN).date().isoformat()
            yield _minutes(midnight - now) if is_today else None
        case "authorise" if outcome:
            terms = json.loads(base64.b64decode(outcome["authorisation"]["payload"]))
            yield _minutes(datetime.datetime.fromisoformat(terms["expires_at"]) - now)
            yield int(terms["boot"], 16) == remains.image.boot
        case "generate_key" if outcome:
            yield key(hashlib.sha256(base64.b64decode(outcome["public_key"])).digest())
        case "generate_key" if intent:
            held = next((c.key for c in remains.cards.values() if c.number == intent["card_number"]), None)
            yield intent["key_before"] == (held.hex() if held else "")
        case "certify" if outcome:
            yield serials.get(base64.b64decode(outcome["certificate"]))
        case "certify" if intent:
            yield _is_answered(intent, remains), now - case.noted_at[step] > CLOCK_SKEW
        case "confirm" if intent:
            yield _is_answered(intent, remains)
        case "revoke" if intent:
            yield _is_answered(intent["message"], remains)
        case "refund" if intent:
            yield intent["amount_yen"]


def _is_answered(message: Any, remains: Remains) -> bool:
    return hashlib.sha256(base64.b64decode(message["der"])).digest() in remains.books.answered


def _printer_facts(image: Image) -> Iterator[object]:
    printer = image.printer
    yield "drawer", printer.mechanism.is_drawer_open
    pending = bytes(printer._tokenizer._pending)
    # Of a QR code's data only how much is still to come makes a difference.
    yield bytes(printer._held), pending[:8], len(pending), printer._scanner._seen
    hanging = Sheet(0, b"", tuple(printer._head.rows), printer._head.dots).text
    yield len(printer._head.rows), paper_kind(hanging), receipt_seen(hanging)
    yield len(printer._head._line), bytes(printer._answers)


def paper_kind(text: str) -> str:
    """What a sheet is: `original`, `copy` or `other`."""
    if COPY_TITLE in text:
        return "copy"
    return "original" if ORIGINAL_TITLE in text else "other"
