"""The cases of one station: what was intended, what happened, each change with its entry in the journal.

Every change of a case is one transaction: its state, its sealed record and the journal entry together. Entries carry
a case's random pseudonym, names of steps and commitments, never personal data.

Where a clerk's station is named it has a copy of each case's key, and once the case has ended it is the only one that
has: the transaction that ends the case takes the key from the station that worked on it.
"""

import datetime
import json
import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from kiosk.clock import Clock
from kiosk.journal.chain import (
    Chain,
    StoredPlaces,
    head_over,
    newest_entry,
    newest_entry_about,
    read_entries,
)
from kiosk.journal.database import Database, Transaction
from kiosk.journal.entry import Entry
from kiosk.journal.escrow import EscrowKey, EscrowTo
from kiosk.journal.head import HeadInvalid, HeadKey, ProvenHead
from kiosk.journal.merkle import edge_of
from kiosk.journal.records import (
    CaseElsewhere,
    CaseRecord,
    EffectRecord,
    EffectState,
    IdentifiedCase,
    Note,
    NumberedReceipt,
    Witness,
)
from kiosk.journal.seal import Seal, StationKey
from kiosk.journal.verify import verify_entry, verify_since_last_head
from kiosk.model.application import ExemptedFee
from kiosk.model.step import Act, Actor, Pause, RevocationStep, Step, Undo, actor_of
from kiosk.model.transition import (
    AFTER_ACT,
    ASKED_IN,
    ENDED,
    FIRST_STEP,
    MAY_BE_VALID,
    OPENING,
    SUSPECT,
    Cell,
    Event,
    Happening,
    Procedure,
    Stage,
    TransitionRefused,
    next_stage,
    procedure_of,
)

PURGED = "purged"
"""The event of a case whose records were made unreadable."""

ESCROWED = "escrowed"
"""The event of a case whose key went to the clerk's station alone after the case had ended."""

