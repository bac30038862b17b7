"""How a reading can be written: the candidates of Japanese dictionaries, for names that are typed by their sound.

Reads dictionaries of SKK: lines `reading /writing;note/writing/`, EUC-JP. One of names (Debian's skkdic-extra) notes
which are family names (姓) and which given names (名); the general one (skkdic) is asked for a reading that is no name
there. Without them nothing is proposed and the clerk writes the characters.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path

from kiosk.ui.kana import katakana

NAMES = Path("/usr/share/skk/SKK-JISYO.jinmei")
WORDS = Path("/usr/share/skk/SKK-JISYO.L")

_NO_OKURI = b";; okuri-nasi entries."
_BETWEEN_NOTES = re.compile("[,、 &]+")


class NamePart(StrEnum):
    """The part of a name that is written."""

    FAMILY = "family"
    GIVEN = "given"


_NOTES = {NamePart.FAMILY: "姓", NamePart.GIVEN: "名"}


class Writings:
    """The dictionaries' writings of a reading, the first that knows it; a file is read at the first question."""

    def __init__(self, dictionaries: Sequence[Path] = (NAMES, WORDS)) -> None:
        self._dictionaries = dictionaries

    def of(self, reading: str, part: NamePart) -> tuple[str, ...]:
        """Every writing that could be this part of a name, in the dictionary's order, then the two kinds of kana."""
        found = next(filter(None, (_written(path, reading, part) for path in self._dictionaries)), [])
        return tuple(dict.fromkeys([*found, reading, katakana(reading)]))

    @property
    def is_there(self) -> bool:
        """Whether there is a dictionary."""
        return any(path.exists() for path in self._dictionaries)


def _written(path: Path, reading: str, part: NamePart) -> list[str]:
    line = _entries(path).get(reading.encode("euc_jp", "ignore"), b"")
    words = (word.partition(";")[::2] for word in line.decode("euc_jp", "ignore").strip("/").split("/"))
    return [word for word, note in words if _is_name(word) and _is_of(part, note)]


@cache
def _entries(path: Path) -> dict[bytes, bytes]:
    """Readings and writings as they stand in the file; empty where there is none."""
    try:
        _, _, entries = path.read_bytes().partition(_NO_OKURI)
    except OSError:
        return {}
    pairs = (line.partition(b" ") for line in entries.splitlines() if not line.startswith(b";"))
    return {reading: writings for reading, _, writings in pairs}


def _is_name(word: str) -> bool:
    """Chinese characters and kana only: the dictionary also has marks, abbreviations and programs of its editor."""
    return bool(word) and all(
        "\u3400" <= c <= "\u9fff" or "ぁ" <= c <= "ヿ" or c == "々" or ord(c) >= 0x20000 for c in word
    )


def _is_of(part: NamePart, note: str) -> bool:
    """Whether a writing with this note can be this part: a note may name one part, both, or neither."""
    parts = {name for name, sign in _NOTES.items() if sign in _BETWEEN_NOTES.split(note)}
    return not parts or part in parts
