"""The authority's books: certificates, what was answered to which request, and used authorisations, in SQLite.

`journal_mode=TRUNCATE, synchronous=EXTRA`: several processes may write, and what was answered survives a power cut.
Times are whole seconds since 1970, serial numbers upper-case hex as openssl prints them.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, Row, event

from kiosk.authority.embedded.schema import MIGRATIONS
from kiosk.model.certificate import RevocationReason


class StoreTooNew(Exception):
    """The store was written by a newer version of this program."""


class State(StrEnum):
    """What the authority says of a certificate."""

    PENDING = "pending"
    GOOD = "good"
    HELD = "held"
    REVOKED = "revoked"


@dataclass(frozen=True)
class CertificateRecord:
    """One certificate. `person` is the holder's id under the authority's own key; `note` says who changed it last."""

    serial: str
    profile: str
    der: bytes
    key_hash: bytes
    state: State
    issued_at: int
    not_after: int
    confirm_before: int | None = None
    confirmed_at: int | None = None
    reason: RevocationReason | None = None
    revoked_at: int | None = None
    person: bytes | None = None
    note: str = ""


@dataclass(frozen=True)
class TransactionRecord:
    """A transaction: who began it (serial of his certificate), what was issued in it, our nonce of the last answer."""

    id: bytes
    requester: str
    serial: str | None
    cert_req_id: int | None
    nonce: bytes


@dataclass(frozen=True)
class CrlRecord:
    """A CRL that was made; it is fresh while `revision` is the books' and `fresh_until` has not come."""

    name: str
    number: int
    revision: int
    fresh_until: int
    der: bytes


class Books:
    """The books as one database transaction sees them, at the time `now` (seconds since 1970)."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now

    def add_certificate(self, record: CertificateRecord) -> None:
        """Enters a new certificate."""
        self._run(
            "INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            record.serial,
            record.profile,
            record.der,
            record.key_hash,
            record.state,
            record.issued_at,
            record.not_after,
            record.confirm_before,
            record.confirmed_at,
            record.reason,
            record.revoked_at,
            record.person,
            record.note,
        )
        self._revise()

    def certificate(self, serial: str) -> CertificateRecord | None:
        """The certificate of this serial number. One that was not confirmed in time is revoked, whoever looks."""
        row = self._run("SELECT * FROM certificate WHERE serial = ?", serial).one_or_none()
        return None if row is None else self._record(row)

    def live_certificate(self, person: bytes, profile: str) -> CertificateRecord | None:
        """A certificate of this profile that the person has: neither revoked nor past its end."""
        rows = self._run("SELECT * FROM certificate WHERE person = ?", person)
        records = (self._record(row) for row in rows if row.profile == profile and row.not_after > self._now)
        return next((r for r in records if r.state is not State.REVOKED), None)

    def has_live_certificate(self, key_hash: bytes) -> bool:
        """Whether a certificate of this public key is neither revoked nor past its end."""
        rows = self._run("SELECT * FROM certificate WHERE key_hash = ?", key_hash).all()
        return any(r.state is not State.REVOKED and r.not_after > self._now for r in map(self._record, rows))

    def profiles_of_key(self, key_hash: bytes) -> set[str]:
        """The profiles under which this public key was ever certified."""
        rows = self._run("SELECT profile FROM certificate WHERE key_hash = ?", key_hash)
        return {row.profile for row in rows}

    def not_good(self) -> list[CertificateRecord]:
        """Every certificate that a CRL must list now."""
        rows = self._run("SELECT * FROM certificate WHERE state <> 'good' AND not_after >= ?", self._now)
        return [self._record(row) for row in rows]

    def confirm(self, serial: str) -> None:
        """A pending certificate becomes good."""
        self._run(
            "UPDATE certificate SET state = 'good', confirmed_at = ? WHERE serial = ?",
            self._now,
            serial,
        )
        self._revise()

    def revoke(self, serial: str, reason: RevocationReason, note: str) -> None:
        """A certificate is revoked from now on, or put on hold when that is the reason."""
        state = State.HELD if reason is RevocationReason.CERTIFICATE_HOLD else State.REVOKED
        self._run(
            "UPDATE certificate SET state = ?, reason = ?, revoked_at = ?, note = ? WHERE serial = ?",
            state,
            reason,
            self._now,
            note,
            serial,
        )
        self._revise()

    def release(self, serial: str, note: str) -> None:
        """A certificate on hold becomes good again."""
        self._run(
            "UPDATE certificate SET state = 'good', reason = NULL, revoked_at = NULL, note = ? WHERE serial = ?",
            note,
            serial,
        )
        self._revise()

    def answer(self, request_hash: bytes) -> bytes | None:
        """What was answered to a request of these very bytes (SHA-256)."""
        row = self._run("SELECT response FROM answer WHERE request_hash = ?", request_hash).one_or_none()
        return None if row is None else bytes(row.response)

    def add_answer(self, request_hash: bytes, transaction_id: bytes, response: bytes) -> None:
        """Keeps an answer, so that the same bytes are answered the same way."""
        self._run("INSERT INTO answer VALUES (?, ?, ?)", request_hash, transaction_id, response)

    def transaction(self, transaction_id: bytes) -> TransactionRecord | None:
        """The transaction of this id."""
        row = self._run("SELECT * FROM transactions WHERE id = ?", transaction_id).one_or_none()
        return None if row is None else TransactionRecord(**row._asdict())

    def add_transaction(self, record: TransactionRecord) -> None:
        """Enters a new transaction."""
        self._run(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?)",
            record.id,
            record.requester,
            record.serial,
            record.cert_req_id,
            record.nonce,
        )

    def is_authorisation_used(self, nonce: bytes, profile: str) -> bool:
        """Whether a certificate of this profile was issued on the authorisation of this nonce."""
        statement = "SELECT 1 FROM authorisation WHERE nonce = ? AND profile = ?"
        return self._run(statement, nonce, profile).one_or_none() is not None

    def use_authorisation(self, nonce: bytes, profile: str, serial: str) -> None:
        """An authorisation is spent."""
        self._run("INSERT INTO authorisation VALUES (?, ?, ?)", nonce, profile, serial)

    def witness(self, serial: str, requester: str, journal_head: bytes) -> None:
        """Keeps the signed head of the requester's journal that came with the request for a certificate."""
        self._run("INSERT INTO witness VALUES (?, ?)", serial, journal_head)
        self._run(
            """INSERT INTO newest_head VALUES (?, ?)
               ON CONFLICT (requester) DO UPDATE SET journal_head = excluded.journal_head""",
            requester,
            journal_head,
        )

    def newest_head(self, requester: str) -> bytes:
        """The last head that came from a requester (serial of his certificate), empty when none did."""
        row = self._run("SELECT journal_head FROM newest_head WHERE requester = ?", requester).one_or_none()
        return b"" if row is None else bytes(row.journal_head)

    def witnessed_head(self, serial: str) -> bytes | None:
        """The head that came with the request for a certificate, None when none did."""
        row = self._run("SELECT journal_head FROM witness WHERE serial = ?", serial).one_or_none()
        return None if row is None else bytes(row.journal_head)

    def issued_to(self, requester: str, after: int, limit: int) -> list[tuple[bytes, CertificateRecord, bytes]]:
        """What a requester (serial of his certificate) was issued, oldest first: transaction, certificate, head.

        Skips the first `after`, and gives no more than `limit`.
        """
        rows = self._run(
            """SELECT transactions.id, certificate.serial FROM transactions
               JOIN certificate ON certificate.serial = transactions.serial
               WHERE requester = ? ORDER BY issued_at, certificate.serial LIMIT ? OFFSET ?""",
            requester,
            limit,
            after,
        ).all()
        found = ((row.id, self.certificate(row.serial), self.witnessed_head(row.serial)) for row in rows)
        return [(bytes(id_), record, head or b"") for id_, record, head in found if record is not None]

    def revision(self) -> int:
        """Counts every change of a certificate."""
        return int(self._run("SELECT number FROM revision").scalar_one())

    def next_deadline(self) -> int | None:
        """When the next pending certificate lapses."""
        statement = "SELECT MIN(confirm_before) FROM certificate WHERE state = 'pending' AND confirm_before > ?"
        value = self._run(statement, self._now).scalar_one()
        return None if value is None else int(value)

    def crl(self, name: str) -> CrlRecord | None:
        """The last CRL made under this name."""
        row = self._run("SELECT * FROM crl WHERE name = ?", name).one_or_none()
        return None if row is None else CrlRecord(**row._asdict())

    def replace_crl(self, record: CrlRecord) -> None:
        """Keeps a new CRL in place of the last."""
        self._run(
            "INSERT OR REPLACE INTO crl VALUES (?, ?, ?, ?, ?)",
            record.name,
            record.number,
            record.revision,
            record.fresh_until,
            record.der,
        )

    def _record(self, row: Row[Any]) -> CertificateRecord:
        values = row._asdict()
        reason = values.pop("reason")
        state = State(values.pop("state"))
        record = CertificateRecord(**values, state=state, reason=None if reason is None else RevocationReason(reason))
        if state is State.PENDING and record.confirm_before is not None and record.confirm_before <= self._now:
            return _lapsed(record)
        return record

    def _revise(self) -> None:
        self._run("UPDATE revision SET number = number + 1")

    def _run(self, statement: str, *values: object) -> sqlalchemy.CursorResult[Any]:
        return self._connection.exec_driver_sql(statement, values)


