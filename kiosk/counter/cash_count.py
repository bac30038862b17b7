"""Counting the drawer: at the end of a day (締め処理), and when it is handed from one clerk to another (引継ぎ).

Likewise what a coin machine holds of nobody (未処理入金), which leaves it and never comes into the drawer.

What must be there follows from the count before it and from what the journal says since; what is there was counted
piece by piece. A difference has a reason, and every count is signed by whoever counted, of a handover by both. The
journal commits to each count and to the certificates of its signers, and no count is gone on from that is not the one.
"""

import datetime
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from kiosk.clock import JAPAN, Clock
from kiosk.counter.clerk_key import ClerkKey, is_signed, operator_of
from kiosk.journal.agreement import Told, notes_since
from kiosk.journal.database import Database, Transaction
from kiosk.journal.entry import ChainBroken
from kiosk.journal.journal import Journal
from kiosk.journal.records import Note
from kiosk.model.testimony import ClerkSignature

PIECES_YEN = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10, 5, 1)
"""Notes and coins of Japan."""


class CountKind(StrEnum):
    """What a count ends."""

    DAY_CLOSE = "day_close"
    HANDOVER = "handover"
    MACHINE = "machine"
    """Money in the coin machine that belongs to no deposit; ends nothing."""


_OF_DRAWER = frozenset((CountKind.DAY_CLOSE.value, CountKind.HANDOVER.value))
_EVENTS = frozenset(kind.value for kind in CountKind)


class DayClosed(Exception):
    """This day was closed before; nothing more is taken or counted on it."""


class ReasonMissing(ValueError):
    """Drawer and journal differ, and nobody has said why."""


@dataclass(frozen=True)
class CashCount:
    """One count. `float_yen` lay there at the last one, `kept_yen` stays in the drawer, the rest is paid in (払込).

    `taken_yen` and `repaid_yen` are the journal's sums since the count before; `until_seq` is its last entry that they
    are of. Of a machine `taken_yen` is what it says to hold of nobody, and `until_seq` the last entry of its ledger.
    `pieces` are the counts of each piece by its value in yen.
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
    """The counts of one station, in order. `first_float_yen` lay in the drawer before the first.

    Whatever goes on from the last count raises `ChainBroken` when that is not the one that was journaled.
    """

    def __init__(self, database: Database, journal: Journal, clock: Clock, first_float_yen: int = 0) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._first_float_yen = first_float_yen

    def last(self) -> KeptCount | None:
        """The drawer's count before; None when there was none."""
        with self._database.read() as transaction:
            return self._last(transaction, _OF_DRAWER)

    def is_machine_counted(self, entry: int) -> bool:
        """Whether the coin machine was counted as its ledger stood at that entry."""
        with self._database.read() as transaction:
            last = self._last(transaction, {CountKind.MACHINE.value})
        return last is not None and last.count.until_seq == entry

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

    def _last(self, transaction: Transaction, kinds: Collection[str]) -> KeptCount | None:
        row = transaction.run(
            "SELECT station, place, kind, day, count, signatures FROM cash_counts WHERE station = ? AND kind IN ?"
            " ORDER BY place DESC LIMIT 1",
            self._journal.station,
            tuple(sorted(kinds)),
        ).first()
        told = self._journal.last_note(transaction, kinds)
        if row is None and told is None:
            return None
        if row is None or told is None or (kept := _told_count(row, told)) is None:
            raise _not_as_told(self._journal.station, told)
        return kept


def check_counts(database: Database, told: Told) -> dict[str, int]:
    """Compares every count of every station with what the journal tells of it; how many there are by station.

    Raises `ChainBroken` at the first that is another, or is missing, or of which nothing is told.
    """
    with database.read() as transaction:
        rows = transaction.run(
            "SELECT station, place, kind, day, count, signatures FROM cash_counts ORDER BY station, place"
        )
    counts = Counter(row.station for row in rows)
    notes = {station: _of_counts(told.notes[station]) for station in told.ends}
    for station in counts:
        if counts[station] > len(notes.setdefault(station, [])):
            notes[station] += _of_counts(notes_since(database, told, station))
    found: Counter[str] = Counter()
    for row in rows:
        note = next(iter(notes[row.station]), None)
        found[row.station] += 1
        if note is None or row.place != found[row.station] or _told_count(row, note) is None:
            raise _not_as_told(row.station, note)
        del notes[row.station][0]
    for station, left in notes.items():
        if left and left[0].seq <= told.ends[station]:
            raise _not_as_told(station, left[0])
    return counts


def _of_counts(notes: Iterable[Note]) -> list[Note]:
    return [note for note in notes if note.facts.get("event") in _EVENTS]


def _not_as_told(station: str, note: Note | None) -> ChainBroken:
    if note is None:
        return ChainBroken(station, 0, "is none, and there is a count of the drawer that the journal does not tell")
    return ChainBroken(station, note.seq, "tells of another count of the drawer than the one that is kept")


def _told_count(row: Any, note: Note) -> KeptCount | None:
    """A count as it is stored, None when it is not the one that an entry tells, in every byte."""
    # SQLite lets a damaged file say anything.
    if not isinstance(row.count, bytes) or not isinstance(row.signatures, bytes):
        return None
    if hashlib.sha256(row.count).hexdigest() != note.facts["commitment"]:
        return None
    facts = json.loads(row.count)
    count = CashCount(**facts | {"kind": CountKind(facts["kind"])})
    try:
        signed = _decode(row.signatures)
    except (ValueError, TypeError):
        return None
    # The entry names each signer by the hash of his certificate.
    operators = tuple(operator_of(one.certificate) for one in signed)
    is_told = (
        (row.station, row.kind, row.day) == (count.station, count.kind, count.day)
        and _encode(signed) == row.signatures
        and " ".join(operators) == note.facts["operators"]
        and all(is_signed(one, row.count) for one in signed)
    )
    return KeptCount(count, operators) if is_told else None


def _encode(signatures: Sequence[ClerkSignature]) -> bytes:
    return json.dumps([[s.signature.hex(), s.certificate.hex()] for s in signatures]).encode()


def _decode(text: bytes) -> list[ClerkSignature]:
    return [ClerkSignature(bytes.fromhex(s), bytes.fromhex(c)) for s, c in json.loads(text)]


def drawer_day(at: datetime.datetime) -> str:
    """The day on which the drawer is counted at that moment, as counts name it."""
    return at.astimezone(JAPAN).date().isoformat()
