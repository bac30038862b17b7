"""Questions from one station to another, each a row in the store: sealed for the two of them, and noticed at once.

A question is `open` until the station that is asked begins with it, `begun` until it is answered, and gone once the
answer was taken or the asker went away. Whoever dies in the middle leaves a row that says how far it had come; what was
begun is never begun a second time by itself.
"""

import datetime
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority.credential import Credential
from kiosk.authority.issuer import find_issuer
from kiosk.authority.signature import sign, verify
from kiosk.authority.verification import load_certificate
from kiosk.journal.database import Database, Transaction
from kiosk.journal.escrow import EscrowKey, EscrowTo
from kiosk.journal.key_file import load_key

_LOOK_S = 0.25
"""How long one wait for the store lasts; in between the asker may give up."""

_NONCE_LENGTH = 12
_ID_LENGTH = 16


class LineLost(Exception):
    """The other station does not answer."""


class StationUnknown(Exception):
    """No station of that name has told its key, or the authority does not know the one that did."""


class QuestionState(StrEnum):
    """How far a question has come."""

    OPEN = "open"
    BEGUN = "begun"
    ANSWERED = "answered"
    LOST = "lost"
    """Whoever had begun with it ended before it was answered."""


@dataclass(frozen=True, repr=False)
class Question:
    """One question that a station was asked; `body` is what it says, in the clear."""

    id: str
    asker: str
    kind: str
    body: bytes


@dataclass(frozen=True, repr=False)
class LineKey:
    """A station's key (X25519) for what others send it."""

    private: X25519PrivateKey

    @property
    def public(self) -> bytes:
        """The 32 bytes that others need."""
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def load_escrow_key(path: Path, station: str) -> EscrowKey | None:
    """With which a station opens what others have sealed to it; None where it has no line. Raises `KeyDamaged`."""
    return EscrowKey(station, load_line_key(path, os.urandom).private) if path.exists() else None


def load_line_key(path: Path, random_bytes: Callable[[int], bytes]) -> LineKey:
    """Reads the key, making it first where there is none yet. Raises `KeyDamaged`."""
    return LineKey(X25519PrivateKey.from_private_bytes(load_key(path, random_bytes)))


