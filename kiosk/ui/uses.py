"""What a certificate can be used for, from `kiosk/locale/uses.toml`, and how a use is found by a few letters."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kiosk.ui.words import LOCALE_FOLDER

USES_FILE = LOCALE_FOLDER / "uses.toml"


@dataclass(frozen=True)
class Use:
    """One procedure: its kind, its name in both languages, and the letters by which people look for it."""

    kind: str
    ja: str
    en: str
    reading: str
    """In Latin letters, words apart; what can be typed without a Japanese keyboard."""

    def text(self, is_japanese: bool) -> str:
        """Its name."""
        return self.ja if is_japanese else self.en


def load_uses(path: Path = USES_FILE) -> tuple[Use, ...]:
    """Reads the list. Raises `KeyError` or `TypeError` for a file that is not complete."""
    return tuple(Use(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["use"])


def find_uses(uses: Sequence[Use], asked: str) -> list[Use]:
    """The uses in whose kind, name or reading every word that is asked for occurs."""
    words = asked.casefold().split()
    return [use for use in uses if all(word in _haystack(use) for word in words)]


def _haystack(use: Use) -> str:
    return f"{use.kind} {use.ja} {use.en} {use.reading}".casefold()
