"""What the authority did, in the form of a station's journal: chained entries, in the transaction that did it.

SQLite has one chain. On PostgreSQL writers run beside each other, and one chain would have them wait for each other's
commits: there are several, and each transaction takes one that nobody else is writing to. Entries name certificates by
serial number, never a person. The heads over them are signed whenever a CRL is.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kiosk.journal.chain import StoredPlaces, newest_entry
from kiosk.journal.database import Transaction
from kiosk.journal.entry import FIRST_HASH, HEAD_KEY, canonical, chain
from kiosk.journal.head import Head, HeadKey
from kiosk.journal.merkle import Edge, edge_of

CHAIN = "authority"
_CHAINS = tuple(f"{CHAIN}-{number}" for number in range(16))
"""On PostgreSQL."""

Facts = Mapping[str, str | int | bool]


@dataclass(frozen=True)
class _Tail:
    """Where the next entry of a chain goes."""

    seq: int
    hash: bytes
    edge: Edge


class AuditTrail:
    """Appends to the chains for one writer, who holds the store from its first entry to its commit."""

    def __init__(self, key: HeadKey, *, is_shared: bool, kept: dict[str, _Tail] | None = None) -> None:
        self._key = key
        self._is_shared = is_shared
        self._tail: _Tail | None = None
        # By chain, where any writer of this process left off.
        self._kept: dict[str, _Tail] = {} if kept is None else kept

    def anew(self) -> "AuditTrail":
        """The same for another writer."""
        return AuditTrail(self._key, is_shared=self._is_shared, kept=self._kept)

    def forget(self) -> None:
        """What was appended last was undone."""
        self._tail = None

    def append(
        self,
        transaction: Transaction,
        lock_one_of: Callable[[Transaction, Sequence[str]], str],
        facts: Sequence[Facts],
        now: datetime.datetime,
        *,
        signs_head: bool,
    ) -> None:
        """Adds an entry for each event, and a signed head over them when that is asked for.

        `lock_one_of` makes one of several chains this transaction's until its end, and names it.
        """
        if not facts:
            return
        name = lock_one_of(transaction, _CHAINS if self._is_shared else (CHAIN,))
        tail = self._tail or _read_tail(transaction, name, self._kept.get(name))
        for one in facts:
            tail = self._add(transaction, name, tail, one, now)
        if signs_head:
            signed = self._key.sign(Head(name, tail.seq, tail.edge.root(), now.replace(microsecond=0)))
            transaction.run(
                "INSERT INTO heads (station, size, at, root, signature) VALUES (?, ?, ?, ?, ?)",
                name,
                tail.seq,
                int(now.timestamp()),
                signed.head.root,
                signed.signature,
            )
        self._kept[name] = tail
        # Several writers share a chain on PostgreSQL: there it is read again each time.
        self._tail = None if self._is_shared else tail

    def _add(self, transaction: Transaction, name: str, tail: _Tail, facts: Facts, now: datetime.datetime) -> _Tail:
        seq = tail.seq + 1
        place: dict[str, str | int | bool] = {"seq": seq, "station": name, "at": now.isoformat(timespec="milliseconds")}
        key = {} if tail.seq else {HEAD_KEY: self._key.public.hex()}
        body = canonical({**facts, **place, **key})
        leaf = chain(tail.hash, body)
        edge = tail.edge.append(leaf)
        transaction.add(
            "INSERT INTO journal (station, seq, body, hash, node) VALUES (?, ?, ?, ?, ?)",
            name,
            seq,
            body,
            leaf,
            None if seq & 1 else edge.peaks[-1],
        )
        return _Tail(seq, leaf, edge)


def _read_tail(transaction: Transaction, name: str, kept: _Tail | None) -> _Tail:
    newest = newest_entry(transaction, name)
    if newest is None:
        return _Tail(0, FIRST_HASH, Edge())
    if kept is not None and (kept.seq, kept.hash) == (newest.seq, newest.hash):
        # The hash stands for everything before it: nobody has written since, and nothing of ours was undone.
        return kept
    return _Tail(newest.seq, newest.hash, edge_of(newest.seq, StoredPlaces(transaction, name, newest)))
