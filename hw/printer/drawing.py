"""Draws one line of text as a bit image, for the characters that a printer's ROM lacks."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hw.errors import TextDoesNotFit
from hw.printer.charset import cells
from hw.printer.commands import REAL_TIME

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

FONTS = (
    Path("/usr/share/fonts/truetype/bizud-gothic/BIZUDGothic-Regular.ttf"),
    Path("/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf"),
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
)
"""Where Debian's fonts-morisawa-bizud-gothic, fonts-ipaexfont-gothic and fonts-noto-cjk put their fonts."""

CELL_DOTS = 12
"""Width of a half-width cell; a kanji is two cells wide and as high as it is wide."""

_NO_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Strip:
    """A bit image as GS v 0 takes it: 8 dots a byte, `width_bytes` bytes a row."""

    width_bytes: int
    rows: int
    bits: bytes


def drawn_cells(text: str) -> int:
    """Half-width cells that `text` takes when drawn."""
    return sum(cells(character) for character in text)


def draw(
    pieces: Sequence[tuple[int, str]], line_cells: int, line_dots: int, fonts: Sequence[Path], *, scale: int, bold: bool
) -> Strip:
    """A line `line_cells` half-width cells wide, each of `pieces` being a text and the cell that it starts in.

    Every character is drawn in the cells that the printer would give it, from the first of `fonts` that has it. Raises
    `TextDoesNotFit` for a character that none has: a name is never printed with a hole in it.
    """
    from PIL import Image  # imported here: most receipts need no drawing

    cell_dots, line_dots = CELL_DOTS * scale, line_dots * scale
    width_bytes = math.ceil(line_cells * cell_dots / 8)
    strip = Image.new("1", (width_bytes * 8, line_dots))
    faces = _faces(fonts, 2 * cell_dots)
    for start, text in pieces:
        left = start * cell_dots
        for character in text:
            width = cells(character) * cell_dots
            glyph = _glyph(character, faces, width, line_dots)
            for shift in range(scale + 1 if bold else 1):
                strip.paste(1, (left + shift, 0), glyph)
            left += width
    return Strip(width_bytes, line_dots, _without_real_time(strip.tobytes()))


def _faces(fonts: Sequence[Path], size: int) -> list["FreeTypeFont"]:
    from PIL import ImageFont

    return [ImageFont.truetype(font, size, layout_engine=ImageFont.Layout.BASIC) for font in fonts if font.exists()]


def _glyph(character: str, faces: Sequence["FreeTypeFont"], width: int, height: int) -> "Image":
    """The character alone, centred in its cells; squeezed where a proportional font is wider than them."""
    from PIL import Image, ImageDraw

    # Marks and variation selectors change the character before them, which drawing one by one would lose.
    is_joining = unicodedata.category(character).startswith("M")
    for face in faces:
        if is_joining or _is_missing(character, face):
            continue
        advance = math.ceil(face.getlength(character))
        glyph = Image.new("1", (max(width, advance), height))
        pen = ImageDraw.Draw(glyph)
        pen.fontmode = "1"
        baseline = face.size - face.size // 12
        pen.text((max(0, width - advance) // 2, baseline), character, fill=1, font=face, anchor="ls")
        return glyph.resize((width, height))
    raise TextDoesNotFit(f"no font has U+{ord(character):04X}")


def _is_missing(character: str, face: "FreeTypeFont") -> bool:
    mask, placeholder = face.getmask(character, mode="1"), face.getmask(_NO_CHARACTER, mode="1")
    return mask.size == placeholder.size and bytes(mask) == bytes(placeholder)


def _without_real_time(bits: bytes) -> bytes:
    """Adds one dot wherever the image would spell a real-time command.

    Printers execute those inside image data too; DLE DC4 could clear the buffer and DLE ENQ print a second copy.
    """
    for command in REAL_TIME:
        bits = bits.replace(command, bytes((command[0] | 0x08, command[1])))
    return bits
