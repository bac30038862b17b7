"""A store with something in every column that the journal vouches for, and the keys of its auditor beside it."""

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from kiosk.counter.cash_count import CashCount, CashCounts, CountKind
from kiosk.journal.chain import read_entries, read_heads
from kiosk.journal.database import open_database
from kiosk.journal.escrow import EscrowKey, EscrowTo
from kiosk.journal.head import ProvenHead
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.model.step import Step
from kiosk.model.transition import Stage
from tests.counter.counter_store import new_clerk
from tests.journal.filled_journal import HEAD_KEY, SECRET, START, STATION_KEY, Filled, fill
from tests.journal.walked_case import walk

STATION = "demo"
LINE_KEY = b"\x07" * 32
_PRIVATE = X25519PrivateKey.from_private_bytes(LINE_KEY)
OWN_LINE = EscrowKey(STATION, _PRIVATE)
ENTRIES = 60


def fill_all(url: str, entries: int = ENTRIES) -> ProvenHead:
    """Fills an empty store; the proof on the last receipt.

    Cases that ended, sealed to the station itself; one that two clerks have testified of, another that is on its second
    attempt, a refused one; and two counts of the drawer.
    """
    database = open_database(url)
    to_itself = EscrowTo(STATION, _PRIVATE.public_key().public_bytes_raw())
    journal = Journal(
        database,
        STATION,
        StationKey(STATION_KEY),
        lambda: START,
        head_key=HEAD_KEY,
        escrow_to=lambda: to_itself,
        escrow_key=OWN_LINE,
    )
    journal.start()
    counts = CashCounts(database, journal, lambda: START, 10_000)
    first = CashCount(
        *(CountKind.HANDOVER, STATION, "2026-04-01", START.isoformat(), 10_000, 0, 0, 0, 0),
        *({"10000": 1}, 10_000, "", 1),
    )
    counts.keep(first, [new_clerk("yamada"), new_clerk("sato")])
    counts.keep(replace(first, kind=CountKind.DAY_CLOSE), [new_clerk("sato")])
    again = walk(journal, journal.open_case("again", SECRET), Stage.ROLLED_BACK, SECRET)
    assert again.stage.is_ended
    again = journal.complete(journal.open_case("again", SECRET), Step.APPLICATION, SECRET, card="cd")
    again = journal.complete(again, Step.IDENTITY_CHECK, SECRET, person="ab")
    unclear = walk(journal, journal.open_case("unclear", SECRET), Stage.FEE_SUSPECT, SECRET)
    journal.testify(unclear, Step.FEE, SECRET, ("first", "second"), bytes(16))
    last = fill(journal, entries)
    database.close()
    return last


def full(path: Path, entries: int) -> Filled:
    """Such a store at a path, made, closed and read again."""
    url = f"sqlite:///{path}"
    receipt = fill_all(url, entries)
    database = open_database(url)
    whole = Filled(path, list(read_entries(database)), read_heads(database), receipt)
    database.close()
    return whole


def lay_keys(folder: Path) -> None:
    """The keys of the one station, as they lie beside its store."""
    (folder / "station.key").write_bytes(STATION_KEY)
    (folder / "head.key").write_bytes(bytes(32))
    (folder / "line.key").write_bytes(LINE_KEY)
