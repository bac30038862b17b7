"""The journal of one station: what was intended, what happened, each entry chained to the one before.

Every change of a case is one transaction: its state, its sealed record and the journal entry together. Entries carry
a case's random pseudonym, names of steps and commitments, never personal data.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kiosk.clock import Clock
from kiosk.journal.database import Database, Transaction
from kiosk.journal.seal import Seal, StationKey

FIRST_HASH = bytes(32)
"""What the first entry of a station is chained to."""

APPLICATION = "application"
"""The step whose intent is the application as it was filed."""

_COMMITMENT_SALT_LENGTH = 16


class CaseState(StrEnum):
    """How a case stands."""

    OPEN = "open"
    ROLLING_BACK = "rolling_back"
    SUSPECT = "suspect"
    CLOSED = "closed"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen to the case by itself."""
        return self in (CaseState.CLOSED, CaseState.REFUSED, CaseState.ROLLED_BACK)


class EffectState(StrEnum):
    """How far one effect on the world is known to have gone."""

    INTENDED = "intended"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True)
class CaseRecord:
    """One case as stored; `seal` opens its records."""

    pseudonym: str
    number: str
    person: str | None
    state: CaseState
    code: str | None
    seal: Seal


@dataclass(frozen=True, repr=False)
class EffectRecord:
    """One effect of a case; `intent` and `outcome` are its plain records, None where not reached."""

    state: EffectState
    intent: bytes | None
    outcome: bytes | None


@dataclass(frozen=True)
class Entry:
    """One line of the journal; `body` is canonical JSON, `hash` chains it to all before."""

    station: str
    seq: int
    body: str
    hash: bytes


def chain(previous: bytes, body: str) -> bytes:
    """Hash of an entry: SHA-256(00 | hash of the entry before | body)."""
    return hashlib.sha256(b"\x00" + previous + body.encode()).digest()


