"""Checks that the store's state is the one that the journal tells, and its sealed records those it committed to.

Chain and heads say that the journal is whole; this says that nothing else in the store was changed beside it: a case
put into another state, a receipt renumbered, a record exchanged, entries cut off whose state remained.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from kiosk.journal.chain import proof_of, read_entries
from kiosk.journal.database import Database
from kiosk.journal.entry import ChainBroken, Entry, named_key
from kiosk.journal.escrow import EscrowKey, EscrowUnopened
from kiosk.journal.journal import PURGED, told_stage
from kiosk.journal.records import EffectState, Note
from kiosk.journal.seal import Seal, StationKey
from kiosk.model.transition import FIRST_STEP, Stage

_PAGE = 250

_PART = {
    EffectState.INTENDED.value: "intent",
    EffectState.DONE.value: "outcome",
    EffectState.WITNESSED.value: "testimony",
}
"""Which record an event commits to."""


class Committed(NamedTuple):
    """What an entry committed to, and which entry; `beside` names the column that the commitment covers as well."""

    seq: int
    commitment: str
    beside: str | None


@dataclass
class ToldCase:
    """One case as the journal tells it: its stage, its code, its effects' states, its receipt.

    `escrow` is the station that has a copy of its key, None when no other station has. `beside` are the columns that an
    entry's commitment covers. `proven_at` is the entry with its receipt's number, when a head was signed over it.
    """

    station: str
    seq: int
    stage: Stage
    code: str | None = None
    attempt: int = 0
    is_purged: bool = False
    escrow: str | None = None
    beside: set[str] = field(default_factory=set)
    receipt: int | None = None
    proven_at: int | None = None
    effects: dict[str, str] = field(default_factory=dict)
    records: dict[str, Committed] = field(default_factory=dict)


class Told:
    """What the journal tells, entry by entry; of a station no further than to the entry in `ends`."""

    def __init__(self, ends: dict[str, int]) -> None:
        self.cases: dict[str, ToldCase] = {}
        self.notes: dict[str, list[Note]] = defaultdict(list)
        self.ends = ends
        self._signing: set[str] = set()

    def listen(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Passes entries on, and remembers what they tell once whoever takes them has checked them."""
        for entry in entries:
            yield entry
            if entry.seq <= self.ends.get(entry.station, 0):
                self._hear(entry)

    def _hear(self, entry: Entry) -> None:
        facts = json.loads(entry.body)
        if named_key(entry) is not None:
            self._signing.add(entry.station)
        pseudonym = facts.get("case")
        if pseudonym is None:
            if "commitment" in facts:
                self.notes[entry.station].append(Note(entry.seq, facts))
            return
        event, step = facts.get("event"), facts.get("step")
        case = self.cases.setdefault(pseudonym, ToldCase(entry.station, entry.seq, Stage.OPENED))
        case.seq = entry.seq
        case.stage = told_stage(facts) or case.stage
        case.escrow = facts.get("escrow") or case.escrow
        case.attempt = facts.get("attempt_number", case.attempt)
        if "beside" in facts:
            case.beside.add(facts["beside"])
        if event in set(FIRST_STEP) and "commitment" in facts:
            event, step = EffectState.INTENDED, FIRST_STEP[Stage(event)]
        if step is not None:
            case.effects[step] = event
            if event == EffectState.WITNESSED:
                case.code = None
            if "commitment" in facts:
                case.records[f"{step} {_PART[event]}"] = Committed(entry.seq, facts["commitment"], facts.get("beside"))
        elif event in set(Stage):
            case.code = facts.get("code")
        elif event == "numbered":
            case.receipt = facts.get("receipt")
            # Who signed no heads yet had no proof to print either.
            case.proven_at = entry.seq if entry.station in self._signing else None
        elif event == PURGED:
            case.is_purged = True


def notes_since(database: Database, told: Told, station: str) -> Iterator[Note]:
    """What a station has noted since the journal was read, of things that are kept beside it."""
    for entry in read_entries(database, (station, told.ends.get(station, 0))):
        if entry.station != station:
            return
        facts = json.loads(entry.body)
        if "case" not in facts and "commitment" in facts:
            yield Note(entry.seq, facts)


class Keys(NamedTuple):
    """Where the key of a case lies: with the station that works on it, as a copy for the station named, or nowhere."""

    is_here: bool
    has_copy: bool
    escrowed_to: str | None


class StoredCase(NamedTuple):
    """One case as it stands in the store; whether it says of whom and of which card it is, not which."""

    station: str
    stage: str
    code: str | None
    keys: Keys
    attempt: int
    has_person: bool
    has_card: bool


