"""The append-only half of the store: one station's entries, chained and in a tree, and the heads signed over them."""

import datetime
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kiosk.clock import Clock
from kiosk.journal.database import Database, Transaction
from kiosk.journal.entry import FIRST_HASH, HEAD_KEY, ChainBroken, Entry, canonical, chain, named_key
from kiosk.journal.head import Head, HeadInvalid, HeadKey, ProvenHead, SignedHead, parse_head
from kiosk.journal.merkle import Place, complete_subtree, inclusion_proof, peak_places, root_from_inclusion

_PAGE = 1000


class Chain:
    """Appends to the journal of one station and signs its heads, inside the caller's transactions."""

    def __init__(self, station: str, key: HeadKey, clock: Clock) -> None:
        self._station = station
        self._key = key
        self._clock = clock

    def append(self, transaction: Transaction, facts: Mapping[str, str | int | bool]) -> None:
        """Adds one entry. The first of a station names the key of its heads as well."""
        newest = newest_entry(transaction, self._station)
        seq, previous = (newest.seq + 1, newest.hash) if newest else (1, FIRST_HASH)
        at = self._clock().isoformat(timespec="milliseconds")
        place: dict[str, str | int | bool] = {"seq": seq, "station": self._station, "at": at}
        body = canonical({**place, **({} if newest else self._named_key()), **facts})
        leaf = chain(previous, body)
        node = None if seq & 1 else complete_subtree(leaf, seq, StoredPlaces(transaction, self._station, newest))
        transaction.run(
            "INSERT INTO journal (station, seq, body, hash, node) VALUES (?, ?, ?, ?, ?)",
            self._station,
            seq,
            body,
            leaf,
            node,
        )

    def name_key(self, transaction: Transaction) -> None:
        """Makes the journal name the key of its heads, unless it does. Raises `ChainBroken` when it names another."""
        # In its first entry, unless the journal was begun by a program that did not sign heads yet.
        row = transaction.run(
            "SELECT station, seq, body, hash, node FROM journal WHERE station = ? AND body LIKE ? ORDER BY seq LIMIT 1",
            self._station,
            f'%"{HEAD_KEY}":%',
        ).first()
        if row is None:
            self.append(transaction, {"event": "begun", **self._named_key()})
        elif named_key(_entry(row)) != self._key.public:
            raise ChainBroken(self._station, row.seq, "names another key for signed heads than this station's")

    def prove(self, transaction: Transaction) -> ProvenHead:
        """Signs a head over the journal as it stands, which has entries, and does not keep it."""
        newest = newest_entry(transaction, self._station)
        assert newest is not None, "a head is signed over entries"
        places = StoredPlaces(transaction, self._station, newest)
        path = inclusion_proof(newest.seq - 1, newest.seq, places)
        root = root_from_inclusion(newest.hash, newest.seq - 1, newest.seq, path)
        now = self._clock().astimezone(datetime.UTC).replace(microsecond=0)
        return ProvenHead(self._key.sign(Head(self._station, newest.seq, root, now)), newest.hash, path)

    def sign(self, transaction: Transaction) -> ProvenHead:
        """Signs a head over the journal as it stands, which has entries, and keeps it."""
        proven = self.prove(transaction)
        head = proven.signed.head
        transaction.run(
            "INSERT INTO heads (station, size, at, root, signature) VALUES (?, ?, ?, ?, ?)",
            head.station,
            head.size,
            int(head.at.timestamp()),
            head.root,
            proven.signed.signature,
        )
        return proven

    def _named_key(self) -> dict[str, str]:
        return {HEAD_KEY: self._key.public.hex()}


class StoredPlaces:
    """The places of one station's tree as `kiosk.journal.merkle` reads them; `newest` was read already.

    With that, the first place that is missing brings all the others that its edge consists of in the same statement.
    """

    def __init__(self, transaction: Transaction, station: str, newest: Entry | None = None) -> None:
        self._transaction = transaction
        self._station = station
        self._known = {newest.seq: Place(newest.hash, newest.node)} if newest else {}
        self._likely = peak_places(newest.seq - 1) if newest else ()

    def __call__(self, place: int) -> Place:
        """One place. Raises `ChainBroken` when there is no such entry."""
        if place not in self._known:
            self._known |= self._read({place, *self._likely})
        if place not in self._known:
            raise ChainBroken(self._station, place, "is missing")
        return self._known[place]

    def _read(self, places: Collection[int]) -> dict[int, Place]:
        rows = self._transaction.run(
            "SELECT station, seq, body, hash, node FROM journal WHERE station = ? AND seq IN ?",
            self._station,
            tuple(places),
        )
        return {entry.seq: Place(entry.hash, entry.node) for entry in map(_entry, rows)}


