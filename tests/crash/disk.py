"""A disk whose power fails: what may be found on it afterwards, by what had been written and what had been synced.

What was synced is there. Of everything else, any part may be there and any part not: whole writes, single sectors of
512 bytes, changes of a file's size, new and removed names. Space that a file gained without its contents holds zeros,
or garbage. A sector is written or not; SQLite calls a disk that keeps this promise powersafe.
"""

import itertools
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.crash.recording import Acknowledged, Created, Operation, Synced, Truncated, Unlinked, Written

SECTOR = 512


@dataclass
class File:
    """A file's contents as far as they are durable, and what has been done to it since."""

    durable: bytes = b""
    pending: list[Written | Truncated] = field(default_factory=list)

    def contents(self, luck: "Luck") -> bytes:
        """The contents after the power came back."""
        found = bytearray(self.durable)
        for operation in self.pending:
            match operation:
                case Truncated(size=size):
                    if luck.keeps():
                        _resize(found, size, luck)
                case Written(offset=offset, data=data):
                    for start, end in luck.kept_parts(offset, offset + len(data)):
                        _resize(found, max(len(found), end), luck)
                        found[start:end] = data[start - offset : end - offset]
        return bytes(found)

    def sync(self) -> None:
        """Makes everything durable."""
        self.durable, self.pending = self.contents(EVERYTHING), []


@dataclass
class Disk:
    """The files of one folder."""

    durable: dict[str, File] = field(default_factory=dict)
    present: dict[str, File] = field(default_factory=dict)
    pending: list[tuple[str, File | None]] = field(default_factory=list)
    acknowledged: int = 0

    def apply(self, operation: Operation) -> None:
        """One more operation."""
        match operation:
            case Created(name):
                self._name(name, File())
            case Unlinked(name):
                self._name(name, None)
            case Written(name) | Truncated(name):
                self.present[name].pending.append(operation)
            case Synced(""):
                self.durable, self.pending = dict(self.present), []
            case Synced(name):
                self.present[name].sync()
            case Acknowledged():
                self.acknowledged += 1

    def image(self, luck: "Luck") -> dict[str, bytes]:
        """What is found in the folder when the power fails now."""
        names = dict(self.durable)
        for name, file in self.pending:
            if luck.keeps():
                names.pop(name, None)
                if file is not None:
                    names[name] = file
        return {name: file.contents(luck) for name, file in names.items()}

    @property
    def is_settled(self) -> bool:
        """Whether there is only one thing that can be found."""
        return not self.pending and not any(file.pending for file in self.present.values())

    def _name(self, name: str, file: File | None) -> None:
        self.pending.append((name, file))
        if file is None:
            del self.present[name]
        else:
            self.present[name] = file


class Luck:
    """Decides what of the unsynced is found: everything here."""

    def keeps(self) -> bool:
        """Whether one change of a name or a size is found."""
        return True

    def kept_parts(self, start: int, end: int) -> Iterable[tuple[int, int]]:
        """The parts of a write from `start` to `end` that are found."""
        return [(start, end)]

    def filling(self, length: int) -> bytes:
        """What stands where a file grew and nothing was written."""
        return bytes(length)


class NoLuck(Luck):
    """Nothing of the unsynced is found."""

    def keeps(self) -> bool:
        return False

    def kept_parts(self, start: int, end: int) -> Iterable[tuple[int, int]]:
        return []


class RandomLuck(Luck):
    """Any part is found or not, from a seed; how much, in what pieces and how clean differs from seed to seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._chance = self._random.choice((0.05, 0.2, 0.5, 0.8, 0.95))
        self._is_torn = self._random.random() < 0.75
        self._is_clean = self._random.random() < 0.5

    def keeps(self) -> bool:
        return self._random.random() < self._chance

    def kept_parts(self, start: int, end: int) -> Iterable[tuple[int, int]]:
        if not self._is_torn:
            return [(start, end)] if self.keeps() else []
        edges = [start, *range(start - start % SECTOR + SECTOR, end, SECTOR), end]
        return [part for part in itertools.pairwise(edges) if self.keeps()]

    def filling(self, length: int) -> bytes:
        return bytes(length) if self._is_clean else self._random.randbytes(length)


EVERYTHING = Luck()
NOTHING = NoLuck()


def _resize(found: bytearray, size: int, luck: Luck) -> None:
    if size < len(found):
        del found[size:]
    else:
        found += luck.filling(size - len(found))


def replay(
    operations: Iterable[Operation], found: Mapping[str, bytes] | None = None, acknowledged: int = 0
) -> Iterable[Disk]:
    """The disk before the first operation, when these files were found on it, and after each; always one object."""
    files = {name: File(contents) for name, contents in (found or {}).items()}
    disk = Disk(dict(files), dict(files), acknowledged=acknowledged)
    yield disk
    for operation in operations:
        disk.apply(operation)
        yield disk