@dataclass(frozen=True)
class StoreState:
    """The state of all cases at one moment, without their records; `ends` is the last entry of each station then.

    `proofs` are the places of the entries to which the texts on receipts lead, None for a receipt without.
    """

    ends: dict[str, int]
    cases: dict[str, StoredCase]
    effects: dict[str, dict[str, str]]
    receipts: dict[str, int]
    proofs: dict[str, tuple[str, int] | None]


def read_state(database: Database) -> StoreState:
    """Reads the state. Whoever writes waits meanwhile, for entries and state must be of one moment."""
    with database.write() as transaction:
        ends = {
            row.station: row.last
            for row in transaction.run("SELECT station, MAX(seq) AS last FROM journal GROUP BY station")
        }
        cases = {
            row.pseudonym: StoredCase(
                row.station,
                row.stage,
                row.code,
                Keys(bool(row.is_here), bool(row.has_copy), row.escrowed_to),
                row.attempt,
                bool(row.has_person),
                bool(row.has_card),
            )
            for row in transaction.run(
                "SELECT pseudonym, station, stage, code, attempt, seal IS NOT NULL AS is_here,"
                " escrow IS NOT NULL AS has_copy, escrowed_to, person IS NOT NULL AS has_person,"
                " card IS NOT NULL AS has_card FROM cases"
            )
        }
        numbered = transaction.run("SELECT pseudonym, number, proof FROM receipts")
        effects: dict[str, dict[str, str]] = {}
        for row in transaction.run("SELECT pseudonym, step, state FROM effects"):
            effects.setdefault(row.pseudonym, {})[row.step] = row.state
    for station, last in ends.items():
        if not isinstance(last, int):
            raise ChainBroken(str(station), 0, "is no entry")
    receipts = {row.pseudonym: row.number for row in numbered}
    return StoreState(ends, cases, effects, receipts, {row.pseudonym: _proven(row) for row in numbered})


def _proven(row: Any) -> tuple[str, int] | None:
    """Station and place of the entry to which a receipt's text leads."""
    if row.proof is None:
        return None
    head = proof_of(row.number, row.proof).signed.head
    return head.station, head.size


def check_state(told: Told, state: StoreState) -> None:
    """Raises `ChainBroken` at the first case whose state is not what the journal tells."""
    for pseudonym, case in told.cases.items():
        if state.cases.get(pseudonym) != _told_state(case):
            raise ChainBroken(case.station, case.seq, f"case {pseudonym} stands otherwise than the journal tells")
        if state.effects.get(pseudonym) != case.effects:
            raise ChainBroken(case.station, case.seq, f"case {pseudonym} has other effects than the journal tells")
        if state.receipts.get(pseudonym) != case.receipt:
            raise ChainBroken(case.station, case.seq, f"case {pseudonym} has another receipt than the journal tells")
        if state.proofs.get(pseudonym) != ((case.station, case.proven_at) if case.proven_at else None):
            raise ChainBroken(case.station, case.seq, f"the receipt of case {pseudonym} proves another entry")
    for pseudonyms in (state.cases, state.effects, state.receipts):
        for pseudonym in pseudonyms.keys() - told.cases.keys():
            station = state.cases[pseudonym].station if pseudonym in state.cases else ""
            raise ChainBroken(station, state.ends.get(station, 0), f"case {pseudonym} is not told by the journal")


def _told_state(case: ToldCase) -> StoredCase:
    has_person, has_card = (column in case.beside and not case.is_purged for column in ("person", "card"))
    return StoredCase(case.station, case.stage, case.code, _told_keys(case), case.attempt, has_person, has_card)


def _told_keys(case: ToldCase) -> Keys:
    if case.is_purged:
        return Keys(is_here=False, has_copy=False, escrowed_to=None)
    has_copy = case.escrow is not None
    return Keys(not (has_copy and case.stage.is_ended), has_copy, case.escrow)


def check_records(database: Database, told: Told, station: str, key: StationKey) -> int:
    """Opens the sealed records of a station's cases, and compares each with what the journal committed to.

    How many effects' records were found unchanged; not among them are those that it cannot open itself any more. Raises
    `ChainBroken` at the first that was changed, or cannot be opened.
    """
    return _check(database, told, _OWN_RECORDS, station, lambda row: key.seal(row.seal))


def check_escrowed_records(database: Database, told: Told, key: EscrowKey) -> int:
    """Does the same for what is sealed to a station, of whatever station it is, by the copies of the keys that it has.

    So a copy that does not open, or is of another key than the records, is found while the case can still be read.
    """

    def seal(row: Any) -> Seal:
        return Seal(lambda: key.open(bytes(row.escrow), row.pseudonym), os.urandom)

    return _check(database, told, _ESCROWED_RECORDS, key.station, seal)


