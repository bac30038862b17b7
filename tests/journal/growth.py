"""Measures whether work with the journal grows with it: the same operations on a small and on a large one, in turns.

`python -m tests.journal.growth [--small N] [--large N] [--rounds N]`. Prints medians in milliseconds for both and
their ratio. The stores lie in memory, so that no disk hides what the program itself takes.
"""

import argparse
import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from kiosk.journal.database import open_database
from kiosk.journal.entry import FIRST_HASH, canonical, chain
from kiosk.journal.head import Head
from kiosk.journal.journal import Journal
from kiosk.journal.merkle import Edge
from kiosk.journal.seal import StationKey
from kiosk.model.step import Step
from kiosk.model.transition import Stage
from tests.journal.filled_journal import HEAD_KEY, START, STATION_KEY, in_memory
from tests.journal.walked_case import walk

ENTRIES_A_CASE = 25
EFFECTS_A_CASE = 12


def stocked(path: Path, entries: int) -> Journal:
    """A journal of so many entries in cases of equal length, written at once and not by the product."""
    database = open_database(f"sqlite:///{path}")
    wrapped = StationKey(STATION_KEY).new_case_key()
    edge, previous = Edge(), FIRST_HASH
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        for seq in range(1, entries + 1):
            number = seq // ENTRIES_A_CASE
            facts = {"event": "intended", "case": f"{number:032x}", "step": "x", "commitment": "0" * 64}
            if seq == 1:
                facts |= {"head_key": HEAD_KEY.public.hex()}
            body = canonical({"at": START.isoformat(), "seq": seq, "station": "demo", **facts})
            previous = chain(previous, body)
            edge = edge.append(previous)
            row = ("demo", seq, body, previous, None if seq & 1 else edge.peaks[-1])
            connection.execute("INSERT INTO journal (station, seq, body, hash, node) VALUES (?, ?, ?, ?, ?)", row)
            if seq % ENTRIES_A_CASE == 0:
                pseudonym = f"{number:032x}"
                connection.execute(
                    "INSERT INTO cases VALUES (?, 'demo', ?, 1, ?, ?, 'closed', NULL, ?, NULL, NULL)",
                    (pseudonym, f"old-{number}", f"{number:064x}", f"{number:064x}", wrapped),
                )
                connection.execute("INSERT INTO receipts VALUES (?, ?, NULL)", (number, pseudonym))
                connection.executemany(
                    "INSERT INTO effects VALUES (?, ?, 'done', ?, ?, NULL)",
                    [(pseudonym, f"step-{n}", bytes(100), bytes(100)) for n in range(EFFECTS_A_CASE)],
                )
        signed = HEAD_KEY.sign(Head("demo", entries, edge.root(), START))
        connection.execute(
            "INSERT INTO heads VALUES ('demo', ?, ?, ?, ?)",
            (entries, int(START.timestamp()), signed.head.root, signed.signature),
        )
        connection.execute("COMMIT")
    return Journal(database, "demo", StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)


def measure(journal: Journal) -> dict[str, float]:
    """How long each operation takes, in milliseconds, on a case of its own."""
    case, delivered, returned = (
        walk(journal, journal.open_case(f"new-{time.perf_counter_ns()}", b"application"), stage)
        for stage in (Stage.OPENED, Stage.DELIVERED, Stage.RETURNED)
    )
    operations: dict[str, Callable[[], object]] = {
        "look for the case": lambda: journal.latest_case(case.number),
        "look for certificates": lambda: journal.closed_cases_of(case.pseudonym),
        "intend": lambda: journal.intend(case, Step.APPLICATION, b"x" * 2000),
        "complete": lambda: journal.complete(case, Step.APPLICATION, b"x" * 2000),
        "complete and sign": lambda: journal.complete(delivered, Step.FEE, b"x", signs_head=True),
        "number a receipt": lambda: journal.number_receipt(returned),
        "prove to the authority": journal.head,
        "start": journal.start,
    }
    times = {}
    for name, work in operations.items():
        begun = time.perf_counter()
        work()
        times[name] = (time.perf_counter() - begun) * 1000
    return times


def compare(
    small: int, large: int, rounds: int, typical: Callable[[Sequence[float]], float] = statistics.median
) -> dict[str, tuple[float, float]]:
    """What each operation typically takes on journals of both sizes, measured in turns."""
    with in_memory() as directory:
        journals = [stocked(directory / f"{size}.db", size) for size in (small, large)]
        both: list[dict[str, list[float]]] = [{}, {}]
        for _ in range(rounds):
            for journal, times in zip(journals, both, strict=True):
                for name, elapsed_ms in measure(journal).items():
                    times.setdefault(name, []).append(elapsed_ms)
    return {name: (typical(both[0][name]), typical(both[1][name])) for name in both[0]}


def main() -> int:
    """Compares and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    args = parser.parse_args()
    medians = compare(args.small, args.large, args.rounds)
    medians["all of these"] = (sum(m[0] for m in medians.values()), sum(m[1] for m in medians.values()))
    for name, (small_ms, large_ms) in medians.items():
        line = {"operation": name, str(args.small): round(small_ms, 3), str(args.large): round(large_ms, 3)}
        print(json.dumps(line | {"ratio": round(large_ms / small_ms, 2)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