NOT_ADMITTED = "not_admitted"
"""The event of an attempt that the table of transitions does not have; nothing else was changed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class _Opening:
    """A case that is about to be opened: its key as it is stored, its application sealed, whose copy of the key."""

    case: CaseRecord
    wrapped: bytes
    sealed: bytes
    commitment: str
    escrow: EscrowTo | None


class Journal:
    """Reads and writes the cases of one station. `key` seals their records, `head_key` signs heads of the journal.

    `escrow_to` says which station is to read its cases once they have ended, None as long as that is not known or there
    is none. `escrow_key` opens what other stations have sealed so to this one. `clerks_station` names the one to which
    this station's cases are to be sealed: the journal tells of each that was opened without.

    Whatever changes a case raises `TransitionRefused` when `kiosk.model.transition` does not have it, or when another
    process has changed the effect since it was looked at here; the attempt is journaled, and the case stays as it is.
    """

    def __init__(
        self,
        database: Database,
        station: str,
        key: StationKey,
        clock: Clock,
        random_bytes: Callable[[int], bytes] = os.urandom,
        *,
        head_key: HeadKey,
        escrow_to: Callable[[], EscrowTo | None] = lambda: None,
        escrow_key: EscrowKey | None = None,
        clerks_station: str = "",
    ) -> None:
        self._database = database
        self.station = station
        self._key = key
        self._head_key = head_key
        self._chain = Chain(station, head_key, clock)
        self._seen: dict[tuple[str, str], EffectState | None] = {}
        self._random_bytes = random_bytes
        self._escrow_to = escrow_to
        self._escrow_key = escrow_key
        self._clerks_station = clerks_station
        self._known_escrow: EscrowTo | None = None

    def start(self) -> None:
        """Checks what was written since the last signed head, and signs the next: before anything is done.

        Raises `ChainBroken`.
        """
        verify_since_last_head(self._database, self.station, self._head_key.public)
        with self._database.read() as transaction:
            is_covered = self._is_covered(transaction)
        if not is_covered:
            with self._database.write() as transaction:
                self._chain.name_key(transaction)
                # Another process of this station may have signed since.
                if not self._is_covered(transaction):
                    self._chain.sign(transaction)

    def _is_covered(self, transaction: Transaction) -> bool:
        """Whether a head was signed over the newest entry."""
        newest = newest_entry(transaction, self.station)
        return newest is not None and head_over(transaction, newest) is not None

    def head(self) -> ProvenHead:
        """A signed head of the journal as it stands, for whoever is to be a witness; there must be an entry."""
        with self._database.read() as transaction:
            return self._chain.prove(transaction)

    def size(self) -> int:
        """How many entries this station has."""
        with self._database.read() as transaction:
            newest = newest_entry(transaction, self.station)
        return newest.seq if newest else 0

    def compare(self, proven: ProvenHead) -> Witness:
        """Whether the entries that a witness has seen are those of the store.

        Raises `HeadInvalid` for a head that is not of this station or not signed by its key.
        """
        head = proven.signed.head
        if head.station != self.station:
            raise HeadInvalid(f"it is a head of station {head.station}")
        proven.signed.verify(self._head_key.public)
        with self._database.read() as transaction:
            newest = newest_entry(transaction, self.station)
            if newest is None or head.size > newest.seq:
                return Witness.SAW_MORE
            places = StoredPlaces(transaction, self.station)
            seen = places(head.size).leaf, edge_of(head.size, places).root()
        return Witness.AGREES if seen == (proven.leaf, head.root) else Witness.SAW_OTHERS

    def purged_until(self) -> datetime.datetime | None:
        """When the last of the cases ended whose records this station has destroyed; None when it destroyed none."""
        ended: dict[str, datetime.datetime] = {}
        purged: list[str] = []
        for entry in read_entries(self._database):
            if entry.station == self.station:
                facts = json.loads(entry.body)
                stage = told_stage(facts)
                if facts["event"] == PURGED:
                    purged.append(facts["case"])
                elif stage is not None and stage.is_ended:
                    ended[facts["case"]] = datetime.datetime.fromisoformat(facts["at"])
        return max((ended[case] for case in purged), default=None)

    def open_case(self, number: str, application: bytes, procedure: Procedure = Procedure.ISSUANCE) -> CaseRecord:
        """Begins a new case for an application number, under a fresh pseudonym; `application` is kept sealed."""
        opening = self._opening(number, application, procedure)
        with self._database.write() as transaction:
            self._open(transaction, opening)
        return opening.case

    def open_on_hold(self, number: str, application: bytes, held: bytes) -> CaseRecord:
        """Begins a new case of an issuance that is on hold at once: nobody finds it without its day. `held` says it."""
        opening = self._opening(number, application, Procedure.ISSUANCE)
        outcome = opening.case.seal.close(held, f"{Pause.HOLD} outcome")
        with self._database.write() as transaction:
            return self._open_on_hold(transaction, opening, *outcome)

    def end_on_hold(self, case: CaseRecord, code: str, application: bytes, held: bytes) -> CaseRecord:
        """Ends a case that was taken back, and begins the next of its number on hold, in one transaction.

        The key of the ended one may be the clerk's station's alone, so that its day could not be read here afterwards.
        """
        opening = self._opening(case.number, application, Procedure.ISSUANCE)
        outcome = opening.case.seal.close(held, f"{Pause.HOLD} outcome")
        with self._change(case, Event.END, Actor.STATION) as (transaction, stage):
            _, facts = self._move(transaction, case, stage, Actor.STATION, code, opening.escrow)
            self._chain.append(transaction, facts)
            return self._open_on_hold(transaction, opening, *outcome)

    def _opening(self, number: str, application: bytes, procedure: Procedure) -> _Opening:
        """A new case before it is written."""
        pseudonym, wrapped = self._random_bytes(16).hex(), self._key.new_case_key()
        stage = OPENING[procedure]
        case = CaseRecord(pseudonym, number, None, stage, None, self._key.seal(wrapped))
        sealed, commitment = case.seal.close(application, f"{FIRST_STEP[stage]} intent", number)
        # Asked anew for every case: the station may have another key since.
        self._known_escrow = escrow = self._escrow_to()
        return _Opening(case, wrapped, sealed, commitment, escrow)

    def _open(self, transaction: Transaction, opening: _Opening) -> None:
        case, escrow = opening.case, opening.escrow
        pseudonym = case.pseudonym
        unsealed = self._clerks_station if escrow is None else ""
        if unsealed:
            _log.warning("case %s is opened unsealed: nobody vouches for station %s's key", pseudonym[:8], unsealed)
        attempt = transaction.run(
            "SELECT COALESCE(MAX(attempt), 0) + 1 FROM cases WHERE number = ?", case.number
        ).scalar_one()
        transaction.run(
            "INSERT INTO cases (pseudonym, station, number, attempt, stage, seal, escrow, escrowed_to)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            pseudonym,
            self.station,
            case.number,
            attempt,
            case.stage.value,
            opening.wrapped,
            None if escrow is None else escrow.copy(case.seal.key, pseudonym),
            None if escrow is None else escrow.station,
        )
        self._write_effect(transaction, case, FIRST_STEP[case.stage], EffectState.INTENDED, intent=opening.sealed)
        # The stage in which it begins is the event's name, and says what the case is about.
        facts = {
            "event": case.stage.value,
            "case": pseudonym,
            "commitment": opening.commitment,
            "beside": "number",
        }
        copied = {} if escrow is None else {"escrow": escrow.station}
        told = {"unsealed": unsealed} if unsealed else {}
        self._chain.append(transaction, {**facts, **copied, **told, "attempt_number": attempt})

    def _open_on_hold(self, transaction: Transaction, opening: _Opening, outcome: bytes, commitment: str) -> CaseRecord:
        self._open(transaction, opening)
        stage = next_stage(opening.case.stage, Pause.HOLD, actor_of(Pause.HOLD))
        case = replace(opening.case, stage=stage)
        self._write_effect(transaction, case, Pause.HOLD, EffectState.DONE, outcome=outcome)
        transaction.run("UPDATE cases SET stage = ? WHERE pseudonym = ?", stage.value, case.pseudonym)
        facts = {"event": EffectState.DONE.value, "case": case.pseudonym, "step": Pause.HOLD.value}
        self._chain.append(transaction, {**facts, "commitment": commitment})
        return case

    def latest_case(self, number: str) -> CaseRecord | None:
        """The newest case that this station has of an application number."""
        statement = "SELECT * FROM cases WHERE station = ? AND number = ? ORDER BY attempt DESC LIMIT 1"
        return next(iter(self._cases(statement, self.station, number)), None)

    def stage_of(self, pseudonym: str) -> Stage | None:
        """The stage of any station's case, None when there is none of this pseudonym."""
        with self._database.read() as transaction:
            row = transaction.run("SELECT stage FROM cases WHERE pseudonym = ?", pseudonym).first()
        return None if row is None else Stage(row.stage)

    def identified_case(self, pseudonym: str) -> IdentifiedCase | None:
        """Any station's case as far as it is no secret among stations."""
        statement = "SELECT station, number, stage, card FROM cases WHERE pseudonym = ?"
        with self._database.read() as transaction:
            row = transaction.run(statement, pseudonym).first()
        return None if row is None else IdentifiedCase(row.station, row.number, Stage(row.stage), row.card)

    def cases_elsewhere(self, ended: Collection[str] = ()) -> tuple[CaseElsewhere, ...]:
        """The cases of other stations that have not ended, or whose pseudonym is in `ended`; by station and number.

        Of a resident they say nothing.
        """
        statement = """SELECT pseudonym, station, number, stage, code,
                           (SELECT state FROM effects WHERE effects.pseudonym = cases.pseudonym AND step = ?) AS fee
                       FROM cases
                       WHERE station IN (SELECT name FROM stations WHERE name <> ?) AND stage IN ? OR pseudonym IN ?
                       ORDER BY station, number, attempt"""
        open_stages = tuple(stage for stage in Stage if not stage.is_ended)
        with self._database.read() as transaction:
            rows = transaction.run(statement, Step.FEE, self.station, open_stages, tuple(ended))
            return tuple(
                CaseElsewhere(row.pseudonym, row.station, row.number, Stage(row.stage), row.code or "", row.fee or "")
                for row in rows
            )

    def cases(self) -> list[CaseRecord]:
        """All cases of this station, oldest application number first."""
        return self._cases("SELECT * FROM cases WHERE station = ? ORDER BY number, attempt", self.station)

    def unfinished_cases(self, procedure: Procedure = Procedure.ISSUANCE) -> list[CaseRecord]:
        """Cases of one procedure that an interrupted run of this station left, oldest application number first."""
        waiting = {Stage.ON_HOLD, *SUSPECT.values()}
        open_stages = [stage for stage in Stage if not stage.is_ended and stage not in waiting]
        return self._cases_in([stage for stage in open_stages if procedure_of(stage) is procedure])

    def held_cases(self) -> list[CaseRecord]:
        """Cases of this station that are on hold (保留), oldest application number first."""
        return self._cases_in([Stage.ON_HOLD])

    def ended_cases_here(self) -> list[CaseRecord]:
        """Cases of this station that have ended, and whose records are not left to another station."""
        statement = "SELECT * FROM cases WHERE station = ? AND stage IN ? AND seal IS NOT NULL ORDER BY number, attempt"
        return self._cases(statement, self.station, tuple(ENDED))

    def suspect_cases(self) -> list[CaseRecord]:
        """Cases of this station that wait for two clerks (要確認), oldest application number first."""
        return self._cases_in([*SUSPECT.values()])

    def other_cases_with(self, card: str, case: CaseRecord) -> list[CaseRecord]:
        """The cases besides this one in which the card of that keyed id was read.

        Of other stations only those that are not closed, or sealed to the same clerk's station: a closed case is asked
        for its records.
        """
        statement = """SELECT * FROM cases WHERE card = ? AND pseudonym <> ?
                       AND (station = ? OR stage <> ? OR escrowed_to = ?) ORDER BY number"""
        return self._cases(statement, card, case.pseudonym, self.station, Stage.CLOSED, self._archive())

    def closed_cases_of(self, person: str) -> list[CaseRecord]:
        """The cases in which the person was given a certificate: here, or where the same clerk's station reads them."""
        # An expression instead of the column: SQLite would else walk through all closed cases, and not this person's.
        statement = """SELECT * FROM cases WHERE person = ? AND (station || '' = ? OR escrowed_to = ?) AND stage = ?
                       ORDER BY number"""
        return self._cases(statement, person, self.station, self._archive(), Stage.CLOSED)

    def certified_cases_of(self, person: str) -> list[CaseRecord]:
        """The same, and those of this station that have not ended, though the person's certificate may be valid."""
        statement = """SELECT * FROM cases WHERE person = ? AND station || '' = ? AND stage IN ? ORDER BY number"""
        return [*self.closed_cases_of(person), *self._cases(statement, person, self.station, MAY_BE_VALID)]

    def _archive(self) -> str:
        """The station that can read ended cases, which is this one itself where no other is known."""
        escrow = self._escrow()
        return self.station if escrow is None else escrow.station

    def _cases_in(self, stages: Sequence[Stage]) -> list[CaseRecord]:
        statement = "SELECT * FROM cases WHERE station = ? AND stage IN ? ORDER BY number, attempt"
        return self._cases(statement, self.station, tuple(stages))

    def _cases(self, statement: str, *values: str | tuple[str, ...]) -> list[CaseRecord]:
        with self._database.read() as transaction:
            rows = transaction.run(statement, *values)
        return [self._record(row) for row in rows]

    def _record(self, row: Any) -> CaseRecord:
        return CaseRecord(row.pseudonym, row.number, row.person, Stage(row.stage), row.code, self._seal_of(row))

    def _seal_of(self, row: Any) -> Seal:
        """What opens a case's records here: the wrapped key, the copy that is this station's, or nothing."""
        own = self._escrow_key
        if row.escrow is not None and own is not None and row.escrowed_to == own.station:
            escrow, pseudonym = bytes(row.escrow), row.pseudonym
            return self._key.seal_of(lambda: own.open(escrow, pseudonym))
        if row.seal is None and row.escrow is not None:
            return self._key.seal_elsewhere(row.escrowed_to)
        return self._key.seal(None if row.seal is None else bytes(row.seal))

    def effect(self, case: CaseRecord, step: Act) -> EffectRecord | None:
        """What is known of one effect, or None when it was never begun. Raises `SealDestroyed`."""
        with self._database.read() as transaction:
            statement = "SELECT state, intent, outcome, testimony FROM effects WHERE pseudonym = ? AND step = ?"
            row = transaction.run(statement, case.pseudonym, step.value).first()
        self._seen[case.pseudonym, step.value] = None if row is None else EffectState(row.state)
        if row is None:
            return None

        def opened(sealed: bytes | None, part: str) -> bytes | None:
            return None if sealed is None else case.seal.open(bytes(sealed), f"{step} {part}")

        return EffectRecord(
            EffectState(row.state),
            opened(row.intent, "intent"),
            opened(row.outcome, "outcome"),
            opened(row.testimony, "testimony"),
        )

    def effect_states(self, case: CaseRecord) -> Mapping[str, EffectState]:
        """How far each effect of a case that was begun has gone, by its word; no record is opened."""
        statement = "SELECT step, state FROM effects WHERE pseudonym = ?"
        with self._database.read() as transaction:
            rows = transaction.run(statement, case.pseudonym)
        return {row.step: EffectState(row.state) for row in rows}

    def reached(self, number: str) -> Step:
        """The last step that was begun of an open issuance of that number; the first where there is none."""
        case = self.latest_case(number)
        begun = {} if case is None or case.stage.is_ended else self.effect_states(case)
        return next((step for step in reversed(Step) if step in begun), Step.APPLICATION)

    def intend(self, case: CaseRecord, step: Act, intent: bytes, *, yen: int | None = None) -> None:
        """Makes durable what is about to be done to the world.

        `yen` is what was found to have been taken, where no entry of an outcome tells it.
        """
        sealed, commitment = case.seal.close(intent, f"{step} intent")
        with self._change(case, step, actor_of(step)) as (transaction, _):
            self._write_effect(transaction, case, step, EffectState.INTENDED, intent=sealed)
            facts = {"event": EffectState.INTENDED.value, "case": case.pseudonym, "step": step.value}
            money = {} if yen is None else {"yen": yen}
            self._chain.append(transaction, {**facts, "commitment": commitment, **money})

    def complete(
        self,
        case: CaseRecord,
        step: Act,
        outcome: bytes,
        *,
        person: str | None = None,
        card: str | None = None,
        yen: int | None = None,
        exempted: ExemptedFee | None = None,
        resumed: bool = False,
        signs_head: bool = False,
        operator: str | None = None,
    ) -> CaseRecord:
        """Makes durable that it happened, and how: the case in its next stage.

        `person` and `card` are whom and which card the case is about, by the town's keyed ids, where this step found
        out the one or the other. `yen` is what was taken or given back, which the books must tell when nobody here can
        read the record any more, `exempted` that no fee was due, and which two clerks said so. `resumed` marks what
        software found out by itself afterwards, `signs_head` keeps a signed head of the journal with it. `operator` is
        the clerk whom the entry is to name.
        """
        sealed, commitment = case.seal.close(outcome, f"{step} outcome", person or card or "")
        escrow = self._escrow()
        with self._change(case, step, actor_of(step)) as (transaction, stage):
            self._write_effect(transaction, case, step, EffectState.DONE, outcome=sealed)
            transaction.run(
                "UPDATE cases SET stage = ?, person = COALESCE(?, person), card = COALESCE(?, card)"
                " WHERE pseudonym = ?",
                stage.value,
                person,
                card,
                case.pseudonym,
            )
            facts = {"event": EffectState.DONE.value, "case": case.pseudonym, "step": step.value}
            auto = {"auto": True} if resumed else {}
            beside = {"beside": "person" if person else "card"} if person or card else {}
            money: dict[str, str | int] = {} if yen is None else {"yen": yen}
            if exempted is not None:
                money |= {"exempted": True, "operators": " ".join(exempted.operators)}
            seal, handed_over = self._sealed_after(transaction, case, stage, escrow)
            by = {"operator": operator} if operator else {}
            told: dict[str, str | int] = {**facts, "commitment": commitment, **auto, **beside, **money, **by}
            told |= handed_over
            self._chain.append(transaction, told)
            if signs_head:
                self._chain.sign(transaction)
        return replace(case, stage=stage, person=person or case.person, seal=seal)

    def leave(self, case: CaseRecord, step: Act, state: EffectState, code: str) -> None:
        """Records that an effect did not happen (FAILED) or that nobody knows (UNKNOWN)."""
        with self._change(case, step, actor_of(step)) as (transaction, _):
            self._write_effect(transaction, case, step, state)
            facts = {"event": state.value, "case": case.pseudonym, "step": step.value, "code": code}
            self._chain.append(transaction, facts)

    def testify(
        self, case: CaseRecord, step: Step | Undo, testimony: bytes, operators: tuple[str, str], nonce: bytes
    ) -> CaseRecord:
        """Makes durable what two clerks, by what the journal knows them, say about a step: the case can go on.

        The entry names the testimony's `nonce`, by which `has_heard` knows it. Signs a head of the journal.
        """
        sealed, commitment = case.seal.close(testimony, f"{step} testimony")
        with self._change(case, Event.TESTIFY, Actor.TWO_CLERKS, SUSPECT[step]) as (transaction, stage):
            self._write_effect(transaction, case, step, EffectState.WITNESSED, testimony=sealed)
            transaction.run("UPDATE cases SET stage = ?, code = NULL WHERE pseudonym = ?", stage, case.pseudonym)
            facts = {"event": EffectState.WITNESSED.value, "case": case.pseudonym, "step": step.value}
            by = {"by": Actor.TWO_CLERKS.value, "operators": " ".join(operators), "nonce": nonce.hex()}
            self._chain.append(transaction, {**facts, "commitment": commitment, **by})
            self._chain.sign(transaction)
        return replace(case, stage=stage, code=None)

    def has_heard(self, nonce: bytes) -> bool:
        """Whether this station has gone on upon the testimony of that nonce."""
        statement = "SELECT 1 FROM journal WHERE station = ? AND body LIKE ? LIMIT 1"
        with self._database.read() as transaction:
            return transaction.run(statement, self.station, f'%"nonce":"{nonce.hex()}"%').first() is not None

    def take_testimony(self, case: CaseRecord, step: Act) -> None:
        """What two clerks said about a step, if they did, is gone on upon: once, for it is true of one moment only."""
        known = self.effect(case, step)
        if known is None or known.state is not EffectState.WITNESSED:
            return
        with self._change(case, step, actor_of(step)) as (transaction, _):
            self._write_effect(transaction, case, step, EffectState.UNKNOWN)
            facts = {"event": EffectState.UNKNOWN.value, "case": case.pseudonym, "step": step.value}
            self._chain.append(transaction, {**facts, "by": Actor.TWO_CLERKS.value})

    def move(self, case: CaseRecord, event: Event, actor: Actor, code: str, operator: str | None = None) -> CaseRecord:
        """Records something that is no step, why, and by which clerk where it was one: the case in its next stage."""
        escrow = self._escrow()
        with self._change(case, event, actor) as (transaction, stage):
            seal, facts = self._move(transaction, case, stage, actor, code, escrow)
            self._chain.append(transaction, {**facts, **({"operator": operator} if operator else {})})
        return replace(case, stage=stage, code=code, seal=seal)

    def _move(
        self,
        transaction: Transaction,
        case: CaseRecord,
        stage: Stage,
        actor: Actor,
        code: str,
        escrow: EscrowTo | None,
    ) -> tuple[Seal, dict[str, str | int]]:
        """What opens the case after it, and what the journal is to tell of it."""
        transaction.run("UPDATE cases SET stage = ?, code = ? WHERE pseudonym = ?", stage, code, case.pseudonym)
        seal, handed_over = self._sealed_after(transaction, case, stage, escrow)
        return seal, {"event": stage.value, "case": case.pseudonym, "by": actor.value, "code": code, **handed_over}

    def hand_over(self, case: CaseRecord) -> CaseRecord:
        """Leaves an ended case to the clerk's station alone, when it was not so as it ended; as it is without one."""
        escrow = self._escrow()
        with self._change(case, Event.HAND_OVER, Actor.STATION) as (transaction, stage):
            seal, handed_over = self._sealed_after(transaction, case, stage, escrow)
            if handed_over:
                self._chain.append(transaction, {"event": ESCROWED, "case": case.pseudonym, **handed_over})
        return replace(case, seal=seal)

    def reopened(self, case: CaseRecord, key: bytes) -> CaseRecord:
        """A case whose key the clerk's station gave back, for as long as this value lives."""
        return replace(case, seal=self._key.seal_of(lambda: key))

    def escrowed_case(self, pseudonym: str) -> tuple[str, CaseRecord] | None:
        """An ended case of any station that is sealed to this one, and which station's it is."""
        own = None if self._escrow_key is None else self._escrow_key.station
        statement = "SELECT * FROM cases WHERE pseudonym = ? AND escrowed_to = ?"
        with self._database.read() as transaction:
            row = transaction.run(statement, pseudonym, own).first()
        if row is None or not Stage(row.stage).is_ended:
            return None
        return row.station, self._record(row)

    def _escrow(self) -> EscrowTo | None:
        """To whom cases are sealed when they end: looked up before a transaction, and only until it is known."""
        if self._known_escrow is None:
            self._known_escrow = self._escrow_to()
        return self._known_escrow

    def _sealed_after(
        self, transaction: Transaction, case: CaseRecord, stage: Stage, escrow: EscrowTo | None
    ) -> tuple[Seal, dict[str, str]]:
        """What opens the case from now on, and what the journal is to tell of it.

        A case that has ended loses its key here when the clerk's station has a copy, which is made now at the latest.
        """
        if not stage.is_ended:
            return case.seal, {}
        statement = "SELECT pseudonym, seal, escrow, escrowed_to FROM cases WHERE pseudonym = ?"
        told = {}
        if transaction.run(statement, case.pseudonym).one().escrow is None and escrow is not None:
            transaction.run(
                "UPDATE cases SET escrow = ?, escrowed_to = ? WHERE pseudonym = ?",
                escrow.copy(case.seal.key, case.pseudonym),
                escrow.station,
                case.pseudonym,
            )
            told = {"escrow": escrow.station}
        transaction.run("UPDATE cases SET seal = NULL WHERE pseudonym = ? AND escrow IS NOT NULL", case.pseudonym)
        return self._seal_of(transaction.run(statement, case.pseudonym).one()), told

    @contextmanager
    def _change(
        self, case: CaseRecord, event: Happening, actor: Actor, only_in: Stage | None = None
    ) -> Iterator[tuple[Transaction, Stage]]:
        """A transaction in which the case stands still, and the stage to which the table leads from there.

        With `only_in` from nowhere else.
        """
        with self._database.write() as transaction:
            row = transaction.run("SELECT stage FROM cases WHERE pseudonym = ?", case.pseudonym).one()
            try:
                stage = next_stage(Stage(row.stage), event, actor)
                if only_in not in (None, Stage(row.stage)) or self._has_been_overtaken(transaction, case, event):
                    raise TransitionRefused(Cell(Stage(row.stage), event, actor))
            except TransitionRefused as refused:
                refusal: TransitionRefused | None = refused
                facts = {"event": NOT_ADMITTED, "case": case.pseudonym, "attempt": event.value, "by": actor.value}
                self._chain.append(transaction, facts)
            else:
                yield transaction, stage
                refusal = None
        if refusal is not None:
            raise refusal

    def number_receipt(self, case: CaseRecord) -> NumberedReceipt:
        """The receipt of a case: the next number the first time, the same ever after, so that none is skipped.

        Its proof is a signed head of the journal up to the entry that says which case has this number.
        """
        with self._change(case, Step.RECEIPT, actor_of(Step.RECEIPT)) as (transaction, _):
            known = transaction.run("SELECT number, proof FROM receipts WHERE pseudonym = ?", case.pseudonym).first()
            if known is not None:
                return NumberedReceipt(known.number, known.proof or "")
            number: int = transaction.run("SELECT COALESCE(MAX(number), 0) + 1 FROM receipts").scalar_one()
            self._chain.append(transaction, {"event": "numbered", "case": case.pseudonym, "receipt": number})
            proof = self._chain.sign(transaction).text
            transaction.run("INSERT INTO receipts VALUES (?, ?, ?)", number, case.pseudonym, proof)
            return NumberedReceipt(number, proof)

    def note(self, facts: Mapping[str, str | int], store: Callable[[Transaction], None]) -> ProvenHead:
        """Records something that is about no case, with what `store` keeps beside it, and signs a head over it.

        `facts` have an `event`, and no personal data.
        """
        with self._database.write() as transaction:
            store(transaction)
            self._chain.append(transaction, facts)
            return self._chain.sign(transaction)

    def last_note(self, transaction: Transaction, events: Collection[str]) -> Note | None:
        """What was noted last about one of these events; None when nothing was.

        The head that was signed over it then is checked. Raises `ChainBroken`.
        """
        entry = newest_entry_about(transaction, self.station, events)
        if entry is None:
            return None
        verify_entry(transaction, entry, self._head_key.public)
        return Note(entry.seq, json.loads(entry.body))

    def numbered(self, number: int) -> tuple[CaseRecord, NumberedReceipt] | None:
        """The case whose receipt has that number: of this station, or one that is sealed to it."""
        with self._database.read() as transaction:
            row = transaction.run("SELECT pseudonym, proof FROM receipts WHERE number = ?", number).first()
        if row is None:
            return None
        statement = "SELECT * FROM cases WHERE pseudonym = ? AND (station = ? OR escrowed_to = ?)"
        cases = self._cases(statement, row.pseudonym, self.station, self.station)
        return (cases[0], NumberedReceipt(number, row.proof or "")) if cases else None

    def has_open_paper(self, beside: CaseRecord | None = None) -> bool:
        """Whether this station began to print a paper of a case (`beside` this one), and does not know how it ended."""
        # By the stage in which receipts are printed, which is indexed: few cases stand there at a time.
        statement = """SELECT 1 FROM cases JOIN effects ON effects.pseudonym = cases.pseudonym
                       WHERE station = ? AND stage IN (?, ?, ?) AND cases.pseudonym <> ?
                           AND step IN (?, ?) AND effects.state IN (?, ?, ?)
                       LIMIT 1"""
        stages = (ASKED_IN[Step.RECEIPT], SUSPECT[Step.RECEIPT], Stage.REVOCATION_EMPTIED)
        states = (EffectState.INTENDED, EffectState.UNKNOWN, EffectState.WITNESSED)
        with self._database.read() as transaction:
            values = (
                self.station,
                *stages,
                beside.pseudonym if beside else "",
                Step.RECEIPT,
                RevocationStep.NOTICE,
                *states,
            )
            found = transaction.run(statement, *values).first()
        return found is not None

    def destroy_seal(self, case: CaseRecord) -> None:
        """Makes the records of an ended case unreadable for ever; nobody can tell any more whom it was about."""
        with self._change(case, Event.PURGE, Actor.CLERK) as (transaction, _):
            transaction.run(
                "UPDATE cases SET seal = NULL, escrow = NULL, escrowed_to = NULL, person = NULL, card = NULL"
                " WHERE pseudonym = ?",
                case.pseudonym,
            )
            self._chain.append(transaction, {"event": PURGED, "case": case.pseudonym})

    def entries(self) -> Iterator[Entry]:
        """All entries of all stations, each station's oldest first."""
        return read_entries(self._database)

    def _has_been_overtaken(self, transaction: Transaction, case: CaseRecord, event: Happening) -> bool:
        """Whether an effect stands otherwise than when this process saw it last."""
        if (case.pseudonym, event.value) not in self._seen:
            return False
        statement = "SELECT state FROM effects WHERE pseudonym = ? AND step = ?"
        row = transaction.run(statement, case.pseudonym, event.value).first()
        return (None if row is None else EffectState(row.state)) is not self._seen[case.pseudonym, event.value]

    def _write_effect(
        self,
        transaction: Transaction,
        case: CaseRecord,
        step: Act,
        state: EffectState,
        *,
        intent: bytes | None = None,
        outcome: bytes | None = None,
        testimony: bytes | None = None,
    ) -> None:
        self._seen[case.pseudonym, step.value] = state
        transaction.run(
            """INSERT INTO effects (pseudonym, step, state, intent, outcome, testimony) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT (pseudonym, step) DO UPDATE SET
                   state = excluded.state,
                   intent = COALESCE(excluded.intent, effects.intent),
                   outcome = COALESCE(excluded.outcome, effects.outcome),
                   testimony = COALESCE(excluded.testimony, effects.testimony)""",
            case.pseudonym,
            step.value,
            state.value,
            intent,
            outcome,
            testimony,
        )


def told_stage(facts: Mapping[str, object]) -> Stage | None:
    """The stage into which an entry with these facts puts its case; None when it leaves it where it is."""
    event, step = facts.get("event"), facts.get("step")
    if step is None:
        return Stage(str(event)) if event in set(Stage) else None
    if event == EffectState.WITNESSED:
        return next(stage for asked, stage in ASKED_IN.items() if asked.value == step)
    return _AFTER_WORD.get(str(step)) if event == EffectState.DONE else None


_AFTER_WORD: Mapping[str, Stage] = {act.value: stage for act, stage in AFTER_ACT.items()}
