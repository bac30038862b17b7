"""What a certificate can be used for, from `kiosk/locale/uses.toml`, and how a use is found by a few letters."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kiosk.ui.words import EASY_JAPANESE, LOCALE_FOLDER

USES_FILE = LOCALE_FOLDER / "uses.toml"


@dataclass(frozen=True)
class Use:
    """One procedure: its kind, its name in every language, and the letters by which people look for it."""

    kind: str
    ja: str
    easy: str
    en: str
    reading: str
    """In Latin letters, words apart; what can be typed without a Japanese keyboard."""

    def text(self, language: str) -> str:
        """Its name."""
        return {"ja": self.ja, EASY_JAPANESE: self.easy, "en": self.en}[language]


def load_uses(path: Path = USES_FILE) -> tuple[Use, ...]:
    """Reads the list. Raises `KeyError` or `TypeError` for a file that is not complete."""
    return tuple(Use(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["use"])


def find_uses(uses: Sequence[Use], asked: str) -> list[Use]:
    """The uses in whose kind, name or reading every word that is asked for occurs."""
    words = asked.casefold().split()
    return [use for use in uses if all(word in _haystack(use) for word in words)]


def _haystack(use: Use) -> str:
    return f"{use.kind} {use.ja} {use.easy} {use.en} {use.reading}".casefold()