class Line:
    """One station's end: it asks others, and is asked.

    A key for which no station vouches that has its certificate of the same authority, of whichever generation of it, is
    not spoken to. `renewed` is the credential that lies there now, None when that was asked before.
    """

    def __init__(
        self,
        database: Database,
        credential: Credential,
        key: LineKey,
        clock: Callable[[], datetime.datetime],
        random_bytes: Callable[[int], bytes],
        renewed: Callable[[], Credential | None] = lambda: None,
    ) -> None:
        self.station = credential.name
        self._renewed = renewed
        self._database = database
        self._credential = credential
        self._key = key
        self._clock = clock
        self._random_bytes = random_bytes

    def open(self) -> None:
        """Tells this station's key, takes back what it asked before, and gives up what it had begun with."""
        with self._database.write() as transaction:
            self._tell_key(transaction)
            transaction.run("DELETE FROM questions WHERE asker = ?", self.station)
            transaction.run(
                "UPDATE questions SET state = ? WHERE asked = ? AND state = ?",
                QuestionState.LOST.value,
                self.station,
                QuestionState.BEGUN.value,
            )
            transaction.tell()

    def _tell_key(self, transaction: Transaction) -> None:
        transaction.run(
            """INSERT INTO stations VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
               public_key = excluded.public_key, certificate = excluded.certificate,
               signature = excluded.signature""",
            self.station,
            self._key.public,
            self._credential.certificate.public_bytes(Encoding.DER),
            sign(self._credential.key, _vouched(self.station, self._key.public)),
        )

    def _tell_renewed(self) -> None:
        """Tells the key again under a credential that was renewed since; the key is the same, and what is under way."""
        renewed = self._renewed()
        is_new = renewed is not None and renewed.certificate != self._credential.certificate
        if renewed is not None and is_new and renewed.name == self.station:
            self._credential = renewed
            with self._database.write() as transaction:
                self._tell_key(transaction)

    @property
    def escrow_key(self) -> EscrowKey:
        """With which this station opens the cases that are sealed to it."""
        return EscrowKey(self.station, self._key.private)

    def escrow_to(self, station: str) -> EscrowTo | None:
        """That station as the one to which cases are sealed for good; None as long as nobody vouches for its key."""
        try:
            return EscrowTo(station, self._vouched_key(station))
        except StationUnknown:
            return None

    # --- asking

    def ask(self, station: str, kind: str, body: bytes, go_on: Callable[[QuestionState], None]) -> bytes:
        """Puts a question and waits for the answer; `go_on` hears meanwhile how far it is, and may raise to give up.

        Raises `LineLost` and `StationUnknown`.
        """
        self._tell_renewed()
        cipher = self._cipher(station)
        id_ = self._random_bytes(_ID_LENGTH).hex()
        sealed = self._seal(cipher, body, _place(id_, self.station, station, kind, "question"))
        with self._database.watching() as wait:
            with self._database.write() as transaction:
                place = transaction.run("SELECT COALESCE(MAX(place), 0) + 1 FROM questions").scalar_one()
                transaction.run(
                    "INSERT INTO questions VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                    id_,
                    place,
                    self.station,
                    station,
                    kind,
                    QuestionState.OPEN.value,
                    sealed,
                )
                transaction.tell()
            answer: bytes | None = None
            try:
                answer = self._await(id_, go_on, wait)
            except Exception:
                # What the other has answered before this was taken back counts: he may hold the resident's money.
                if (answer := self._take_back(id_)) is None:
                    raise
            finally:
                self._take_back(id_)
        return self._open(cipher, answer, _place(id_, station, self.station, kind, "answer"))

    def _take_back(self, id_: str) -> bytes | None:
        """Removes a question; the answer, when there was one by then."""
        with self._database.write() as transaction:
            row = transaction.run("SELECT answer FROM questions WHERE id = ?", id_).first()
            if row is None:
                return None
            transaction.run("DELETE FROM questions WHERE id = ?", id_)
            transaction.tell()
        return None if row.answer is None else bytes(row.answer)

    def _await(self, id_: str, go_on: Callable[[QuestionState], None], wait: Callable[[float], None]) -> bytes:
        while True:
            with self._database.read() as transaction:
                row = transaction.run("SELECT state, answer FROM questions WHERE id = ?", id_).first()
            if row is None:
                raise LineLost("the question was taken away")
            match QuestionState(row.state):
                case QuestionState.ANSWERED:
                    return bytes(row.answer)
                case QuestionState.LOST:
                    raise LineLost("the station that was asked ended before it answered")
                case state:
                    go_on(state)
            wait(_LOOK_S)

    # --- being asked

    def begin_next(self) -> Question | None:
        """Takes up the oldest question to this station, None when there is none; it is answered by `answer`.

        What cannot be opened is answered with nothing, so that whoever asked gives up.
        """
        self._tell_renewed()
        # Looking comes ten times a second and must not lock the store against others.
        with self._database.read() as transaction:
            if self._oldest_open(transaction) is None:
                return None
        with self._database.write() as transaction:
            row = self._oldest_open(transaction)
            if row is None:
                return None
            self._move(transaction, row.id, QuestionState.BEGUN)
            try:
                place = _place(row.id, row.asker, self.station, row.kind, "question")
                body = self._open(self._cipher(row.asker), bytes(row.question), place)
            except (LineLost, StationUnknown):
                self._move(transaction, row.id, QuestionState.LOST)
                return None
            return Question(row.id, row.asker, row.kind, body)

    def _oldest_open(self, transaction: Transaction) -> Any | None:
        return transaction.run(
            "SELECT id, asker, kind, question FROM questions WHERE asked = ? AND state = ? ORDER BY place LIMIT 1",
            self.station,
            QuestionState.OPEN.value,
        ).first()

    def answer(self, question: Question, body: bytes) -> bool:
        """Answers; False when whoever asked has gone away and does not hear it."""
        place = _place(question.id, self.station, question.asker, question.kind, "answer")
        sealed = self._seal(self._cipher(question.asker), body, place)
        with self._database.write() as transaction:
            is_waited_for = transaction.run("SELECT 1 FROM questions WHERE id = ?", question.id).first() is not None
            transaction.run(
                "UPDATE questions SET state = ?, answer = ? WHERE id = ?",
                QuestionState.ANSWERED.value,
                sealed,
                question.id,
            )
            transaction.tell()
        return is_waited_for

    def drop(self, question: Question) -> None:
        """Lets whoever asked know that no answer will come."""
        with self._database.write() as transaction:
            self._move(transaction, question.id, QuestionState.LOST)

    def begun(self) -> frozenset[str]:
        """The ids of the questions that this station has begun with and that somebody still waits for."""
        with self._database.read() as transaction:
            rows = transaction.run(
                "SELECT id FROM questions WHERE asked = ? AND state = ?", self.station, QuestionState.BEGUN.value
            )
            return frozenset(row.id for row in rows)

    @contextmanager
    def watching(self) -> Iterator[Callable[[float], None]]:
        """A wait for the next question, see `Database.watching`."""
        with self._database.watching() as wait:
            yield wait

    # ---

    def _move(self, transaction: Transaction, id_: str, state: QuestionState) -> None:
        transaction.run("UPDATE questions SET state = ? WHERE id = ?", state.value, id_)
        transaction.tell()

    def _cipher(self, station: str) -> AESGCM:
        """Between this station and another, which both compute from their own key and the other's."""
        shared = self._key.private.exchange(X25519PublicKey.from_public_bytes(self._vouched_key(station)))
        names = "\x00".join(sorted((station, self.station))).encode()
        derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"kiosk line\x00" + names)
        return AESGCM(derivation.derive(shared))

    def _vouched_key(self, station: str) -> bytes:
        """Its public key, by what the store says now. Raises `StationUnknown`."""
        with self._database.read() as transaction:
            row = transaction.run("SELECT * FROM stations WHERE name = ?", station).first()
        if row is None:
            raise StationUnknown(f"station {station} has not told its key")
        public = bytes(row.public_key)
        self._check_vouched(station, public, bytes(row.certificate), bytes(row.signature))
        return public

    def _check_vouched(self, station: str, public: bytes, certificate_der: bytes, signature: bytes) -> None:
        try:
            certificate = load_certificate(certificate_der)
            if find_issuer(certificate, self._credential.generations) is None:
                raise StationUnknown(f"the key of station {station} is not vouched for")
            names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
            usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            verify(certificate.public_key(), signature, _vouched(station, public))
        except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
            raise StationUnknown(f"the key of station {station} is not vouched for") from None
        if [name.value for name in names] != [station] or _REGISTRATION not in usages:
            raise StationUnknown(f"the key of station {station} is vouched for by another")
        now, ends = self._clock(), certificate.not_valid_after_utc
        if now > ends:
            raise StationUnknown(f"the credential of station {station} ended at {ends:%Y-%m-%dT%H:%M:%SZ}: renew it")
        if now < (begins := certificate.not_valid_before_utc):
            raise StationUnknown(f"the credential of station {station} begins at {begins:%Y-%m-%dT%H:%M:%SZ} only")

    def _seal(self, cipher: AESGCM, body: bytes, place: bytes) -> bytes:
        nonce = self._random_bytes(_NONCE_LENGTH)
        return nonce + cipher.encrypt(nonce, body, place)

    def _open(self, cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
        try:
            return cipher.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], place)
        except (InvalidTag, ValueError):
            raise LineLost("what came is not from that station") from None


_REGISTRATION = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.28")
"""id-kp-cmcRA (RFC 6402, 2.10): what stations are certified for."""


def _vouched(station: str, public: bytes) -> bytes:
    return b"kiosk line\x00" + station.encode() + b"\x00" + public


def _place(id_: str, sender: str, receiver: str, kind: str, part: str) -> bytes:
    return "\x00".join((id_, sender, receiver, kind, part)).encode()
