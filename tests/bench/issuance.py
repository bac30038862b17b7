"""What the software takes in one issuance: against the same commits made raw, and on a small and a large journal.

    python -m tests.bench issuance [--pairs N] [--small N] [--large N] [--core N] [--folder DIR] [--out FILE]

The real code runs on a real SQLite file on the disk, in one process on one core. Software time is the wall time of the
issuance without what is inside the ports: card and printer with their drivers and simulated devices, persons, and the
embedded authority's own handling of a request, which is another machine's, with the line to it, which leads into this
process here. In it is everything else: use cases, journal with its commits, CMP messages, OCSP and the HTTP client.
Keys were prepared before.

Raw are the same rows in as many transactions, written into a second file like the first one by Python's sqlite3 with
the same pragmas, right after each issuance. Five pairs at least, alternating between the journals; medians count.
"""

import argparse
import asyncio
import json
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import new_card
from kiosk.config import SHIPPED
from kiosk.issuance.persons import Persons
from kiosk.issuance.station import Station
from kiosk.journal.connection import SQLITE_PRAGMAS
from kiosk.journal.database import Database, Rows, Transaction, open_database
from kiosk.register.register import load_register
from tests.asgi_line import AsgiLine
from tests.bench.stopwatch import Stopwatch
from tests.counter_bench import World, make_authority
from tests.journal.growth import stocked

MOST_COMMITS = 32
MOST_OF_RAW = 1.7
MOST_BESIDES_MS = 15.0
MOST_GROWTH = 1.15
"""Limits: software time is at most so many times the raw commits, and so much more; and does not grow with the journal.

The last allows for the deeper tree of a larger file and for noise; growth in proportion would be a thousandfold.
"""

FEWEST_PAIRS = 5

Statements = list[tuple[str, tuple[object, ...]]]


class RecordingDatabase:
    """A store that keeps what each of its transactions wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transactions: list[Statements] = []

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction."""
        with self._database.write() as transaction:
            recording: Any = _RecordingTransaction(transaction)
            yield recording
        self.transactions.append(recording.written)

    def read(self) -> AbstractContextManager[Transaction]:
        """A view."""
        return self._database.read()


class _RecordingTransaction:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.written: Statements = []

    def run(self, statement: str, *values: object) -> Rows:
        if not statement.startswith("SELECT"):
            self.written.append((statement, values))
        return self._transaction.run(statement, *values)


@dataclass(frozen=True)
class Measured:
    """One issuance and its raw commits; times in milliseconds, `besides_ms` what was not the software's."""

    commits: int
    wall_ms: float
    software_ms: float
    raw_ms: float
    besides_ms: dict[str, float]


class _FarWorld(World):
    """A counter whose authority is another machine's: what lies behind the HTTP client is not the software's time."""

    watch: Stopwatch

    def line(self) -> AsgiLine:
        return _TimedLine(self)


class _TimedLine(AsgiLine):
    def __init__(self, world: _FarWorld) -> None:
        super().__init__(world.application, world.runner)
        self._watch = world.watch

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._watch.on("authority"):
            return super().handle_request(request)


class Counter:
    """One counter whose issuances are measured, over a journal of so many entries."""

    def __init__(
        self, folder: Path, authority: Path, entries: int, keys: Sequence[RSAPrivateKey], runner: asyncio.Runner
    ) -> None:
        folder.mkdir()
        store, twin = folder / "kiosk.db", folder / "raw.db"
        stocked(store, entries)
        shutil.copyfile(store, twin)
        self._watch = Stopwatch()
        self._world = _FarWorld(folder, Path(shutil.copytree(authority, folder / "ca")), runner=runner)
        self._world.watch = self._watch
        self._database = RecordingDatabase(open_database(self._world.database_url))
        self._station = self._timed_station()
        self._raw = sqlite3.connect(twin, isolation_level=None)
        for pragma in SQLITE_PRAGMAS:
            self._raw.execute(f"PRAGMA {pragma}")
        residents = load_register(SHIPPED / "demo" / "residents.toml").residents()
        self._holders = iter(list(zip(residents, keys, strict=False)))
        self.issue()  # the first loads what the others find loaded

    def issue(self) -> Measured:
        """Issues to the next resident, and then writes what that wrote once more."""
        holder, key = next(self._holders)
        resident = holder.code
        card = MemoryStore(new_card(f"JUKI{resident:0>12}"))
        self._world.hand.cards[resident] = VirtualCard(card, make_key=lambda: key)
        persons = self._world.persons(resident, resident)
        watched = Persons(*(self._watch.around("persons", one) for one in (persons.resident, persons.clerk)))
        self._database.transactions.clear()
        self._watch.spent_s.clear()
        begun = time.perf_counter()
        self._world.issue(resident, resident, station=self._station, persons=watched)
        wall_s = time.perf_counter() - begun
        besides_s = dict(self._watch.spent_s)
        return Measured(
            commits=len(self._database.transactions),
            wall_ms=wall_s * 1000,
            software_ms=(wall_s - sum(besides_s.values())) * 1000,
            raw_ms=self._write_raw() * 1000,
            besides_ms={name: spent_s * 1000 for name, spent_s in besides_s.items()},
        )

    def _timed_station(self) -> Station:
        database: Any = self._database
        plain = self._world.station(database)
        printer = self._watch.around("printer", plain.printer)
        return self._world.station(
            database,
            reader=self._watch.around_reader("card", plain.reader),
            printer=printer,
            cash=self._watch.around("printer", plain.cash),
        )

    def _write_raw(self) -> float:
        begun = time.perf_counter()
        for statements in self._database.transactions:
            self._raw.execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                self._raw.execute(statement, values)
            self._raw.execute("COMMIT")
        return time.perf_counter() - begun


