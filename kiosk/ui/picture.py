"""Draws the cells on the glass as a PNG, every glyph in its own cell and every full-width glyph in exactly two.

Rich's SVG export spaces full-width text wrongly, so the pictures of the README and of the tests are made here.
Needs the Debian packages fonts-dejavu-core and one Japanese gothic.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import App

from kiosk.ui.cell_shapes import draw_shape

CELL_WIDTH, CELL_HEIGHT = 10, 21
"""Pixels of one cell: DejaVu Sans Mono at 16 pixels is 9.6 wide."""

_LATIN_SIZE, _JAPANESE_SIZE = 16, 18
_FONTS = Path("/usr/share/fonts")
_LATIN = {
    False: (_FONTS / "truetype/dejavu/DejaVuSansMono.ttf",),
    True: (_FONTS / "truetype/dejavu/DejaVuSansMono-Bold.ttf",),
}
_JAPANESE = {
    False: (
        _FONTS / "truetype/bizud-gothic/BIZUDGothic-Regular.ttf",
        _FONTS / "opentype/ipaexfont-gothic/ipaexg.ttf",
    ),
    True: (
        _FONTS / "truetype/bizud-gothic/BIZUDGothic-Bold.ttf",
        _FONTS / "opentype/ipaexfont-gothic/ipaexg.ttf",
    ),
}
_CHINESE_AND_KOREAN = _FONTS / "truetype/wqy/wqy-microhei.ttc"
"""What the short notices for those who read no Japanese need; where it is missing they are drawn as boxes."""

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)

Rgb = tuple[int, int, int]


class FontMissing(RuntimeError):
    """None of the fonts in the message is installed."""


def picture(app: App[Any], path: Path) -> None:
    """Writes what `app` shows now to a PNG."""
    # The compositor is private to Textual, and the only one who knows every cell.
    draw_rows(app.screen._compositor.render_strips(), app.size.width).save(path)


def draw_rows(rows: Sequence[Iterable[Segment]], width: int) -> Image.Image:
    """The picture of rows of cells, `width` cells wide."""
    image = Image.new("RGB", (width * CELL_WIDTH, len(rows) * CELL_HEIGHT), _WHITE)
    draw = ImageDraw.Draw(image)
    for row, segments in enumerate(rows):
        _draw_row(draw, row, segments)
    return image


def _draw_row(draw: ImageDraw.ImageDraw, row: int, segments: Iterable[Segment]) -> None:
    column = 0
    for text, style, _ in segments:
        foreground, background, is_bold = _look(style or Style())
        for character in text:
            width = cell_len(character)
            if width:
                box = (column * CELL_WIDTH, row * CELL_HEIGHT)
                size = (width * CELL_WIDTH, CELL_HEIGHT)
                draw.rectangle((box[0], box[1], box[0] + size[0] - 1, box[1] + size[1] - 1), fill=background)
                if not draw_shape(draw, character, box, size, foreground):
                    _draw_glyph(draw, character, box, width, foreground, is_bold)
            column += width


def _draw_glyph(
    draw: ImageDraw.ImageDraw, character: str, at: tuple[int, int], width: int, colour: Rgb, is_bold: bool
) -> None:
    if character.isspace():
        return
    font = _font(width == 2, is_bold) if _is_of_the_counter(character) else _other_font(is_bold)
    centre = at[0] + width * CELL_WIDTH / 2
    baseline = at[1] + CELL_HEIGHT * 0.77
    draw.text((centre, baseline), character, font=font, fill=colour, anchor="ms")


@cache
def _font(is_japanese: bool, is_bold: bool) -> ImageFont.FreeTypeFont:
    paths = (_JAPANESE if is_japanese else _LATIN)[is_bold]
    for path in paths:
        if path.exists():
            return ImageFont.truetype(path, _JAPANESE_SIZE if is_japanese else _LATIN_SIZE)
    raise FontMissing(f"install one of: {', '.join(map(str, paths))}")


def _is_of_the_counter(character: str) -> bool:
    """Whether the fonts of Latin and Japanese have it; what Windows' Japanese set lacks may be Chinese or Korean."""
    if not "\u3400" <= character <= "\ud7ff":
        return True
    try:
        character.encode("cp932")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _other_font(is_bold: bool) -> ImageFont.FreeTypeFont:
    if _CHINESE_AND_KOREAN.exists():
        return ImageFont.truetype(_CHINESE_AND_KOREAN, _JAPANESE_SIZE)
    return _font(True, is_bold)


def _look(style: Style) -> tuple[Rgb, Rgb, bool]:
    foreground, background = _rgb(style.color, _BLACK), _rgb(style.bgcolor, _WHITE)
    if style.reverse:
        foreground, background = background, foreground
    return foreground, background, bool(style.bold)


def _rgb(colour: Color | None, default: Rgb) -> Rgb:
    if colour is None or colour.is_default:
        return default
    red, green, blue = colour.get_truecolor()
    return red, green, blue