def stations_sealed_to(database: Database) -> list[str]:
    """The stations that have copies of cases' keys, by name."""
    with database.read() as transaction:
        rows = transaction.run("SELECT DISTINCT escrowed_to FROM cases WHERE escrow IS NOT NULL ORDER BY escrowed_to")
    return [row.escrowed_to for row in rows]


def opens_any(database: Database, key: EscrowKey) -> bool:
    """Whether a station's key opens the copy of any case's key that was made for a station of that name."""
    with database.read() as transaction:
        rows = transaction.run(
            "SELECT pseudonym, escrow FROM cases WHERE escrowed_to = ? AND escrow IS NOT NULL", key.station
        )
    return any(_opens(key, row) for row in rows)


def _opens(key: EscrowKey, row: Any) -> bool:
    try:
        key.open(bytes(row.escrow), row.pseudonym)
    except (EscrowUnopened, TypeError):
        return False
    return True


def count_records_elsewhere(database: Database, station: str) -> list[tuple[str, int]]:
    """Which stations have the only keys to records of this station's cases, and to how many effects' records."""
    with database.read() as transaction:
        rows = transaction.run(
            """SELECT escrowed_to, COUNT(*) AS count FROM effects JOIN cases ON cases.pseudonym = effects.pseudonym
               WHERE cases.station = ? AND seal IS NULL AND escrow IS NOT NULL GROUP BY escrowed_to ORDER BY 1""",
            station,
        )
    return [(row.escrowed_to, row.count) for row in rows]


_OWN_RECORDS = """SELECT effects.pseudonym, step, intent, outcome, testimony, seal, number, person, card FROM effects
    JOIN cases ON cases.pseudonym = effects.pseudonym
    WHERE cases.station = ? AND seal IS NOT NULL AND (effects.pseudonym, step) > (?, ?)
    ORDER BY effects.pseudonym, step LIMIT ?"""

_ESCROWED_RECORDS = """SELECT effects.pseudonym, step, intent, outcome, testimony, escrow, number, person, card
    FROM effects JOIN cases ON cases.pseudonym = effects.pseudonym
    WHERE escrowed_to = ? AND escrow IS NOT NULL AND (effects.pseudonym, step) > (?, ?)
    ORDER BY effects.pseudonym, step LIMIT ?"""


def _check(database: Database, told: Told, records: str, station: str, seal_of: Callable[[Any], Seal]) -> int:
    after = ("", "")
    checked = 0
    late: list[tuple[str, str, ChainBroken]] = []
    while True:
        with database.read() as transaction:
            rows = transaction.run(records, station, *after, _PAGE)
        for row in rows:
            after = row.pseudonym, row.step
            case = told.cases.get(row.pseudonym)
            if case is not None:
                changed = [(*after, broken) for broken in _changed_records(row, case, seal_of(row))]
                late += changed
                checked += not changed
        if len(rows) < _PAGE:
            break
    _raise_unless_told_since(database, told, late)
    return checked


def _changed_records(row: Any, case: ToldCase, seal: Seal) -> Iterator[ChainBroken]:
    """The records of one effect that are not those that the journal committed to."""
    columns: dict[str | None, object] = {None: None, "number": row.number, "person": row.person, "card": row.card}
    for part in _PART.values():
        label = f"{row.step} {part}"
        committed = case.records.get(label)
        beside = columns.get(committed.beside) if committed else None
        if not _is_committed(committed, label, getattr(row, part), seal, beside):
            seq = committed.seq if committed else case.seq
            yield ChainBroken(case.station, seq, f"the record {label} of case {row.pseudonym} was changed")


def _raise_unless_told_since(database: Database, told: Told, changed: Sequence[tuple[str, str, ChainBroken]]) -> None:
    """What is still worked on may be further than the journal was when it was read; entries since then tell of it."""
    stations = {broken.station for _, _, broken in changed}
    since = {
        (facts.get("case"), facts.get("step"))
        for station in stations
        for entry in read_entries(database, (station, told.ends[station]))
        if entry.station == station and (facts := json.loads(entry.body))
    }
    for pseudonym, step, broken in changed:
        if (pseudonym, step) not in since:
            raise broken


def _is_committed(committed: Committed | None, label: str, sealed: bytes | None, seal: Seal, beside: object) -> bool:
    if committed is None or sealed is None:
        return committed is None and sealed is None
    try:
        return seal.commitment(sealed, label, str(beside or "")) == committed.commitment
    except (InvalidTag, InvalidUnwrap, EscrowUnopened, ValueError, TypeError):
        return False
