"""Power cuts under SQLite: every image of the disk that a cut can leave is opened as the product opens its store.

    python -m tests.crash.power_cut [--images N] [--issuances N] [--seed N] [--mode MODE]

Real issuances run in a process of their own whose system calls are recorded, so it is the product's own SQLite
library on real files. After each of its operations the disk is rebuilt: with all of the unsynced, with nothing of it,
and with random parts of it. Each image must open, be sound, hold a chain that verifies, hold the state that belongs to
its last entry, and hold every entry that had been acknowledged. The modes other than `product` are there to fail.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from kiosk.journal.chain import read_entries
from kiosk.journal.connection import SQLITE_PRAGMAS, DriverFailed
from kiosk.journal.database import Database, open_database
from kiosk.journal.entry import ChainBroken, Entry
from kiosk.journal.errors import StoreLost, StoreUnusable
from kiosk.journal.verify import verify_chain
from tests.counter_bench import make_authority
from tests.crash.disk import EVERYTHING, NOTHING, Disk, Luck, RandomLuck, replay
from tests.crash.recording import Operation, RecordingFailed, record
from tests.memory_folder import memory_folder

MOST_TURNS = 10_000
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
"""How a rollback journal begins once it counts (https://sqlite.org/fileformat.html#the_rollback_journal)."""

MODES = {
    "product": SQLITE_PRAGMAS,
    "off": ("journal_mode=TRUNCATE", "synchronous=OFF"),
    "delete-full": ("journal_mode=DELETE", "synchronous=FULL"),
    "wal-normal": ("journal_mode=WAL", "synchronous=NORMAL"),
}
"""How the recorded process sets its connections."""


class Verdict(StrEnum):
    """What an image is worth."""

    SOUND = "sound"
    LOST = "lost"
    """An acknowledged entry is missing."""
    CORRUPT = "corrupt"
    """It does not open, is not whole, or state and journal disagree."""


@dataclass(frozen=True)
class Recording:
    """What one process did, and the state that belongs to every length of its journal."""

    operations: tuple[Operation, ...]
    entries: tuple[Entry, ...]
    states: dict[int, bytes]
    library: str
    found: dict[str, bytes]
    """The files before it."""
    known: int
    """How many entries they hold; they have been read, so they have to stay."""


@dataclass
class Findings:
    """Counts of verdicts, and the first images that are not sound, by boundary and luck."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def images(self) -> int:
        """How many images were opened."""
        return self.verdicts.total()

    def note(self, where: str, verdict: Verdict, reason: str) -> None:
        """One more image."""
        self.verdicts[verdict] += 1
        if verdict is not Verdict.SOUND and len(self.examples) < 5:
            self.examples.append(f"{verdict} at {where}: {reason}")

    def add(self, other: "Findings") -> None:
        """Takes in what another process found."""
        self.verdicts += other.verdicts
        self.examples += other.examples


def record_issuances(folder: Path, mode: str, count: int = 1) -> Recording:
    """Records `count` issuances in an empty folder. Raises `RecordingFailed`."""
    make_authority(folder / "ca")
    return _record([_program("recorded_issuance"), str(folder), str(count), *MODES[mode]], folder, {})


def record_reopening(folder: Path, found: Mapping[str, bytes]) -> Recording:
    """Records how the store that a power cut left is opened and written, in an empty folder."""
    (folder / "store").mkdir()
    lay(found, folder / "store")
    return _record([_program("recorded_reopening"), str(folder)], folder, found)


def _program(name: str) -> str:
    return str(Path(__file__).with_name(f"{name}.py"))


def _record(program: Sequence[str], folder: Path, found: Mapping[str, bytes]) -> Recording:
    operations, said = record(program, folder / "store", folder / "acknowledged", folder / "trace")
    *_, disk = replay(operations, found)
    left = {path.name: path.read_bytes() for path in (folder / "store").iterdir()}
    if without_shared_memory(disk.image(EVERYTHING)) != without_shared_memory(left):
        raise RecordingFailed("the recorded operations do not make the files that the process left")
    with workplace() as place:
        return _understand(operations, said.strip(), found, place)


def _understand(operations: Sequence[Operation], library: str, found: Mapping[str, bytes], place: Path) -> Recording:
    def read(image: Mapping[str, bytes]) -> tuple[list[Entry], bytes]:
        lay(image, place)
        with opened(place) as database:
            return look(database)

    entries, state = read(found)
    known, states = len(entries), {len(entries): state}
    for disk in replay(operations, found, known):
        if disk.acknowledged not in states:
            entries, states[disk.acknowledged] = read(disk.image(EVERYTHING))
            assert len(entries) == disk.acknowledged, "each commit is one entry"
    return Recording(tuple(operations), tuple(entries), states, library, dict(found), known)


def hot_images(recording: Recording, number: int, seed: int) -> Iterator[dict[str, bytes]]:
    """Images that a power cut in the middle of a commit left, which is taken back when the store is opened."""
    chance = random.Random(f"hot/{seed}")
    while number:
        boundary = chance.randrange(len(recording.operations))
        *_, disk = replay(recording.operations[:boundary])
        image = disk.image(RandomLuck(f"{seed}/{boundary}/{number}"))
        if image.get("kiosk.db-journal", b"").startswith(JOURNAL_MAGIC):
            number -= 1
            yield image


def look(database: Database) -> tuple[list[Entry], bytes]:
    """The entries of a store, its chain verified, and a digest of everything else in it. Raises what is wrong."""
    with database.read() as transaction:
        found = [value for (value,) in transaction.run("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise ChainBroken("", 0, str(found))
        digest = hashlib.sha256()
        for table in ("schema_version", "cases", "effects", "receipts", "heads"):
            digest.update(repr(sorted(map(repr, transaction.run(f"SELECT * FROM {table}")))).encode())
    entries = list(read_entries(database))
    verify_chain(entries)
    return entries, digest.digest()


def judge(recording: Recording, disk: Disk, image: dict[str, bytes], folder: Path) -> tuple[Verdict, str]:
    """Opens one image in `folder` as the product does; the verdict and its reason."""
    lay(image, folder)
    try:
        with opened(folder) as database:
            entries, state = look(database)
    except (StoreLost, StoreUnusable, ChainBroken, DriverFailed) as error:
        return Verdict.CORRUPT, str(error)
    if tuple(entries) != recording.entries[: len(entries)]:
        return Verdict.CORRUPT, "entries that were never written"
    if state != recording.states[len(entries)]:
        return Verdict.CORRUPT, f"the state does not belong to {len(entries)} entries"
    if len(entries) < disk.acknowledged:
        return Verdict.LOST, f"{len(entries)} entries of {disk.acknowledged} acknowledged"
    return Verdict.SOUND, ""


@contextmanager
def opened(folder: Path) -> Iterator[Database]:
    """The store in a folder, opened in the product's own way."""
    database = open_database(f"sqlite:///{folder / 'kiosk.db'}")
    try:
        yield database
    finally:
        database.close()


def lay(image: Mapping[str, bytes], folder: Path) -> None:
    """Makes the folder hold these files and no others."""
    for path in folder.iterdir():
        path.unlink()
    for name, contents in without_shared_memory(image).items():
        (folder / name).write_bytes(contents)


def without_shared_memory(image: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that outlive a power cut."""
    return {name: contents for name, contents in image.items() if not name.endswith("-shm")}


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder in memory where images are laid."""
    folder = Path(tempfile.mkdtemp(prefix="kiosk-power-cut-", dir=memory_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def luck_of(turn: int, seed: str) -> Luck:
    """First everything, then nothing, then any part."""
    match turn:
        case 0:
            return EVERYTHING
        case 1:
            return NOTHING
        case _:
            return RandomLuck(f"{seed}/{turn}")


def explore(recording: Recording, images: int, seed: int, part: int = 0, parts: int = 1) -> Findings:
    """Opens `images` different images, or as many as are found in reasonable time, at every `parts`-th boundary."""
    findings = Findings()
    seen: set[bytes] = set()
    with workplace() as folder:
        for turn in range(MOST_TURNS):
            before = findings.images
            for boundary, disk in enumerate(replay(recording.operations, recording.found, recording.known)):
                if boundary % parts != part or findings.images >= images or (turn and disk.is_settled):
                    continue
                luck = luck_of(turn, f"{seed}/{boundary}")
                image = disk.image(luck)
                digest = digest_of(boundary, image)
                if digest not in seen:
                    seen.add(digest)
                    findings.note(f"boundary {boundary}, turn {turn}", *judge(recording, disk, image, folder))
            if findings.images >= images or (turn > 1 and findings.images == before):
                break
    return findings


def digest_of(boundary: int, image: dict[str, bytes]) -> bytes:
    """Tells one image at one boundary from every other."""
    digest = hashlib.sha256(f"{boundary}".encode())
    for name, contents in sorted(image.items()):
        digest.update(f"/{name}/{len(contents)}/".encode() + contents)
    return digest.digest()


def explore_on_all_cores(recording: Recording, images: int, seed: int) -> Findings:
    """`explore` in as many processes as there are cores."""
    parts = os.cpu_count() or 1
    one = partial(explore, recording, images // parts + 1, seed, parts=parts)
    findings = Findings()
    with multiprocessing.get_context("fork").Pool(parts) as pool:
        for found in pool.imap_unordered(one, range(parts)):
            findings.add(found)
    return findings


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one mode and prints what was found; 0 when so many images were opened and all are sound."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.power_cut", description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=100_000, help="how many different images to open")
    parser.add_argument("--issuances", type=int, default=3, help="how many issuances are recorded")
    parser.add_argument("--reopenings", type=int, default=20, help="how many recoveries are recorded and cut in turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=MODES, default="product", help="how the recorded process sets its store")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="kiosk-power-cut-") as folder:
        recording = record_issuances(Path(folder), args.mode, args.issuances)
    begun = time.monotonic()
    findings = explore_on_all_cores(recording, args.images, args.seed)
    first = findings.images
    for image in hot_images(recording, args.reopenings, args.seed) if args.mode == "product" else ():
        with tempfile.TemporaryDirectory(prefix="kiosk-power-cut-") as folder:
            reopening = record_reopening(Path(folder), image)
        findings.add(explore_on_all_cores(reopening, args.images // 100, args.seed))
    print(f"mode        {args.mode}: {', '.join(MODES[args.mode])}")
    print(f"library     SQLite {sqlite3.sqlite_version}, {recording.library}")
    print(f"commits     {len(recording.entries)} in {args.issuances} issuances")
    print(f"boundaries  {len(recording.operations) + 1}")
    print(f"images      {first} of issuances, {findings.images - first} of {args.reopenings} recoveries from them")
    print(f"            seed {args.seed}, {time.monotonic() - begun:.0f} s")
    for verdict in Verdict:
        print(f"{verdict:11} {findings.verdicts[verdict]}")
    for example in findings.examples[:5]:
        print(f"  {example}")
    if first < args.images:
        print(f"only {first} different images came of {args.issuances} issuances; --issuances makes more")
    return int(findings.verdicts[Verdict.SOUND] != findings.images or first < args.images)


if __name__ == "__main__":
    sys.exit(main())