def newest_entry(transaction: Transaction, station: str) -> Entry | None:
    """The last entry of a station."""
    row = transaction.run(
        "SELECT station, seq, body, hash, node FROM journal WHERE station = ? ORDER BY seq DESC LIMIT 1", station
    ).first()
    return None if row is None else _entry(row)


def newest_entry_about(transaction: Transaction, station: str, events: Collection[str]) -> Entry | None:
    """The last entry of a station with one of these events."""
    named = " OR ".join("body LIKE ?" for _ in events)
    row = transaction.run(
        "SELECT station, seq, body, hash, node FROM journal"  # noqa: S608  # only conditions with marks are put in
        f" WHERE station = ? AND ({named}) ORDER BY seq DESC LIMIT 1",
        station,
        *(f'%"event":"{event}"%' for event in events),
    ).first()
    return None if row is None else _entry(row)


def is_begun(database: Database, station: str) -> bool:
    """Whether a station has entries in the store."""
    with database.read() as transaction:
        return newest_entry(transaction, station) is not None


def newest_head(transaction: Transaction, station: str) -> SignedHead | None:
    """The last signed head that a station kept."""
    row = transaction.run(
        "SELECT station, size, at, root, signature FROM heads WHERE station = ? ORDER BY size DESC LIMIT 1", station
    ).first()
    return None if row is None else _head(row)


def head_over(transaction: Transaction, entry: Entry) -> SignedHead | None:
    """The signed head that was kept as this entry was the newest; None when none was."""
    row = transaction.run(
        "SELECT station, size, at, root, signature FROM heads WHERE station = ? AND size = ?", entry.station, entry.seq
    ).first()
    return None if row is None else _head(row)


def read_entries(database: Database, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
    """All entries that follow a station's entry, each station's oldest first.

    Read in parts, so that whoever appends meanwhile never waits long.
    """
    while True:
        with database.read() as transaction:
            rows = transaction.run(
                "SELECT station, seq, body, hash, node FROM journal WHERE (station, seq) > (?, ?)"
                " ORDER BY station, seq LIMIT ?",
                *after,
                _PAGE,
            )
        for entry in map(_entry, rows):
            if (entry.station, entry.seq) <= after:
                raise ChainBroken(entry.station, entry.seq, "stands in the wrong place")
            yield entry
            after = entry.station, entry.seq
        if len(rows) < _PAGE:
            return


def read_heads(database: Database) -> list[SignedHead]:
    """All signed heads that were kept, each station's oldest first."""
    with database.read() as transaction:
        return [
            _head(row)
            for row in transaction.run("SELECT station, size, at, root, signature FROM heads ORDER BY station, size")
        ]


def read_proofs(database: Database) -> list[ProvenHead]:
    """The heads that went out on receipts, by number. Raises `ChainBroken` for what is none."""
    with database.read() as transaction:
        rows = transaction.run("SELECT number, proof FROM receipts WHERE proof IS NOT NULL ORDER BY number")
    return [proof_of(row.number, row.proof) for row in rows]


def proof_of(receipt: int, text: object) -> ProvenHead:
    """The head that went out on a receipt, as it was kept. Raises `ChainBroken` for what is none."""
    try:
        return parse_head(str(text))
    except HeadInvalid as invalid:
        raise ChainBroken("?", 0, f"receipt {receipt} has a proof that is none: {invalid}") from invalid


def _entry(row: Any) -> Entry:
    """An entry as stored; SQLite lets a damaged file say anything, so nothing is taken for what it should be."""
    station, seq, body, hash_, node = row
    if not isinstance(station, str) or not isinstance(seq, int):
        raise ChainBroken(str(station), 0, "is no entry")
    if not isinstance(body, str) or not isinstance(hash_, bytes) or not isinstance(node, bytes | None):
        raise ChainBroken(station, seq, "is no entry")
    return Entry(station, seq, body, hash_, node)


def _head(row: Any) -> SignedHead:
    station, size, at, root, signature = row
    if not isinstance(station, str) or not isinstance(size, int):
        raise ChainBroken(str(station), 0, "has a signed head that is none")
    if not isinstance(at, int) or not isinstance(root, bytes) or not isinstance(signature, bytes):
        raise ChainBroken(station, size, "has a signed head that is none")
    try:
        time = datetime.datetime.fromtimestamp(at, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        raise ChainBroken(station, size, "has a signed head of no time") from None
    return SignedHead(Head(station, size, root, time), signature)
