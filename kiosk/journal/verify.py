"""Checks that no entry of the journal was changed, dropped, moved or inserted, and that what was signed still holds."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from kiosk.journal.chain import StoredPlaces, head_over, newest_head, read_entries
from kiosk.journal.database import Database, Transaction
from kiosk.journal.entry import FIRST_HASH, ChainBroken, Entry, chain, named_key
from kiosk.journal.head import HeadInvalid, ProvenHead, SignedHead
from kiosk.journal.merkle import Edge, inclusion_proof, root_from_inclusion


@dataclass(frozen=True)
class Verified:
    """What was found sound of one station: so many entries, and so many signed heads over their beginnings.

    `key` is the public key of its heads, None in a journal from before there were any.
    """

    station: str
    entries: int
    heads: int
    key: bytes | None


class Walk:
    """Follows one station's entries from a place that is trusted, by default from the beginning.

    `key` is the public key that the journal names for its signed heads, None before it does.
    """

    def __init__(self, station: str, edge: Edge | None = None, previous: bytes = FIRST_HASH) -> None:
        self.station = station
        self.edge = edge or Edge()
        self.key: bytes | None = None
        self._previous = previous

    def follow(self, entry: Entry) -> None:
        """Goes one entry further. Raises `ChainBroken`."""
        seq = self.edge.size + 1
        if entry.seq != seq:
            raise ChainBroken(self.station, seq, f"is missing, entry {entry.seq} follows")
        if chain(self._previous, entry.body) != entry.hash:
            raise ChainBroken(self.station, seq, "does not fit the entry before it")
        if not _names_its_place(entry):
            raise ChainBroken(self.station, seq, "names another place than its own")
        self.edge, self._previous = self.edge.append(entry.hash), entry.hash
        # Nodes and keys came at the same time, so only entries older than the key may lack theirs.
        is_older = entry.node is None and self.key is None
        if not is_older and (entry.node or entry.hash) != self.edge.peaks[-1]:
            raise ChainBroken(self.station, seq, "does not fit the tree")
        if (key := named_key(entry)) is not None:
            if self.key is not None:
                raise ChainBroken(self.station, seq, "names a second key for signed heads")
            self.key = key

    def check_head(self, signed: SignedHead, leaf: bytes | None = None) -> None:
        """Checks that a head is one over exactly the entries followed so far, of which the newest has the hash `leaf`.

        Says nothing about its signature. Raises `ChainBroken`.
        """
        if signed.head.root != self.edge.root() or leaf not in (None, self._previous):
            raise _not_as_signed(signed)


def verify_chain(entries: Iterable[Entry]) -> dict[str, int]:
    """Checks entries given station by station, oldest first; the number of entries by station.

    Raises `ChainBroken`. A cut tail cannot be seen from the entries alone.
    """
    walks: dict[str, Walk] = {}
    for entry in entries:
        walks.setdefault(entry.station, Walk(entry.station)).follow(entry)
    return {station: walk.edge.size for station, walk in walks.items()}


def verify_journal(
    entries: Iterable[Entry],
    heads: Iterable[SignedHead],
    presented: Iterable[ProvenHead] = (),
) -> list[Verified]:
    """Checks entries as `verify_chain` does, and every head against them; by station what was sound.

    `heads` were kept in the store and read before the entries; `presented` come from outside, from receipts or from the
    authority, and show a cut tail or a journal rewritten with all its heads. Raises `ChainBroken`.
    """
    due: dict[tuple[str, int], dict[SignedHead, bytes | None]] = defaultdict(dict)
    for signed in heads:
        due[signed.head.station, signed.head.size][signed] = None
    for proven in presented:
        due[proven.signed.head.station, proven.signed.head.size][proven.signed] = proven.leaf
    walks: dict[str, Walk] = {}
    covered: dict[str, list[SignedHead]] = defaultdict(list)
    for entry in entries:
        walk = walks.setdefault(entry.station, Walk(entry.station))
        walk.follow(entry)
        if (entry.station, entry.seq) in due:
            for signed, leaf in due.pop((entry.station, entry.seq)).items():
                walk.check_head(signed, leaf)
                covered[entry.station].append(signed)
    for station, size in sorted(due):
        end = walks[station].edge.size if station in walks else 0
        raise ChainBroken(station, size, f"is covered by a signed head, and the journal ends at entry {end}")
    for station, walk in walks.items():
        for signed in covered[station]:
            _check_signature(signed, walk.key)
    return [Verified(station, walk.edge.size, len(covered[station]), walk.key) for station, walk in walks.items()]


def verify_since_last_head(database: Database, station: str, public_key: bytes) -> int:
    """Checks a station's own journal from its last signed head on; the number of entries that are there.

    Reads what was written since then and a logarithmic rest, for the signed root vouches for all before: an entry
    changed there is found by whoever reads the whole journal. Raises `ChainBroken`.
    """
    with database.read() as transaction:
        signed = newest_head(transaction, station)
        walk = Walk(station)
        if signed is not None:
            size = signed.head.size
            places = StoredPlaces(transaction, station)
            newest = places(size).leaf
            before = inclusion_proof(size - 1, size, places)
            if root_from_inclusion(newest, size - 1, size, before) != signed.head.root:
                raise _not_as_signed(signed)
            _check_signature(signed, public_key)
            # The peaks before the newest leaf are its path, and the signed root has just vouched for them.
            walk = Walk(station, Edge(size - 1, before[::-1]).append(newest), newest)
    for entry in read_entries(database, (station, walk.edge.size)):
        if entry.station != station:
            break
        walk.follow(entry)
    return walk.edge.size


def verify_entry(transaction: Transaction, entry: Entry, public_key: bytes) -> None:
    """Checks one entry by the head that its station signed over it, in a logarithmic number of rows.

    Raises `ChainBroken`.
    """
    signed = head_over(transaction, entry)
    if signed is None:
        raise ChainBroken(entry.station, entry.seq, "was written with a signed head, which is missing")
    places = StoredPlaces(transaction, entry.station)
    previous = places(entry.seq - 1).leaf if entry.seq > 1 else FIRST_HASH
    leaf = chain(previous, entry.body)
    path = inclusion_proof(entry.seq - 1, entry.seq, places)
    if root_from_inclusion(leaf, entry.seq - 1, entry.seq, path) != signed.head.root:
        raise _not_as_signed(signed)
    _check_signature(signed, public_key)


def _check_signature(signed: SignedHead, public_key: bytes | None) -> None:
    if public_key is None:
        raise ChainBroken(signed.head.station, signed.head.size, "has a signed head, and no key was named for it")
    try:
        signed.verify(public_key)
    except HeadInvalid as invalid:
        raise ChainBroken(signed.head.station, signed.head.size, str(invalid)) from invalid


def _not_as_signed(signed: SignedHead) -> ChainBroken:
    reason = "and the entries before it are not those that were signed"
    return ChainBroken(signed.head.station, signed.head.size, reason)


def _names_its_place(entry: Entry) -> bool:
    try:
        body = json.loads(entry.body)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and (body.get("station"), body.get("seq")) == (entry.station, entry.seq)
