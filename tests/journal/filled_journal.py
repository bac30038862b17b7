"""A journal of a thousand entries for tests: made once through the product's own code, with heads and receipts."""

import datetime
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kiosk.journal.agreement import Told
from kiosk.journal.chain import read_entries, read_heads
from kiosk.journal.database import Database, open_database
from kiosk.journal.entry import FIRST_HASH, Entry, chain
from kiosk.journal.head import HeadKey, ProvenHead, SignedHead, parse_head
from kiosk.journal.journal import Journal
from kiosk.journal.merkle import Edge
from kiosk.journal.records import EffectState
from kiosk.journal.seal import StationKey
from kiosk.model.step import Step
from kiosk.model.transition import Stage
from tests.journal.walked_case import walk
from tests.memory_folder import memory_folder

START = datetime.datetime(2026, 4, 1, tzinfo=datetime.UTC)
STATION_KEY = bytes(32)
HEAD_KEY = HeadKey(bytes(32))
SECRET = "幌延　太郎".encode()


def open_journal(path: Path, station: str = "demo", start: datetime.datetime = START) -> Journal:
    """A journal whose clock goes on a minute a look."""
    minutes = itertools.count()
    return Journal(
        open_database(f"sqlite:///{path}"),
        station,
        StationKey(STATION_KEY),
        lambda: start + datetime.timedelta(minutes=next(minutes)),
        head_key=HEAD_KEY,
    )


def fill(journal: Journal, entries: int) -> ProvenHead:
    """Adds whole cases until there are so many entries at least; the proof on the last receipt."""
    journal.start()
    for number in itertools.count():
        case = journal.open_case(f"{number}", SECRET)
        case = journal.complete(case, Step.APPLICATION, SECRET, person="ab")
        case = walk(journal, case, Stage.DELIVERED, SECRET)
        journal.intend(case, Step.FEE, SECRET)
        case = journal.complete(case, Step.FEE, SECRET, signs_head=True)
        case = walk(journal, case, Stage.RETURNED, SECRET)
        receipt = journal.number_receipt(case)
        journal.leave(case, Step.RECEIPT, EffectState.UNKNOWN, "K-DEVICE-002")
        case = journal.complete(case, Step.RECEIPT, SECRET, resumed=True)
        walk(journal, case, Stage.CLOSED, SECRET)
        last = parse_head(receipt.proof)
        if last.signed.head.size + 3 >= entries:
            return last
    raise AssertionError


@dataclass(frozen=True)
class Filled:
    """A journal as it was read: entries, heads kept beside them, and the proof on the last receipt."""

    path: Path
    entries: list[Entry]
    heads: list[SignedHead]
    receipt: ProvenHead

    @property
    def covered(self) -> int:
        """How many entries the last receipt covers."""
        return self.receipt.signed.head.size


@contextmanager
def in_memory() -> Iterator[Path]:
    """A directory on a file system in memory, where there is one."""
    with tempfile.TemporaryDirectory(dir=memory_folder()) as name:
        yield Path(name)


def filled(path: Path, entries: int) -> Filled:
    """A journal at a path, made, closed and read again."""
    receipt = fill(open_journal(path), entries)
    database = open_database(f"sqlite:///{path}")
    whole = Filled(path, list(read_entries(database)), read_heads(database), receipt)
    database.close()
    return whole


def forged(entries: list[Entry]) -> list[Entry]:
    """The entries chained anew, as somebody does who can write everything but has not the key of the heads."""
    previous, edge, made = FIRST_HASH, Edge(), []
    for seq, entry in enumerate(entries, start=1):
        body = entry.body.replace(f'"seq":{entry.seq},', f'"seq":{seq},')
        previous = chain(previous, body)
        edge = edge.append(previous)
        made.append(replace(entry, seq=seq, body=body, hash=previous, node=None if seq & 1 else edge.peaks[-1]))
    return made


def told_until(database: Database, ends: dict[str, int]) -> Told:
    """What the journal tells of its cases up to these entries."""
    told = Told(ends)
    for _ in told.listen(read_entries(database)):
        pass
    return told
