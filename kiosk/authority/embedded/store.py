"""The authority's books: certificates, what was answered to which request, used authorisations, known clients.

Times are whole seconds since 1970, serial numbers upper-case hex as openssl prints them.
"""

import datetime
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any

from kiosk.authority.embedded.audit_trail import AuditTrail, Facts
from kiosk.authority.embedded.database import Database, StoreTooNew, StoreUnusable, Transactions, open_database
from kiosk.authority.embedded.schema import REVISION_SHARDS
from kiosk.journal.database import Database as JournalDatabase
from kiosk.journal.database import Rows, Transaction
from kiosk.journal.head import HeadKey
from kiosk.model.certificate import FORMER, BookedState, RevocationReason

__all__ = ["Books", "CertificateRecord", "CrlRecord", "Entry", "Store", "StoreTooNew", "StoreUnusable", "open_store"]


class StateChanged(Exception):
    """A certificate is not in the state in which it was believed to be: nothing was changed."""


@dataclass(frozen=True)
class CertificateRecord:
    """One certificate. `person` is the holder's id under the authority's own key; `note` says who changed it last.

    `invalid_since` is when the key is said to have become unreliable, which may be before its revocation; `generation`
    is that of the authority's key that signed it.
    """

    serial: str
    profile: str
    der: bytes
    key_hash: bytes
    state: BookedState
    issued_at: int
    not_after: int
    confirm_before: int | None = None
    confirmed_at: int | None = None
    reason: RevocationReason | None = None
    revoked_at: int | None = None
    person: bytes | None = None
    note: str = ""
    invalid_since: int | None = None
    generation: int = 1


@dataclass(frozen=True)
class Speaker:
    """Who signs with the key of a certificate.

    `owner` is for whom it speaks: the serial number of the first of the row in which each renewed the last.
    """

    profile: str
    state: BookedState
    der: bytes
    owner: str


@dataclass(frozen=True)
class Entry:
    """What a CRL says of a certificate."""

    serial: str
    since: int
    reason: RevocationReason
    invalid_since: int | None


@dataclass(frozen=True)
class TransactionRecord:
    """A transaction: who began it, what was issued in it, our nonce of the last answer (of a batch, its own hash).

    `requester` is an owner: the serial number of his first certificate, or a client's reference. `signer` is the serial
    number of the certificate by whose key it was begun, None for a shared secret.
    """

    id: bytes
    requester: str
    serial: str | None
    cert_req_id: int | None
    nonce: bytes
    signer: str | None


@dataclass(frozen=True)
class RelyingParty:
    """A registered relying party, and how often it was told what, by kind (`ocsp`, `crl`)."""

    serial: str
    name: str
    told: dict[str, int]


@dataclass(frozen=True)
class CrlRecord:
    """A CRL that was made; it is fresh while `revision` is the books' and `fresh_until` has not come."""

    name: str
    number: int
    revision: int
    fresh_until: int
    der: bytes


_LAPSE_REASON = RevocationReason.CESSATION_OF_OPERATION
_LAPSE_NOTE = "not confirmed in time"

_NAMES = tuple(field.name for field in fields(CertificateRecord))
_values = attrgetter(*_NAMES)
_COLUMNS = ", ".join(_NAMES)
_ADD_CERTIFICATE = f"INSERT INTO certificate ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608  # names of ours
_CERTIFICATE = f"SELECT {_COLUMNS} FROM certificate WHERE "  # noqa: S608  # names of ours
_ANSWER_TO_STATION = """SELECT response FROM answer
    JOIN transactions ON transactions.id = answer.transaction_id
    WHERE request_hash = ? AND EXISTS (
        SELECT 1 FROM certificate WHERE profile = 'station' AND state = 'good' AND (serial = requester
        OR serial IN (SELECT succession.serial FROM succession WHERE owner = requester)))"""
