"""Which readers passed the compatibility check (適合性検証), by `config/readers.toml`, and what that means here."""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from hw.strict_toml import ConfigInvalid, convert, read_tables


class Standing(StrEnum):
    """What is known of a reader."""

    PASSED = "passed"
    FAILED = "failed"
    UNLISTED = "unlisted"


@dataclass(frozen=True)
class ListedReader:
    """One entry: `name` as PC/SC shows it (with * and ?), who made it, where it was tested, and the result."""

    name: str
    maker: str
    model: str
    system: str
    result: Literal["passed", "failed"]
    report: int = 0
    note: str = ""


@dataclass(frozen=True)
class ReaderList:
    """The list; the first entry that fits a name holds."""

    reader: tuple[ListedReader, ...] = ()

    def entry_of(self, name: str) -> ListedReader | None:
        """The entry for a reader, None when it was never tested."""
        return next((entry for entry in self.reader if fnmatchcase(name, entry.name)), None)

    def standing_of(self, name: str) -> Standing:
        """What is known of a reader."""
        entry = self.entry_of(name)
        return Standing.UNLISTED if entry is None else Standing(entry.result)


def read_reader_list(path: Path) -> ReaderList:
    """Reads the list; an absent file lists none. Raises `ConfigInvalid`."""
    if not path.exists():
        return ReaderList()
    return convert(read_tables(path), ReaderList, str(path))


Policy = Literal["refuse", "warn", "allow"]
"""What becomes of a reader that did not pass: not used, used with a warning, used."""


def objection_to(name: str, readers: ReaderList, policy: Policy) -> str:
    """What is to be said against using a reader, empty when nothing is. Raises `ConfigInvalid` when it is refused."""
    standing = readers.standing_of(name)
    if standing is Standing.PASSED or policy == "allow":
        return ""
    said = f"{name} has {'failed' if standing is Standing.FAILED else 'not passed'} the compatibility check"
    if policy == "refuse" or standing is Standing.FAILED:
        raise ConfigInvalid("hardware", "card.link", said)
    return said
