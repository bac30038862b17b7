"""Reads the failure book: for every code what happened, what to do and who acts, in the languages of the counter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hw.strict_toml import convert, read_tables

BOOK = Path(__file__).with_name("failures.toml")


@dataclass(frozen=True)
class FailureText:
    """What happened and what to do, in one language."""

    what: str
    remedy: str


@dataclass(frozen=True)
class FailureEntry:
    """One code of the book. `easy` says what happened in plain Japanese, for residents; what to do the staff read."""

    who: Literal["resident", "clerk", "technician"]
    ja: FailureText
    easy: str
    en: FailureText

    def text(self, language: str) -> FailureText:
        """The entry's words; English for a language that the book does not have. `ja@easy` is plain Japanese."""
        language, _, variant = language.partition("@")
        if variant:
            return FailureText(self.easy, self.ja.remedy)
        return self.ja if language == "ja" else self.en


def load_failure_book(path: Path = BOOK) -> dict[str, FailureEntry]:
    """The book by code. Raises `ConfigInvalid`."""
    return {code: convert(entry, FailureEntry, f"{path}: {code}") for code, entry in read_tables(path).items()}
