"""One entry of a journal: canonical JSON, chained to the one before by the hash that is also its leaf in the tree."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from kiosk.journal.merkle import hash_leaf

FIRST_HASH = bytes(32)
"""What the first entry of a station is chained to."""

HEAD_KEY = "head_key"
"""The fact by which an entry names the public key (hex) of the station's signed heads; the first entry has it."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    `body` is canonical JSON, `hash` chains it to all before, `node` is the root of the largest complete subtree that
    ends with it; None where that is the entry's hash itself (odd `seq`) or was not stored.
    """

    station: str
    seq: int
    body: str
    hash: bytes
    node: bytes | None


class ChainBroken(Exception):
    """The first place at which a station's journal does not hold."""

    def __init__(self, station: str, seq: int, reason: str) -> None:
        super().__init__(f"chain broken: station {station}, entry {seq}: {reason}")
        self.station = station
        self.seq = seq


def canonical(document: Mapping[str, str | int | bool]) -> str:
    """The one way in which a document is written before it is hashed or signed: JSON, sorted, without white space."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chain(previous: bytes, body: str) -> bytes:
    """Hash of an entry: SHA-256(00 | hash of the entry before | body in UTF-8), an RFC 9162 leaf over the last two."""
    return hash_leaf(previous + body.encode())


def named_key(entry: Entry) -> bytes | None:
    """The public key that an entry names for signed heads; None for any other entry."""
    if f'"{HEAD_KEY}":' not in entry.body:
        return None
    try:
        return bytes.fromhex(json.loads(entry.body)[HEAD_KEY])
    except (ValueError, KeyError, TypeError):
        return None
