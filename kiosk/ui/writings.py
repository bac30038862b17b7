"""How a reading can be written: the candidates of a Japanese dictionary, for names that are typed by their sound.

Reads a dictionary of SKK (Debian's skkdic): lines `reading /writing;note/writing/`, EUC-JP. Without one, nothing is
proposed and the clerk writes the characters.
"""

from functools import cache
from pathlib import Path

from kiosk.ui.kana import katakana

DICTIONARY = Path("/usr/share/skk/SKK-JISYO.L")

_NO_OKURI = b";; okuri-nasi entries."


class Writings:
    """The dictionary's writings of a reading; the file is read at the first question."""

    def __init__(self, path: Path = DICTIONARY) -> None:
        self._path = path

    def of(self, reading: str) -> tuple[str, ...]:
        """Every writing that could be a name, in the dictionary's order, then the two kinds of kana."""
        line = _entries(self._path).get(reading.encode("euc_jp", "ignore"), b"")
        found = [word.partition(";")[0] for word in line.decode("euc_jp", "ignore").strip("/").split("/")]
        return tuple(dict.fromkeys([*(word for word in found if _is_name(word)), reading, katakana(reading)]))

    @property
    def is_there(self) -> bool:
        """Whether there is a dictionary."""
        return self._path.exists()


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
