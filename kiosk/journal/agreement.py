"""Checks that the store's state is the one that the journal tells, and its sealed records those it committed to.

Chain and heads say that the journal is whole; this says that nothing else in the store was changed beside it: a case
put into another state, a receipt renumbered, a record exchanged, entries cut off whose state remained.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from kiosk.journal.database import Database
from kiosk.journal.entry import ChainBroken, Entry
from kiosk.journal.journal import OPENED, PURGED, EffectState, told_stage
from kiosk.journal.seal import StationKey
from kiosk.model.step import Step
from kiosk.model.transition import Stage

_PAGE = 250


class Committed(NamedTuple):
    """What an entry committed to, and which entry."""

    seq: int
    commitment: str


@dataclass
class ToldCase:
    """One case as the journal tells it: its stage, its code, its effects' states, its receipt."""

    station: str
    seq: int
    stage: Stage = Stage.OPENED
    code: str | None = None
    is_purged: bool = False
    receipt: int | None = None
    effects: dict[str, str] = field(default_factory=dict)
    records: dict[str, Committed] = field(default_factory=dict)


class Told:
    """What the journal tells, entry by entry; of a station no further than to the entry in `ends`."""

    def __init__(self, ends: dict[str, int]) -> None:
        self.cases: dict[str, ToldCase] = {}
        self._ends = ends

    def listen(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Passes entries on, and remembers what they tell once whoever takes them has checked them."""
        for entry in entries:
            yield entry
            if entry.seq <= self._ends.get(entry.station, 0):
                self._hear(entry)

    def _hear(self, entry: Entry) -> None:
        facts = json.loads(entry.body)
        pseudonym = facts.get("case")
        if pseudonym is None:
            return
        event, step = facts.get("event"), facts.get("step")
        case = self.cases.setdefault(pseudonym, ToldCase(entry.station, entry.seq))
        case.seq = entry.seq
        case.stage = told_stage(facts) or case.stage
        if event == OPENED:
            event, step = EffectState.INTENDED, Step.APPLICATION
        if step is not None:
            case.effects[step] = event
            if "commitment" in facts:
                part = "intent" if event == EffectState.INTENDED else "outcome"
                case.records[f"{step} {part}"] = Committed(entry.seq, facts["commitment"])
        elif event in set(Stage):
            case.code = facts.get("code")
        elif event == "numbered":
            case.receipt = facts.get("receipt")
        elif event == PURGED:
            case.is_purged = True


@dataclass(frozen=True)
class StoreState:
    """The state of all cases at one moment, without their records; `ends` is the last entry of each station then."""

    ends: dict[str, int]
    cases: dict[str, tuple[str, str, str | None, bool]]
    effects: dict[str, dict[str, str]]
    receipts: dict[str, int]


def read_state(database: Database) -> StoreState:
    """Reads the state. Whoever writes waits meanwhile, for entries and state must be of one moment."""
    with database.write() as transaction:
        ends = {
            row.station: row.last
            for row in transaction.run("SELECT station, MAX(seq) AS last FROM journal GROUP BY station")
        }
        cases = {
            row.pseudonym: (row.station, row.stage, row.code, bool(row.is_purged))
            for row in transaction.run("SELECT pseudonym, station, stage, code, seal IS NULL AS is_purged FROM cases")
        }
        receipts = {row.pseudonym: row.number for row in transaction.run("SELECT pseudonym, number FROM receipts")}
        effects: dict[str, dict[str, str]] = {}
        for row in transaction.run("SELECT pseudonym, step, state FROM effects"):
            effects.setdefault(row.pseudonym, {})[row.step] = row.state
    for station, last in ends.items():
        if not isinstance(last, int):
            raise ChainBroken(str(station), 0, "is no entry")
    return StoreState(ends, cases, effects, receipts)


def check_state(told: Told, state: StoreState) -> None:
    """Raises `ChainBroken` at the first case whose state is not what the journal tells."""
    for pseudonym, case in told.cases.items():
        expected = (case.station, case.stage, case.code, case.is_purged)
        if state.cases.get(pseudonym) != expected:
            raise ChainBroken(case.station, case.seq, f"case {pseudonym} stands otherwise than the journal tells")
        if state.effects.get(pseudonym, {}) != case.effects:
            raise ChainBroken(case.station, case.seq, f"case {pseudonym} has other effects than the journal tells")
        if state.receipts.get(pseudonym) != case.receipt:
            raise ChainBroken(case.station, case.seq, f"case {pseudonym} has another receipt than the journal tells")
    for pseudonyms in (state.cases, state.effects, state.receipts):
        for pseudonym in pseudonyms.keys() - told.cases.keys():
            station = state.cases[pseudonym][0] if pseudonym in state.cases else ""
            raise ChainBroken(station, state.ends.get(station, 0), f"case {pseudonym} is not told by the journal")


def check_records(database: Database, told: Told, station: str, key: StationKey) -> int:
    """Opens the sealed records of a station's ended cases, and compares each with what the journal committed to.

    How many effects' records it was. Raises `ChainBroken` at the first that was changed or cannot be opened.
    """
    after = ("", "")
    checked = 0
    while True:
        with database.read() as transaction:
            rows = transaction.run(
                """SELECT effects.pseudonym, step, intent, outcome, seal FROM effects
                   JOIN cases ON cases.pseudonym = effects.pseudonym
                   WHERE cases.station = ? AND seal IS NOT NULL AND (effects.pseudonym, step) > (?, ?)
                   ORDER BY effects.pseudonym, step LIMIT ?""",
                station,
                *after,
                _PAGE,
            )
        for row in rows:
            case = told.cases.get(row.pseudonym)
            # What is still worked on may be further than the journal was when it was read.
            if case is not None and case.stage.is_ended:
                for part, sealed in (("intent", row.intent), ("outcome", row.outcome)):
                    label = f"{row.step} {part}"
                    committed = case.records.get(label)
                    if not _is_committed(committed, label, sealed, row.seal, key):
                        seq = committed.seq if committed else case.seq
                        raise ChainBroken(station, seq, f"the record {label} of case {row.pseudonym} was changed")
                checked += 1
            after = row.pseudonym, row.step
        if len(rows) < _PAGE:
            return checked


def _is_committed(
    committed: Committed | None, label: str, sealed: bytes | None, wrapped: bytes, key: StationKey
) -> bool:
    if committed is None or sealed is None:
        return committed is None and sealed is None
    try:
        return key.seal(wrapped).commitment(sealed, label) == committed.commitment
    except (InvalidTag, InvalidUnwrap, ValueError, TypeError):
        return False