class Store:
    """One store; `write` transactions exclude each other, across processes too."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def write(self, now: datetime.datetime) -> Iterator[Books]:
        """A transaction that is durable when the block has ended, and undone when the block raises."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield Books(connection, int(now.timestamp()))
            connection.commit()

    @contextmanager
    def read(self, now: datetime.datetime) -> Iterator[Books]:
        """A view of the last committed state."""
        with self._engine.connect() as connection:
            yield Books(connection, int(now.timestamp()))

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def open_store(path: Path) -> Store:
    """Opens the store, made first where there is none, and migrates it. Raises `StoreTooNew`."""
    # Values are personal data; they stay out of exception texts.
    engine = sqlalchemy.create_engine(sqlalchemy.URL.create("sqlite", database=str(path)), hide_parameters=True)
    event.listen(engine, "connect", _make_durable)
    with engine.connect() as connection:
        if _version(connection) != len(MIGRATIONS):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            version = _version(connection)
            if version > len(MIGRATIONS):
                raise StoreTooNew(f"{path}: store has schema {version}, this program knows {len(MIGRATIONS)}")
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"PRAGMA user_version = {len(MIGRATIONS)}")
            connection.commit()
    return Store(engine)


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _make_durable(connection: Any, _record: object) -> None:
    # None hands transaction control to us: the driver would otherwise begin a deferred one, which can deadlock.
    connection.isolation_level = None
    for pragma in ("journal_mode=TRUNCATE", "synchronous=EXTRA", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _lapsed(record: CertificateRecord) -> CertificateRecord:
    return replace(
        record,
        state=State.REVOKED,
        reason=RevocationReason.CESSATION_OF_OPERATION,
        revoked_at=record.confirm_before,
        note="not confirmed in time",
    )
