"""The fonts of papers on A4: which one has a character, so that none is ever replaced by an empty box."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hw.errors import TextDoesNotFit

if TYPE_CHECKING:
    from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD, FALLBACK = "BIZUDGothic", "BIZUDGothic-Bold", "IPAexGothic"
FILES = {
    REGULAR: Path("/usr/share/fonts/truetype/bizud-gothic/BIZUDGothic-Regular.ttf"),
    BOLD: Path("/usr/share/fonts/truetype/bizud-gothic/BIZUDGothic-Bold.ttf"),
    FALLBACK: Path("/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf"),
}
"""Debian's fonts-morisawa-bizud-gothic and fonts-ipaexfont-gothic."""


@functools.cache
def font(name: str) -> "TTFont":
    """The font, read from its file. Raises `TextDoesNotFit` when it is not installed."""
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    try:
        return TTFont(name, str(FILES[name]))
    except TTFError as error:
        raise TextDoesNotFit(f"the font {name} is not installed: {error}") from error


def runs(text: str, *, bold: bool) -> Iterator[tuple[str, str]]:
    """The text in pieces of one font each: (its name, piece). Raises `TextDoesNotFit` for a character of none."""
    names = (BOLD if bold else REGULAR, FALLBACK)
    run, current = "", names[0]
    for character in text:
        name = next((name for name in names if ord(character) in font(name).face.charToGlyph), None)
        if name is None:
            raise TextDoesNotFit(f"no font has U+{ord(character):04X}")
        if run and name != current:
            yield current, run
            run = ""
        current = name
        run += character
    if run:
        yield current, run
