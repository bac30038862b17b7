"""Tampers with a journal of a thousand entries in every way, and counts what `kiosk journal verify` does not find.

    python -m tests.journal.tamper [--flips N] [--seed N] [--processes N]

Alters, drops, swaps, repeats and inserts at every entry, once plainly and once as a forger does who chains everything
anew and drops the heads that he cannot sign; cuts the tail at every entry; and flips random bits of the store's file.
The auditor has the text on the last receipt. Prints what was tried and what was missed; fails when anything was.
"""

import argparse
import contextlib
import io
import multiprocessing
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from kiosk.config import SHIPPED, Config, load_config
from kiosk.exit_code import ExitCode
from kiosk.journal.command import run_journal
from kiosk.journal.entry import ChainBroken, Entry
from kiosk.journal.head import SignedHead
from kiosk.journal.verify import verify_journal
from kiosk.journal.vouched import VOUCHED
from tests.journal.filled_journal import Filled, forged, in_memory
from tests.journal.full_store import full, lay_keys

CONTENT = tuple(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2" for table, columns in VOUCHED.items())
"""What the journal vouches for; a bit flipped elsewhere (free space, indices, copies) need not be found."""

PLACES_A_PORTION = 10
CUTS_A_PORTION = 50
FLIPS_A_PORTION = 100


def alterations(entries: Sequence[Entry], at: int) -> Iterator[tuple[str, list[Entry]]]:
    """Everything that can be done to one entry, by its index from 0; a cut leaves the entries before it."""
    before, entry, after = list(entries[:at]), entries[at], list(entries[at + 1 :])
    changes = {
        "first letter": replace(entry, body="[" + entry.body[1:]),
        "time": replace(entry, body=entry.body.replace("2026", "2027", 1)),
        "last letter": replace(entry, body=entry.body + " "),
        "place": replace(entry, seq=entry.seq + 1),
        "station": replace(entry, station=entry.station + "2"),
        "hash": replace(entry, hash=bytes(32)),
        "node": replace(entry, node=bytes(32)),
    }
    for name, changed in changes.items():
        yield f"change of {name}", [*before, changed, *after]
    yield "drop", [*before, *after]
    yield "cut", before
    yield "repetition", [*before, entry, entry, *after]
    foreign = replace(entry, body=entry.body.replace('"at":"2026', '"at":"2016'))
    yield "insertion", [*before, foreign, entry, *after]
    if after:
        yield "swap", [*before, after[0], entry, *after[1:]]
    exchanged, far = list(entries), _far_from(at, entries)
    exchanged[at], exchanged[far] = exchanged[far], exchanged[at]
    yield "swap with one far away", exchanged


def _far_from(at: int, entries: Sequence[Entry]) -> int:
    return (at + len(entries) // 2) % len(entries)


def forgeries(entries: Sequence[Entry], at: int) -> Iterator[tuple[str, list[Entry]]]:
    """The same by a forger: whatever can be recomputed without the key of the heads fits again."""
    for name, altered in alterations(entries, at):
        if name in ("change of time", "drop", "cut", "repetition", "insertion", "swap", "swap with one far away"):
            yield f"forged {name}", forged(altered)


def is_found(entries: Iterable[Entry], heads: Iterable[SignedHead], whole: Filled) -> bool:
    """Whether verification stops at it, given the last receipt."""
    try:
        verify_journal(entries, heads, [whole.receipt])
    except ChainBroken:
        return True
    return False


def tamper(whole: Filled, places: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Alters at these indices; what was tried, and what was missed."""
    tried: Counter[str] = Counter()
    missed = []
    for at in places:
        for altered_by in (alterations, forgeries):
            for name, altered in altered_by(whole.entries, at):
                # What came after the last receipt is for the next one to cover: until then it can be cut, or forged.
                is_fitting = altered_by is forgeries or altered == whole.entries[: len(altered)]
                if is_fitting and altered[: whole.covered] == whole.entries[: whole.covered]:
                    continue
                first = min(at, _far_from(at, whole.entries)) if "far" in name else at
                heads = [one for one in whole.heads if altered_by is alterations or one.head.size <= first]
                tried[name] += 1
                if not is_found(altered, heads, whole):
                    missed.append(f"{name} at entry {at + 1}")
    return tried, missed


class Desk:
    """An auditor's desk: a copy of the store, the command, and the text on the last receipt."""

    def __init__(self, whole: Filled, directory: Path) -> None:
        self._config: Config = load_config(SHIPPED / "kiosk.toml", [])
        self._data = directory
        self._original = whole.path
        self.text = whole.receipt.text
        self.store = directory / "kiosk.db"
        lay_keys(directory)

    def lay_out(self) -> Path:
        """A fresh copy of the store."""
        shutil.copyfile(self._original, self.store)
        return self.store

    def verify(self) -> tuple[ExitCode, str]:
        """Runs `kiosk journal verify --head TEXT`; its exit code and what it printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = run_journal(self._config, self._data, "verify", self.text)
        return code, printed.getvalue()


def write(path: Path, entries: Iterable[Entry], heads: Iterable[SignedHead]) -> None:
    """Puts other entries and heads into a store, past its own protection."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER journal_no_{verb}")
        connection.execute("DELETE FROM journal")
        connection.execute("DELETE FROM heads")
        connection.executemany(
            "INSERT OR REPLACE INTO journal (station, seq, body, hash, node) VALUES (?, ?, ?, ?, ?)",
            [(e.station, e.seq, e.body, e.hash, e.node) for e in entries],
        )
        connection.executemany(
            "INSERT INTO heads (station, size, at, root, signature) VALUES (?, ?, ?, ?, ?)",
            [(s.head.station, s.head.size, int(s.head.at.timestamp()), s.head.root, s.signature) for s in heads],
        )
        connection.execute("COMMIT")


def cut(whole: Filled, desk: Desk, places: Iterable[int]) -> list[str]:
    """Cuts journal and heads to so many entries, the state left as it was; what the command missed."""
    missed = []
    for at in places:
        write(desk.lay_out(), whole.entries[:at], [s for s in whole.heads if s.head.size <= at])
        if desk.verify()[0] is not ExitCode.REFUSED:
            missed.append(f"cut after entry {at}")
    return missed


def content(path: Path) -> list[list[tuple[object, ...]]] | None:
    """What the journal vouches for as the file has it, None when it cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return [connection.execute(statement).fetchall() for statement in CONTENT]
    except (sqlite3.Error, UnicodeDecodeError):  # the latter over an error's own text
        return None


def flip_bits(whole: Filled, desk: Desk, count: int, seed: int | str) -> tuple[Counter[str], list[str]]:
    """Flips one random bit of the store's file, so many times; how the command answered, and what it missed."""
    chance = random.Random(seed)
    original = whole.path.read_bytes()
    sound = content(whole.path)
    assert sound is not None, "what was not flipped can be read"
    answers: Counter[str] = Counter()
    missed = []
    for _ in range(count):
        bit = chance.randrange(len(original) * 8)
        flipped = bytearray(original)
        flipped[bit // 8] ^= 1 << bit % 8
        desk.store.write_bytes(flipped)
        is_unharmed = content(desk.store) == sound
        code, _ = desk.verify()
        if code is ExitCode.REFUSED:
            answers["found"] += 1
        elif code is ExitCode.CONFIG:
            answers["taken for the store of a newer program"] += 1
        elif code is ExitCode.OK and is_unharmed:
            answers["nothing that the journal vouches for was changed"] += 1
        else:
            missed.append(f"bit {bit}: {code.name}")
    return answers, missed


Outcome = tuple[Counter[str], list[str]]
"""What was tried, or how the command answered, so many times; and what was missed."""

Portion = Callable[[Filled, Desk], Outcome]


def portions(whole: Filled, flips: int, seed: int) -> Iterator[Portion]:
    """All the work in parts of a few seconds, the same whoever does them."""
    for places in _parts(len(whole.entries), PLACES_A_PORTION):
        yield partial(_tamper_at, places)
    for places in _parts(len(whole.entries), CUTS_A_PORTION):
        yield partial(_cut_at, places)
    for numbers in _parts(flips, FLIPS_A_PORTION):
        yield partial(_flip, len(numbers), f"{seed} {numbers.start}")


def _parts(count: int, size: int) -> Iterator[range]:
    return (range(begin, min(begin + size, count)) for begin in range(0, count, size))


def _tamper_at(places: range, whole: Filled, _: Desk) -> Outcome:
    return tamper(whole, places)


def _cut_at(places: range, whole: Filled, desk: Desk) -> Outcome:
    return Counter({"cut, through the command": len(places)}), cut(whole, desk, places)


def _flip(count: int, seed: str, whole: Filled, desk: Desk) -> Outcome:
    answers, missed = flip_bits(whole, desk, count, seed)
    told = Counter({f"bit flip through the command: {answer}": times for answer, times in answers.items()})
    return told, [f"seed {seed}: {what}" for what in missed]


def work(whole: Filled, portion: Portion) -> Outcome:
    """Does one part at a desk of its own."""
    with in_memory() as directory:
        return portion(whole, Desk(whole, directory))


def main() -> int:
    """Runs everything and prints the counts; how far it is goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--flips", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    begun = time.monotonic()
    tried: Counter[str] = Counter()
    missed: list[str] = []
    with in_memory() as directory, multiprocessing.Pool(args.processes) as workers:
        whole = full(directory / "kiosk.db", args.entries)
        print(f"journal: {len(whole.entries)} entries, {len(whole.heads)} heads, last receipt at entry {whole.covered}")
        parts = list(portions(whole, args.flips, args.seed))
        for number, (told, missed_there) in enumerate(workers.imap_unordered(partial(work, whole), parts), start=1):
            tried.update(told)
            missed += missed_there
            elapsed_s = time.monotonic() - begun
            print(f"{number} of {len(parts)} parts, {elapsed_s:.0f} s, missed {len(missed)}", file=sys.stderr)
    for what, times in sorted(tried.items()):
        print(f"{what}: {times}")
    print(f"bit flips: {args.flips}, seed {args.seed}; {args.processes} processes, {time.monotonic() - begun:.0f} s")
    print(f"missed: {len(missed)}", *sorted(missed)[:20], sep="\n  ")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