_SPEAKER = """SELECT profile, state, confirm_before, der, COALESCE(owner, certificate.serial) AS owner FROM certificate
    LEFT JOIN succession ON succession.serial = certificate.serial WHERE certificate.serial = ?"""


class Books:
    """The books as one database transaction sees them, at the time `now` (seconds since 1970)."""

    def __init__(self, database: Database, transaction: Transaction, now: int) -> None:
        self._database = database
        self._transaction = transaction
        self._now = now
        self._revised: Counter[int] = Counter()
        self.events: list[Facts] = []
        """What was done, for the authority's own journal."""
        self.signs_head = False

    def note(self, event: str, **facts: str | int | bool) -> None:
        """Has an event journaled with the transaction."""
        self.events.append({"event": event, **facts})

    def add_certificate(self, record: CertificateRecord) -> None:
        """Enters a new certificate."""
        self._add(_ADD_CERTIFICATE, *map(_plain, _values(record)))
        self.note("issued", serial=record.serial, profile=record.profile, state=record.state.value, note=record.note)
        self._revise(record.serial)

    def certificate(self, serial: str) -> CertificateRecord | None:
        """The certificate of this serial number. One that was not confirmed in time is revoked, whoever looks."""
        row = self._run(f"{_CERTIFICATE} serial = ?", serial).first()
        return None if row is None else self._record(row)

    def live_certificate(self, person: bytes, profile: str) -> CertificateRecord | None:
        """A certificate of this profile that the person has: neither revoked nor past its end."""
        self._lock(b"person", person)
        rows = self._run(f"{_CERTIFICATE} person = ?", person)
        records = (self._record(row) for row in rows if row.profile == profile and row.not_after > self._now)
        return next((r for r in records if r.state is not BookedState.REVOKED), None)

    def has_other_good(self, person: bytes, profile: str, serial: str) -> bool:
        """Whether the person has another certificate of this profile that is valid now."""
        self._lock(b"person", person)
        rows = self._run(f"{_CERTIFICATE} person = ? AND serial <> ?", person, serial)
        return any(
            r.profile == profile and r.state is BookedState.GOOD and r.not_after > self._now
            for r in map(self._record, rows)
        )

    def has_live_certificate(self, key_hash: bytes) -> bool:
        """Whether a certificate of this public key is neither revoked nor past its end."""
        rows = self._run(f"{_CERTIFICATE} key_hash = ?", key_hash)
        return any(r.state is not BookedState.REVOKED and r.not_after > self._now for r in map(self._record, rows))

    def profiles_of_key(self, key_hash: bytes) -> set[str]:
        """The profiles under which this public key was ever certified."""
        self._lock(b"key", key_hash)
        rows = self._run("SELECT DISTINCT profile FROM certificate WHERE key_hash = ?", key_hash)
        return {row.profile for row in rows}

    def not_good(self, generation: int, since: int) -> list[Entry]:
        """What a CRL of one generation of the authority's key must list now, without what ended before `since`."""
        rows = self._run(
            """SELECT serial, state, issued_at, confirm_before, reason, revoked_at, invalid_since
               FROM certificate WHERE state <> 'good' AND not_after >= ? AND generation = ?""",
            since,
            generation,
        )
        return [self._entry(row) for row in rows]

    def _entry(self, row: Any) -> Entry:
        if row.state == BookedState.PENDING:
            if row.confirm_before is not None and row.confirm_before <= self._now:
                return Entry(row.serial, row.confirm_before, _LAPSE_REASON, None)
            return Entry(row.serial, row.issued_at, RevocationReason.CERTIFICATE_HOLD, None)
        reason = RevocationReason(row.reason or RevocationReason.CERTIFICATE_HOLD)
        return Entry(row.serial, row.revoked_at or row.issued_at, reason, row.invalid_since)

    def confirm(self, serial: str) -> None:
        """A pending certificate becomes good. Raises `StateChanged`."""
        self._change(
            "UPDATE certificate SET state = 'good', confirmed_at = ? WHERE serial = ? AND state = 'pending'"
            " RETURNING serial",
            self._now,
            serial,
        )
        self.note("confirmed", serial=serial)
        self._revise(serial)

    def enter_lapses(self) -> None:
        """Enters the revocation of each pending certificate that was not confirmed in time.

        Whoever looks at one sees it revoked before that too; this has the change told in the authority's journal, every
        hour and before each CRL.
        """
        rows = self._run(
            """UPDATE certificate SET state = 'revoked', reason = ?, revoked_at = confirm_before, note = ?
               WHERE state <> 'good' AND state = 'pending' AND confirm_before <= ? RETURNING serial, revoked_at""",
            _LAPSE_REASON.value,
            _LAPSE_NOTE,
            self._now,
        )
        for row in rows:
            facts = {"serial": row.serial, "reason": _LAPSE_REASON.value, "note": _LAPSE_NOTE}
            self.note(BookedState.REVOKED.value, **facts, since=row.revoked_at)
            self._revise(row.serial)

    def revoke(
        self, serial: str, reason: RevocationReason, note: str, invalid_since: datetime.datetime | None = None
    ) -> None:
        """A certificate is revoked from now on, or a good one put on hold when that is the reason.

        Raises `StateChanged`.
        """
        is_hold = reason is RevocationReason.CERTIFICATE_HOLD
        state = BookedState.HELD if is_hold else BookedState.REVOKED
        self._change(
            """UPDATE certificate SET state = ?, reason = ?, revoked_at = ?, note = ?, invalid_since = ?
               WHERE serial = ? AND state IN ? RETURNING serial""",
            state.value,
            reason.value,
            self._now,
            note,
            None if invalid_since is None else int(invalid_since.timestamp()),
            serial,
            tuple(former.value for former in FORMER[state]),
        )
        self.note(state.value, serial=serial, reason=reason.value, note=note)
        self._revise(serial)

    def release(self, serial: str, note: str) -> None:
        """A certificate on hold becomes good again. Raises `StateChanged`."""
        self._change(
            "UPDATE certificate SET state = 'good', reason = NULL, revoked_at = NULL, invalid_since = NULL, note = ?"
            " WHERE serial = ? AND state = 'held' RETURNING serial",
            note,
            serial,
        )
        self.note("released", serial=serial, note=note)
        self._revise(serial)

    def answer(self, request_hash: bytes) -> bytes | None:
        """What was answered to a request of these very bytes (SHA-256)."""
        return self._response("SELECT response FROM answer WHERE request_hash = ?", request_hash)

    def answer_to_station(self, request_hash: bytes) -> bytes | None:
        """The same, if a station began the transaction, and has a good certificate still."""
        return self._response(_ANSWER_TO_STATION, request_hash)

    def _response(self, statement: str, request_hash: bytes) -> bytes | None:
        row = self._run(statement, request_hash).first()
        return None if row is None else bytes(row.response)

    def add_answer(self, request_hash: bytes, transaction_id: bytes, response: bytes) -> None:
        """Keeps an answer, so that a station that asks by the same bytes again is answered the same way."""
        self._add("INSERT INTO answer VALUES (?, ?, ?)", request_hash, transaction_id, response)

    def transaction(self, transaction_id: bytes) -> TransactionRecord | None:
        """The transaction of this id."""
        self._lock(b"transaction", transaction_id)
        row = self._run("SELECT * FROM transactions WHERE id = ?", transaction_id).first()
        return None if row is None else TransactionRecord(**row._asdict())

    def add_transaction(self, record: TransactionRecord) -> None:
        """Enters a new transaction."""
        self._add(
            "INSERT INTO transactions (id, requester, serial, cert_req_id, nonce, signer) VALUES (?, ?, ?, ?, ?, ?)",
            record.id,
            record.requester,
            record.serial,
            record.cert_req_id,
            record.nonce,
            record.signer,
        )

    def is_authorisation_used(self, nonce: bytes, profile: str) -> bool:
        """Whether a certificate of this profile was issued on the authorisation of this nonce."""
        statement = "SELECT 1 FROM authorisation WHERE nonce = ? AND profile = ?"
        return self._run(statement, nonce, profile).first() is not None

    def use_authorisation(self, nonce: bytes, profile: str, serial: str) -> None:
        """An authorisation is spent."""
        self._add("INSERT INTO authorisation VALUES (?, ?, ?)", nonce, profile, serial)

    def witness(self, serial: str, requester: str, journal_head: bytes) -> None:
        """Keeps the signed head of the requester's journal that came with the request for a certificate."""
        self._add("INSERT INTO witness VALUES (?, ?)", serial, journal_head)
        self._add(
            """INSERT INTO newest_head VALUES (?, ?)
               ON CONFLICT (requester) DO UPDATE SET journal_head = excluded.journal_head""",
            requester,
            journal_head,
        )

    def newest_head(self, requester: str) -> bytes:
        """The last head that came from a requester (by his owner's name), empty when none did."""
        row = self._run("SELECT journal_head FROM newest_head WHERE requester = ?", requester).first()
        return b"" if row is None else bytes(row.journal_head)

    def witnessed_head(self, serial: str) -> bytes | None:
        """The head that came with the request for a certificate, None when none did."""
        row = self._run("SELECT journal_head FROM witness WHERE serial = ?", serial).first()
        return None if row is None else bytes(row.journal_head)

    def issued_to(self, requester: str, after: int, limit: int) -> list[tuple[bytes, CertificateRecord, bytes]]:
        """What a requester was issued for others, oldest first: transaction, certificate, journal's head.

        Skips the first `after`, and gives no more than `limit`. A station's own renewed certificate is not among it.
        """
        rows = self._run(
            """SELECT transactions.id, certificate.serial FROM transactions
               JOIN certificate ON certificate.serial = transactions.serial
               WHERE requester = ? AND profile <> 'station' ORDER BY issued_at, certificate.serial LIMIT ? OFFSET ?""",
            requester,
            limit,
            after,
        )
        found = ((row.id, self.certificate(row.serial), self.witnessed_head(row.serial)) for row in rows)
        return [(bytes(id_), record, head or b"") for id_, record, head in found if record is not None]

    def add_client(self, reference: bytes, secret: bytes) -> None:
        """Whoever knows the secret may speak under this reference from now on."""
        statement = "INSERT INTO client VALUES (?, ?) ON CONFLICT (reference) DO UPDATE SET secret = excluded.secret"
        self._run(statement, reference, secret)
        self.note("client", reference=reference.hex())

    def client_secret(self, reference: bytes) -> bytes | None:
        """The secret of a client, None when there is none of this reference."""
        row = self._run("SELECT secret FROM client WHERE reference = ?", reference).first()
        return None if row is None else bytes(row.secret)

    def succeed(self, serial: str, owner: str, previous: str) -> None:
        """A certificate renews another one, and speaks for the same owner."""
        self._run("INSERT INTO succession VALUES (?, ?, ?)", serial, owner, previous)

    def speaker(self, serial: str) -> Speaker | None:
        """Who signs with the key of a certificate."""
        self.rely_on(serial)
        row = self._run(_SPEAKER, serial).first()
        if row is None:
            return None
        state = BookedState(row.state)
        if state is BookedState.PENDING and row.confirm_before is not None and row.confirm_before <= self._now:
            state = BookedState.REVOKED
        return Speaker(row.profile, state, row.der, row.owner)

    def owner(self, serial: str) -> str:
        """For whom a certificate speaks, as in `Speaker`."""
        row = self._run("SELECT owner FROM succession WHERE serial = ?", serial).first()
        return serial if row is None else str(row.owner)

    def of_owner(self, owner: str) -> list[str]:
        """The serial numbers of all certificates that speak for an owner: his first, and those that renewed one."""
        rows = self._run("SELECT serial FROM succession WHERE owner = ? ORDER BY serial", owner)
        return sorted({owner, *(str(row.serial) for row in rows)})

    def add_relying_party(self, serial: str, name: str) -> None:
        """Registers the owner of a certificate."""
        self._run("INSERT INTO relying_party VALUES (?, ?)", serial, name)
        self.note("relying_party", serial=serial)

    def count_told(self, serial: str, kind: str) -> None:
        """Counts what a relying party is told today; stations are not counted."""
        if self._run("SELECT 1 FROM relying_party WHERE serial = ?", serial).first() is None:
            return
        day = datetime.datetime.fromtimestamp(self._now, datetime.UTC).date().isoformat()
        self._run(
            """INSERT INTO told VALUES (?, ?, ?, 1)
            ON CONFLICT (serial, day, kind) DO UPDATE SET number = told.number + 1""",
            serial,
            day,
            kind,
        )

    def relying_parties(self) -> list[RelyingParty]:
        """All of them by name, with what each was told."""
        told: dict[str, dict[str, int]] = {}
        for row in self._run("SELECT serial, kind, SUM(number) AS number FROM told GROUP BY serial, kind"):
            told.setdefault(row.serial, {})[row.kind] = int(row.number)
        rows = list(self._run("SELECT serial, name FROM relying_party ORDER BY name"))
        return [RelyingParty(row.serial, row.name, told.get(row.serial, {})) for row in rows]

    def revision(self) -> int:
        """Counts every change of a certificate, by transactions that have ended."""
        return int(self._run("SELECT SUM(number) FROM revision").scalar_one())

    def next_deadline(self) -> int | None:
        """When the next pending certificate lapses."""
        # SQLite takes the index of what is not good only for a condition that says the same.
        statement = (
            "SELECT MIN(confirm_before) FROM certificate"
            " WHERE state <> 'good' AND state = 'pending' AND confirm_before > ?"
        )
        value = self._run(statement, self._now).scalar_one()
        return None if value is None else int(value)

    def crl(self, name: str) -> CrlRecord | None:
        """The last CRL made under this name."""
        row = self._run("SELECT * FROM crl WHERE name = ?", name).first()
        return None if row is None else CrlRecord(**row._asdict())

    def next_crl_number(self, name: str) -> int:
        """A number for the next CRL of this name, given to nobody else."""
        self._lock(b"crl", name.encode())
        self._run(
            "INSERT INTO crl_number VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET number = crl_number.number + 1", name
        )
        return int(self._run("SELECT number FROM crl_number WHERE name = ?", name).scalar_one())

    def replace_crl(self, record: CrlRecord) -> None:
        """Keeps a new CRL in place of the last, unless that is newer."""
        self._run(
            """INSERT INTO crl VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET number = excluded.number,
               revision = excluded.revision, fresh_until = excluded.fresh_until, der = excluded.der
               WHERE crl.number < excluded.number""",
            record.name,
            record.number,
            record.revision,
            record.fresh_until,
            record.der,
        )
        self.note("crl", name=record.name, number=record.number)
        self.signs_head = True

    def rely_on(self, serial: str) -> None:
        """Nobody beside this transaction decides about a certificate by whose key something was signed."""
        self._database.share(self._transaction, b"certificate", serial.encode())

    def lock_certificate(self, serial: str) -> None:
        """One at a time decides about this certificate."""
        self._lock(b"certificate", serial.encode())

    def _change(self, statement: str, *values: object) -> None:
        """Changes a certificate by an UPDATE with its former state among the conditions. Raises `StateChanged`."""
        if self._run(statement, *values).first() is None:
            raise StateChanged("the certificate is in another state")

    def _record(self, row: Any) -> CertificateRecord:
        reason = row.reason and RevocationReason(row.reason)
        record = CertificateRecord(**row._asdict() | {"state": BookedState(row.state), "reason": reason})
        is_late = record.confirm_before is not None and record.confirm_before <= self._now
        return _lapsed(record) if record.state is BookedState.PENDING and is_late else record

    def _revise(self, serial: str) -> None:
        self._revised[int(serial[-4:], 16) % REVISION_SHARDS] += 1

    def count_changes(self) -> None:
        """Adds the changes of this transaction to the revision, at its end.

        In one order: of two transactions with several changes neither waits for what the other has locked.
        """
        for shard, number in sorted(self._revised.items()):
            self._add("UPDATE revision SET number = number + ? WHERE shard = ?", number, shard)

    def _lock(self, *names: bytes) -> None:
        self._database.lock(self._transaction, *names)

    def _run(self, statement: str, *values: object) -> Rows:
        return self._transaction.run(statement, *values)

    def _add(self, statement: str, *values: object) -> None:
        self._transaction.add(statement, *values)