class Journal:
    """Reads and writes the cases of one station."""

    def __init__(
        self,
        database: Database,
        station: str,
        key: StationKey,
        clock: Clock,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self.station = station
        self._key = key
        self._clock = clock
        self._random_bytes = random_bytes

    def open_case(self, number: str, application: bytes) -> CaseRecord:
        """Begins a new case for an application number, under a fresh pseudonym; `application` is kept sealed."""
        pseudonym, wrapped = self._random_bytes(16).hex(), self._key.new_case_key()
        case = CaseRecord(pseudonym, number, None, CaseState.OPEN, None, self._key.seal(wrapped))
        sealed, commitment = self._seal(case, f"{APPLICATION} intent", application)
        with self._database.write() as transaction:
            attempt = transaction.run(
                "SELECT COALESCE(MAX(attempt), 0) + 1 FROM cases WHERE number = ?", number
            ).scalar_one()
            transaction.run(
                "INSERT INTO cases (pseudonym, station, number, attempt, state, seal) VALUES (?, ?, ?, ?, ?, ?)",
                pseudonym,
                self.station,
                number,
                attempt,
                CaseState.OPEN.value,
                wrapped,
            )
            self._write_effect(transaction, case, APPLICATION, EffectState.INTENDED, intent=sealed)
            self._append(transaction, {"event": "opened", "case": pseudonym, "commitment": commitment})
        return case

    def latest_case(self, number: str) -> CaseRecord | None:
        """The newest case that this station has of an application number."""
        statement = "SELECT * FROM cases WHERE station = ? AND number = ? ORDER BY attempt DESC LIMIT 1"
        return next(iter(self._cases(statement, self.station, number)), None)

    def unfinished_cases(self) -> list[CaseRecord]:
        """Cases that an interrupted run of this station left, oldest application number first."""
        return self._cases(
            "SELECT * FROM cases WHERE station = ? AND state IN (?, ?) ORDER BY number, attempt",
            self.station,
            CaseState.OPEN.value,
            CaseState.ROLLING_BACK.value,
        )

    def other_cases_with(self, card: str, case: CaseRecord) -> list[CaseRecord]:
        """The cases besides this one in which the card of that keyed id was read."""
        return self._cases(
            "SELECT * FROM cases WHERE card = ? AND pseudonym <> ? ORDER BY number", card, case.pseudonym
        )

    def closed_cases_of(self, person: str) -> list[CaseRecord]:
        """The cases in which this station gave the person a certificate; another's records it cannot open."""
        statement = "SELECT * FROM cases WHERE station = ? AND person = ? AND state = ? ORDER BY number"
        return self._cases(statement, self.station, person, CaseState.CLOSED.value)

    def _cases(self, statement: str, *values: str) -> list[CaseRecord]:
        with self._database.read() as transaction:
            rows = transaction.run(statement, *values).all()
        return [
            CaseRecord(
                row.pseudonym,
                row.number,
                row.person,
                CaseState(row.state),
                row.code,
                self._key.seal(bytes(row.seal)),
            )
            for row in rows
        ]

    def effect(self, case: CaseRecord, step: str) -> EffectRecord | None:
        """What is known of one effect, or None when it was never begun."""
        with self._database.read() as transaction:
            row = transaction.run(
                "SELECT state, intent, outcome FROM effects WHERE pseudonym = ? AND step = ?", case.pseudonym, step
            ).first()
        if row is None:
            return None

        def opened(sealed: bytes | None, part: str) -> bytes | None:
            return None if sealed is None else _without_salt(case.seal.open(bytes(sealed), f"{step} {part}"))

        return EffectRecord(EffectState(row.state), opened(row.intent, "intent"), opened(row.outcome, "outcome"))

    def intend(self, case: CaseRecord, step: str, intent: bytes) -> None:
        """Makes durable what is about to be done to the world."""
        sealed, commitment = self._seal(case, f"{step} intent", intent)
        with self._database.write() as transaction:
            self._write_effect(transaction, case, step, EffectState.INTENDED, intent=sealed)
            self._append(
                transaction, {"event": "intended", "case": case.pseudonym, "step": step, "commitment": commitment}
            )

    def complete(
        self,
        case: CaseRecord,
        step: str,
        outcome: bytes,
        *,
        person: str | None = None,
        card: str | None = None,
        resumed: bool = False,
    ) -> None:
        """Makes durable that it happened, and how; `resumed` marks what software found out by itself afterwards."""
        sealed, commitment = self._seal(case, f"{step} outcome", outcome)
        with self._database.write() as transaction:
            self._write_effect(transaction, case, step, EffectState.DONE, outcome=sealed)
            if person is not None:
                transaction.run("UPDATE cases SET person = ? WHERE pseudonym = ?", person, case.pseudonym)
            if card is not None:
                transaction.run("UPDATE cases SET card = ? WHERE pseudonym = ?", card, case.pseudonym)
            body = {"event": "done", "case": case.pseudonym, "step": step, "commitment": commitment}
            self._append(transaction, body | ({"auto": True} if resumed else {}))

    def leave(self, case: CaseRecord, step: str, state: EffectState, code: str) -> None:
        """Records that an effect did not happen (FAILED) or that nobody knows (UNKNOWN)."""
        with self._database.write() as transaction:
            self._write_effect(transaction, case, step, state)
            self._append(transaction, {"event": state.value, "case": case.pseudonym, "step": step, "code": code})

    def move(self, case: CaseRecord, state: CaseState, code: str | None = None) -> CaseRecord:
        """Puts the case into another state."""
        with self._database.write() as transaction:
            transaction.run(
                "UPDATE cases SET state = ?, code = ? WHERE pseudonym = ?", state.value, code, case.pseudonym
            )
            body = {"event": state.value, "case": case.pseudonym}
            self._append(transaction, body | ({"code": code} if code else {}))
        return CaseRecord(case.pseudonym, case.number, case.person, state, code, case.seal)

    def number_receipt(self, case: CaseRecord) -> int:
        """The receipt number of a case: the next one the first time, the same ever after, so that none is skipped."""
        with self._database.write() as transaction:
            known = transaction.run(
                "SELECT number FROM receipts WHERE pseudonym = ?", case.pseudonym
            ).scalar_one_or_none()
            if known is not None:
                return int(known)
            number: int = transaction.run("SELECT COALESCE(MAX(number), 0) + 1 FROM receipts").scalar_one()
            transaction.run("INSERT INTO receipts VALUES (?, ?)", number, case.pseudonym)
            self._append(transaction, {"event": "numbered", "case": case.pseudonym, "receipt": number})
            return number

    def newest_receipt(self) -> int:
        """The receipt number that was given last, 0 when none was."""
        with self._database.read() as transaction:
            return int(transaction.run("SELECT COALESCE(MAX(number), 0) FROM receipts").scalar_one())

    def entries(self) -> Iterator[Entry]:
        """All entries of all stations, each station's oldest first."""
        return read_entries(self._database)

    def _seal(self, case: CaseRecord, label: str, plain: bytes) -> tuple[bytes, str]:
        salt = self._random_bytes(_COMMITMENT_SALT_LENGTH)
        commitment = hmac.new(salt, label.encode() + b"\x00" + plain, hashlib.sha256).hexdigest()
        return case.seal.close(salt + plain, label), commitment

    def _write_effect(
        self,
        transaction: Transaction,
        case: CaseRecord,
        step: str,
        state: EffectState,
        *,
        intent: bytes | None = None,
        outcome: bytes | None = None,
    ) -> None:
        transaction.run(
            """INSERT INTO effects (pseudonym, step, state, intent, outcome) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (pseudonym, step) DO UPDATE SET
                   state = excluded.state,
                   intent = COALESCE(excluded.intent, effects.intent),
                   outcome = COALESCE(excluded.outcome, effects.outcome)""",
            case.pseudonym,
            step,
            state.value,
            intent,
            outcome,
        )

    def _append(self, transaction: Transaction, facts: Mapping[str, str | int | bool]) -> None:
        last = transaction.run(
            "SELECT seq, hash FROM journal WHERE station = ? ORDER BY seq DESC LIMIT 1", self.station
        ).first()
        seq, previous = (last.seq + 1, bytes(last.hash)) if last else (1, FIRST_HASH)
        body = json.dumps(
            {"seq": seq, "station": self.station, "at": self._clock().isoformat(timespec="milliseconds"), **facts},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        transaction.run(
            "INSERT INTO journal (station, seq, body, hash) VALUES (?, ?, ?, ?)",
            self.station,
            seq,
            body,
            chain(previous, body),
        )


def read_entries(database: Database) -> Iterator[Entry]:
    """All entries of all stations, each station's oldest first; needs no key."""
    with database.read() as transaction:
        for row in transaction.run("SELECT * FROM journal ORDER BY station, seq"):
            yield Entry(row.station, row.seq, row.body, bytes(row.hash))


def _without_salt(plain: bytes) -> bytes:
    return plain[_COMMITMENT_SALT_LENGTH:]
