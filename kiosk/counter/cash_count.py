"""Counting the drawer: at the end of a day (締め処理), and when it is handed from one clerk to another (引継ぎ).

What must be there follows from the count before it and from what the journal says since; what is there was counted
piece by piece. A difference has a reason, and every count is signed by whoever counted, of a handover by both.
"""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from kiosk.clock import JAPAN, Clock
from kiosk.counter.clerk_key import ClerkKey, operator_of
from kiosk.journal.database import Database, Transaction
from kiosk.journal.journal import Journal
from kiosk.model.testimony import ClerkSignature

PIECES_YEN = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10, 5, 1)
"""Notes and coins of Japan."""


class CountKind(StrEnum):
    """What a count ends."""

    DAY_CLOSE = "day_close"
    HANDOVER = "handover"


class DayClosed(Exception):
    """This day was closed before; nothing more is taken or counted on it."""


class ReasonMissing(ValueError):
    """Drawer and journal differ, and nobody has said why."""


@dataclass(frozen=True)
class CashCount:
    """One count. `float_yen` lay there at the last one, `kept_yen` stays in the drawer, the rest is paid in (払込).

    `taken_yen` and `repaid_yen` are the journal's sums since the count before; `until_seq` is its last entry that they
    are of. `pieces` are the counts of each piece by its value in yen.
    """

    kind: CountKind
    station: str
    day: str
    at: str
    float_yen: int
    receipts: int
    taken_yen: int
    refunds: int
    repaid_yen: int
    pieces: Mapping[str, int]
    kept_yen: int
    reason: str
    until_seq: int

    @property
    def due_yen(self) -> int:
        """What must be in the drawer."""
        return self.float_yen + self.taken_yen - self.repaid_yen

    @property
    def counted_yen(self) -> int:
        """What is in it."""
        return sum(int(yen) * count for yen, count in self.pieces.items())

    @property
    def difference_yen(self) -> int:
        """More than must be there, or less."""
        return self.counted_yen - self.due_yen

    @property
    def paid_in_yen(self) -> int:
        """What leaves the drawer for the town's account."""
        return self.counted_yen - self.kept_yen

    def encode(self) -> bytes:
        """Canonical JSON, which is what is signed."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class KeptCount:
    """A count as it is kept: who signed it, and the text of the journal's head over it, empty when read again."""

    count: CashCount
    operators: tuple[str, ...]
    head: str = ""


class CashCounts:
    """The counts of one station, in order. `first_float_yen` lay in the drawer before the first."""

    def __init__(self, database: Database, journal: Journal, clock: Clock, first_float_yen: int = 0) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._first_float_yen = first_float_yen

    def last(self) -> KeptCount | None:
        """The count before; None when there was none."""
        with self._database.read() as transaction:
            return self._last(transaction)

    @property
    def float_yen(self) -> int:
        """What lies in the drawer since the last count."""
        last = self.last()
        return self._first_float_yen if last is None else last.count.kept_yen

    def is_closed(self) -> bool:
        """Whether today was closed."""
        with self._database.read() as transaction:
            return self._is_closed(transaction, self._today())

    def keep(self, count: CashCount, signers: Sequence[ClerkKey]) -> KeptCount:
        """Signs a count and makes it durable with an entry in the journal.

        Raises `DayClosed` for a second close of a day, `ReasonMissing` for a difference without one.
        """
        if count.difference_yen and not count.reason.strip():
            raise ReasonMissing(f"the drawer differs by {count.difference_yen} yen")
        payload = count.encode()
        signed = [signer.testify(payload) for signer in signers]
        operators = tuple(operator_of(signature.certificate) for signature in signed)

        def store(transaction: Transaction) -> None:
            if self._is_closed(transaction, count.day):
                raise DayClosed(count.day)
            last = self._last_place(transaction)
            transaction.run(
                "INSERT INTO cash_counts VALUES (?, ?, ?, ?, ?, ?)",
                self._journal.station,
                last + 1,
                count.kind.value,
                count.day,
                payload,
                _encode(signed),
            )

        facts = {
            "event": count.kind.value,
            "day": count.day,
            "due_yen": count.due_yen,
            "counted_yen": count.counted_yen,
            "commitment": hashlib.sha256(payload).hexdigest(),
            "operators": " ".join(operators),
        }
        return KeptCount(count, operators, self._journal.note(facts, store).text)

    def _today(self) -> str:
        return self._clock().astimezone(JAPAN).date().isoformat()

    def _is_closed(self, transaction: Transaction, day: str) -> bool:
        row = transaction.run(
            "SELECT 1 FROM cash_counts WHERE station = ? AND day = ? AND kind = ?",
            self._journal.station,
            day,
            CountKind.DAY_CLOSE.value,
        ).first()
        return row is not None

    def _last_place(self, transaction: Transaction) -> int:
        statement = "SELECT COALESCE(MAX(place), 0) FROM cash_counts WHERE station = ?"
        return int(transaction.run(statement, self._journal.station).scalar_one())

    def _last(self, transaction: Transaction) -> KeptCount | None:
        row = transaction.run(
            "SELECT count, signatures FROM cash_counts WHERE station = ? ORDER BY place DESC LIMIT 1",
            self._journal.station,
        ).first()
        if row is None:
            return None
        facts = json.loads(bytes(row.count))
        count = CashCount(**facts | {"kind": CountKind(facts["kind"])})
        return KeptCount(count, tuple(operator_of(s.certificate) for s in _decode(bytes(row.signatures))))


def _encode(signatures: Sequence[ClerkSignature]) -> bytes:
    return json.dumps([[s.signature.hex(), s.certificate.hex()] for s in signatures]).encode()


def _decode(text: bytes) -> list[ClerkSignature]:
    return [ClerkSignature(bytes.fromhex(s), bytes.fromhex(c)) for s, c in json.loads(text)]


def drawer_day(at: datetime.datetime) -> str:
    """The day on which the drawer is counted at that moment, as counts name it."""
    return at.astimezone(JAPAN).date().isoformat()