def measure(folder: Path, sizes: Sequence[int], pairs: int) -> dict[int, list[Measured]]:
    """Issuances on journals of these sizes, in turns."""
    authority = make_authority(folder / "ca")
    keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(pairs + 1)]
    measured: dict[int, list[Measured]] = {size: [] for size in sizes}
    with asyncio.Runner() as runner:
        counters = {size: Counter(folder / str(size), authority, size, keys, runner) for size in sizes}
        os.sync()  # or the disk would still be busy with what was prepared
        for _ in range(pairs):
            for size, counter in counters.items():
                measured[size].append(counter.issue())
    return measured


@dataclass(frozen=True)
class Verdict:
    """Medians of issuances on one journal, in milliseconds, against what is allowed."""

    commits: int
    software_ms: float
    raw_ms: float

    @property
    def limit_ms(self) -> float:
        """What the software may take."""
        return MOST_OF_RAW * self.raw_ms + MOST_BESIDES_MS

    @property
    def is_met(self) -> bool:
        """Whether it takes no more, in no more commits."""
        return self.software_ms <= self.limit_ms and self.commits <= MOST_COMMITS


def judge(measured: Sequence[Measured]) -> Verdict:
    """The medians, and the largest number of commits."""
    return Verdict(
        max(one.commits for one in measured),
        statistics.median(one.software_ms for one in measured),
        statistics.median(one.raw_ms for one in measured),
    )


def main(words: Sequence[str]) -> int:
    """Measures, prints, and answers 1 when a limit is not met."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench issuance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pairs", type=int, default=15, help=f"at least {FEWEST_PAIRS}")
    parser.add_argument("--small", type=int, default=1_000, help="entries of the small journal")
    parser.add_argument("--large", type=int, default=1_000_000, help="entries of the large one")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the one to run on")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="on the disk to measure")
    parser.add_argument("--out", type=Path, help="keeps every single measurement, as JSON")
    args = parser.parse_args(words)
    if args.pairs < FEWEST_PAIRS or args.small == args.large:
        parser.error(f"--pairs is at least {FEWEST_PAIRS}, and the journals differ in size")
    os.sched_setaffinity(0, {args.core})
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="kiosk-bench-") as folder:
        measured = measure(Path(folder), (args.small, args.large), args.pairs)
    if args.out:
        kept = {str(size): [asdict(one) for one in many] for size, many in measured.items()}
        args.out.write_text(json.dumps(kept, indent=1))
    return report(measured, args.core)


def report(measured: dict[int, list[Measured]], core: int) -> int:
    """Prints what was found; 1 when a limit is not met."""
    (small, large), verdicts = measured, {size: judge(many) for size, many in measured.items()}
    print(f"SQLite {sqlite3.sqlite_version}, core {core}, {len(measured[small])} pairs on each journal, medians")
    for size, verdict in verdicts.items():
        print(
            f"journal of {size} entries: {verdict.commits} commits (at most {MOST_COMMITS}), software"
            f" {verdict.software_ms:.1f} ms, the same commits raw {verdict.raw_ms:.1f} ms, limit {MOST_OF_RAW} x raw"
            f" + {MOST_BESIDES_MS:.0f} ms = {verdict.limit_ms:.1f} ms: {_word(verdict.is_met)}"
        )
        besides = {
            name: statistics.median(one.besides_ms[name] for one in measured[size])
            for name in measured[size][0].besides_ms
        }
        print("  besides, in ms: " + ", ".join(f"{name} {spent_ms:.1f}" for name, spent_ms in besides.items()))
        with_authority_ms = verdict.software_ms + besides["authority"]
        word = _word(with_authority_ms <= verdict.limit_ms)
        print(f"  were the authority's handling this machine's too: {with_authority_ms:.1f} ms: {word}, and not judged")
    growth = statistics.median(
        many.software_ms / few.software_ms for few, many in zip(measured[small], measured[large], strict=True)
    )
    is_flat = growth <= MOST_GROWTH
    print(f"growth from {small} to {large} entries: {growth:.3f} (at most {MOST_GROWTH}): {_word(is_flat)}")
    return 0 if is_flat and all(verdict.is_met for verdict in verdicts.values()) else 1


def _word(is_met: bool) -> str:
    return "PASS" if is_met else "FAIL"
