"""Draws the lower half of `kiosk/model/substitutes.txt` from Unihan: `python -m tests.model.substitute_table`.

For an ideograph that certificates cannot carry it takes, of the variants that Unihan names and they can carry, the
nearest kind; of several those with the same radical, then with the nearest number of strokes, then JIS X 0208 before
JIS X 0212, then the lower code point. Debian's `unicode-data` has Unihan. What stands above the mark is kept by hand,
and goes before.
"""

import bz2
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from kiosk.model.characters import is_certifiable

TABLE = Path(__file__).resolve().parents[2] / "kiosk/model/substitutes.txt"
MARK = "# From Unihan 15.0.0:"
_UNICODE = Path("/usr/share/unicode")
_KINDS = ("kZVariant", "kSemanticVariant", "kSpecializedSemanticVariant", "kTraditionalVariant")
_A_LINE = 30


def _fields(name: str) -> Iterator[tuple[str, str, str]]:
    with bz2.open(_UNICODE / f"Unihan_{name}.txt.bz2", "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("U+"):
                code, field, value = line.rstrip("\n").split("\t")
                yield chr(int(code[2:], 16)), field, value


def drawn() -> list[str]:
    """The lines below the mark."""
    variants: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for character, field, value in _fields("Variants"):
        for word in value.split():
            other = chr(int(word.partition("<")[0][2:], 16))
            variants[character][field].add(other)
            if field not in ("kTraditionalVariant", "kSimplifiedVariant"):
                variants[other][field].add(character)
    strokes, radical = {}, {}
    for character, field, value in _fields("IRGSources"):
        if field == "kTotalStrokes":
            strokes[character] = int(value.split()[0])
        elif field == "kRSUnicode":
            radical[character] = value.split()[0].partition(".")[0].rstrip("'")

    def distance(original: str, other: str) -> tuple[bool, int, bool, str]:
        is_level_1_or_2 = len(other.encode("euc_jp")) == 2
        apart = abs(strokes.get(original, 0) - strokes.get(other, 0))
        return radical.get(original) != radical.get(other), apart, not is_level_1_or_2, other

    pairs = []
    for original in sorted(variants):
        if is_certifiable(original) or unicodedata.decomposition(original):
            continue
        for kind in _KINDS:
            if carried := [other for other in variants[original][kind] if is_certifiable(other)]:
                pairs.append(original + min(carried, key=lambda other: distance(original, other)))
                break
    return [" ".join(pairs[at : at + _A_LINE]) for at in range(0, len(pairs), _A_LINE)]


def main() -> None:
    kept = TABLE.read_text("utf-8").partition(MARK)[0]
    TABLE.write_text("\n".join([kept + MARK, *drawn()]) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
