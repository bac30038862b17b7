"""Draws a sheet the way it would lie on the counter: black dots on a white strip, cut off below."""

import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw.sim.printer.sheet import ROM_HEIGHT, Feed, Glyph, ImageRow, PageRow, Sheet, TextRow

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

FONTS = (
    Path("/usr/share/fonts/truetype/bizud-gothic/BIZUDGothic-Regular.ttf"),
    Path("/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf"),
)
"""The simulated ROM: Debian's fonts-morisawa-bizud-gothic, else fonts-ipaexfont-gothic, else hollow boxes."""

_BASELINE = 21
_MARGIN = 28
_TOP, _BOTTOM = 24, 24
_PAPER, _EDGE, _BLACK = 255, 200, 24


def draw(sheet: Sheet, fonts: Sequence[Path] = FONTS) -> "Image":
    """The sheet as a grey picture, one pixel a dot, with the unprintable margins of the paper."""
    from PIL import Image, ImageDraw

    height = _TOP + sum(row.fed_dots for row in sheet.rows) + _BOTTOM
    picture = Image.new("L", (sheet.dots + 2 * _MARGIN, height), _PAPER)
    font = next((font for font in fonts if font.exists()), None)
    y = _TOP
    for row in sheet.rows:
        match row:
            case TextRow():
                for left, glyph in row.glyphs:
                    picture.paste(_BLACK, (_MARGIN + left, y + row.height - glyph.height), _mask(glyph, font))
            case ImageRow():
                mask = Image.frombytes("1", (row.width_bytes * 8, row.height), row.bits)
                mask = mask.crop((0, 0, min(mask.width, sheet.dots - row.left), row.height))
                picture.paste(_BLACK, (_MARGIN + row.left, y), mask)
            case PageRow():
                _draw_page(picture, row, y, font)
            case Feed():
                pass
        y += row.fed_dots
    ImageDraw.Draw(picture).rectangle((0, 0, picture.width - 1, picture.height - 1), outline=_EDGE)
    return picture


def draw_png(sheet: Sheet) -> bytes:
    """The picture as a PNG file."""
    content = io.BytesIO()
    draw(sheet).save(content, "png")
    return content.getvalue()


_TURN = {0: 0, 1: 90, 2: 180, 3: 270}
"""Degrees against the clock by which a line of each direction is turned."""


def _draw_page(picture: "Image", page: PageRow, y: int, font: Path | None) -> None:
    from PIL import Image

    for placed in page.placed:
        what = placed.what
        if isinstance(what, Glyph):
            mask = _mask(what, font)
        else:
            mask = Image.frombytes("1", (what.width_bytes * 8, what.height), what.bits)
        box = placed.box
        picture.paste(_BLACK, (_MARGIN + box.left, y + box.top), mask.rotate(_TURN[placed.direction], expand=True))


@functools.lru_cache(maxsize=4096)
def _mask(glyph: Glyph, font: Path | None) -> "Image":
    """The dots of one glyph: set as in the ROM, then magnified dot by dot as the printer does."""
    from PIL import Image, ImageDraw

    if glyph.bits:
        return Image.frombytes("1", (glyph.rom_width, ROM_HEIGHT), glyph.bits)
    mask = Image.new("1", (glyph.rom_width, ROM_HEIGHT))
    pen = ImageDraw.Draw(mask)
    pen.fontmode = "1"
    face = _face(font)
    if face is None:
        if not glyph.text.isspace():
            pen.rectangle((1, 2, glyph.rom_width - 2, ROM_HEIGHT - 3), outline=1)
    else:
        left = (glyph.rom_width - round(face.getlength(glyph.text))) // 2
        for shift in (0, 1) if glyph.is_bold else (0,):
            pen.text((left + shift, _BASELINE), glyph.text, fill=1, font=face, anchor="ls")
    if glyph.is_underlined:
        pen.line((0, ROM_HEIGHT - 1, glyph.rom_width, ROM_HEIGHT - 1), fill=1)
    if glyph.is_reversed:
        mask = mask.point(lambda dot: not dot, "1")
    return mask.resize((glyph.width, glyph.height), Image.Resampling.NEAREST)


@functools.lru_cache(maxsize=2)
def _face(font: Path | None) -> "FreeTypeFont | None":
    from PIL import ImageFont

    return None if font is None else ImageFont.truetype(font, ROM_HEIGHT, layout_engine=ImageFont.Layout.BASIC)
