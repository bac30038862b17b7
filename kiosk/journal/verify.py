"""Checks that no entry of the journal was changed, dropped, moved or inserted."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from kiosk.journal.journal import FIRST_HASH, Entry, chain


@dataclass
class ChainBroken(Exception):
    """The first place at which a station's chain does not hold."""

    station: str
    seq: int
    reason: str

    def __str__(self) -> str:
        return f"station {self.station}, entry {self.seq}: {self.reason}"


def verify_chain(entries: Iterable[Entry]) -> dict[str, int]:
    """Checks entries given station by station, oldest first; the number of entries by station.

    Raises `ChainBroken`. A cut tail cannot be seen from the chain alone.
    """
    counts: dict[str, int] = {}
    previous = FIRST_HASH
    for entry in entries:
        seq = counts.get(entry.station, 0) + 1
        if seq == 1:
            previous = FIRST_HASH
        if entry.seq != seq:
            raise ChainBroken(entry.station, seq, f"missing, entry {entry.seq} follows")
        if chain(previous, entry.body) != entry.hash:
            raise ChainBroken(entry.station, seq, "does not fit the entry before it")
        if not _names_its_place(entry):
            raise ChainBroken(entry.station, seq, "names another place than its own")
        counts[entry.station], previous = seq, entry.hash
    return counts


def _names_its_place(entry: Entry) -> bool:
    try:
        body = json.loads(entry.body)
    except ValueError:
        return False
    return isinstance(body, dict) and (body.get("station"), body.get("seq")) == (entry.station, entry.seq)