class Store:
    """One store of the books."""

    def __init__(
        self, database: Database, trail: AuditTrail | None = None, transactions: Transactions | None = None
    ) -> None:
        self._database = database
        self._trail = trail
        self._transactions = transactions or database
        self.is_shared = database.is_shared

    @contextmanager
    def write(self, now: datetime.datetime) -> Iterator[Books]:
        """A transaction that is durable when the block has ended, and undone when the block raises; in step with all.

        What it asked for by person, key, transaction or certificate nobody else decides about until it has ended.
        """
        with self._transactions.write() as transaction:
            books = Books(self._database, transaction, int(now.timestamp()))
            # Whoever is not one of several that share a commit writes alone, and reads the journal's end itself.
            trail = self._trail if self._transactions is not self._database else self._trail and self._trail.anew()
            try:
                yield books
                books.count_changes()
                if trail is not None:
                    trail.append(
                        transaction, self._database.lock_one_of, books.events, now, signs_head=books.signs_head
                    )
            except BaseException:
                if trail is not None:
                    trail.forget()
                raise

    @contextmanager
    def read(self, now: datetime.datetime) -> Iterator[Books]:
        """A view of the last committed state."""
        with self._transactions.read() as transaction:
            yield Books(self._database, transaction, int(now.timestamp()))

    @property
    def commit_s(self) -> float:
        """How long the last commit took, where the store makes them itself."""
        return self._database.commit_s

    @contextmanager
    def together(self) -> Iterator["Store"]:
        """The same store, whose transactions are durable when the block has ended; it belongs to one thread.

        Raises `CommitLost`: then nothing is known to be stored.
        """
        with self._database.together() as transactions:
            yield self._over(transactions)

    @contextmanager
    def in_step(self) -> Iterator["Store"]:
        """The same on SQLite, where several transactions may be open at once; each is undone with all others.

        Raises `OutOfStep` too: then nothing is stored.
        """
        with self._database.in_step() as transactions:
            yield self._over(transactions)

    def _over(self, transactions: Transactions) -> "Store":
        return Store(self._database, self._trail and self._trail.anew(), transactions)

    def journal(self) -> JournalDatabase:
        """The authority's own journal, as those read it who verify it."""
        return self._database.journal()

    def close(self) -> None:
        """Closes all connections."""
        self._database.close()


def open_store(location: Path | str, head_key: HeadKey | None = None) -> Store:
    """Opens the store, a file or a URL, made first where there is none, and migrates it.

    With a `head_key` everything that is done is journaled. Raises `StoreTooNew`, `StoreUnusable`.
    """
    database = open_database(location)
    return Store(database, AuditTrail(head_key, is_shared=database.is_shared) if head_key else None)


def _plain(value: object) -> object:
    # A driver may take an enumeration's member for something else than its text.
    return value.value if isinstance(value, StrEnum) else value


def _lapsed(record: CertificateRecord) -> CertificateRecord:
    return replace(
        record,
        state=BookedState.REVOKED,
        reason=_LAPSE_REASON,
        revoked_at=record.confirm_before,
        note=_LAPSE_NOTE,
    )
