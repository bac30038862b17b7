r"""Page mode: characters and images are set anywhere in areas of a page, in four directions, and printed together.

Source: Epson ESC/POS Command Reference and TM-T88III specification: ESC L, ESC S, FF, ESC FF, CAN, ESC W, ESC T, GS $,
GS \, and what ESC $, ESC \, LF, ESC d, ESC J and images do in page mode.
"""

from dataclasses import dataclass

from hw.sim.printer.characters import Printable
from hw.sim.printer.head import Style, glyph_of, tab_after
from hw.sim.printer.sheet import ROM_HEIGHT, Area, Glyph, ImageRow, PageRow, Placed

LONGEST_DOTS = 831
"""The longest page: 1662 half dots (TM-T88III)."""
_SIDEWAYS = (1, 3)
"""Directions in which lines run along the paper: bottom to top and top to bottom."""


@dataclass
class _Position:
    """Where the next character's lower left corner is: along the line, and down from the area's first line."""

    x: int = 0
    y: int = ROM_HEIGHT


class Page:
    """What is set between ESC L and FF, `dots` wide; the style is the head's own, shared with standard mode."""

    def __init__(self, dots: int, style: Style) -> None:
        self._dots = dots
        self._style = style
        self._placed: list[Placed] = []
        self._area = Area(0, 0, dots, LONGEST_DOTS)
        self._direction = 0
        self._at = _Position()

    @property
    def width(self) -> int:
        """Dots of a line in the present direction."""
        return self._area.height if self.is_sideways else self._area.width

    @property
    def is_sideways(self) -> bool:
        """Whether lines run along the paper, so that the motion units change their roles."""
        return self._direction in _SIDEWAYS

    @property
    def _depth(self) -> int:
        return self._area.width if self.is_sideways else self._area.height

    def set_area(self, left: int, top: int, width: int, height: int) -> bool:
        """ESC W: the area from now on, cut down to the page; whether it is one."""
        if left >= self._dots or top >= LONGEST_DOTS or not width or not height:
            return False
        self._area = Area(left, top, min(width, self._dots - left), min(height, LONGEST_DOTS - top))
        self._at = _Position()
        return True

    def turn(self, direction: int) -> None:
        """ESC T: 0 left to right, 1 bottom to top, 2 right to left, 3 top to bottom; from that direction's start."""
        self._direction = direction
        self._at = _Position()

    def put(self, character: Printable) -> None:
        """Sets one character, on the next line when it does not fit; below the area nothing is set."""
        before, glyph, after = glyph_of(character, self._style)
        if self._at.x + before + glyph.width > self.width:
            self.feed_lines(1)
        self._place(self._at.x + before, glyph)
        self._at.x += before + glyph.width + after

    def put_columns(self, width: int, bits: bytes) -> None:
        """ESC *: a column image, 24 dots high."""
        if self._at.x + width <= self.width:
            self._place(self._at.x, Glyph(f"[image {width}x24]", width, bits=bits))
            self._at.x += width

    def print_image(self, label: str, width_bytes: int, height: int, bits: bytes) -> None:
        """An image whose lower left dot is at the print position."""
        self._place(self._at.x, ImageRow(label, 0, width_bytes, height, bits))
        self._at.x += width_bytes * 8

    def print_line(self, text: str) -> None:
        """A line of ROM characters, as the text of a barcode."""
        self.feed_lines(1)
        for character in text:
            self.put(Printable(character, is_kanji=False))

    def feed_lines(self, lines: int) -> None:
        """LF, ESC d."""
        self.feed_dots(lines * self._style.spacing.line_dots)

    def feed_dots(self, dots: int) -> None:
        """ESC J."""
        self._at = _Position(0, self._at.y + dots)

    def move_to(self, dots: int) -> None:
        """ESC $."""
        if dots <= self.width:
            self._at.x = dots

    def move_by(self, dots: int) -> None:
        r"""ESC \\."""
        self.move_to(self._at.x + dots) if self._at.x + dots >= 0 else None

    def move_to_tab(self) -> None:
        """HT."""
        following = tab_after(self._at.x, self._style)
        if following is not None:
            self.move_to(following)

    def move_down_to(self, dots: int) -> None:
        """GS $: the vertical position; one outside the area is ignored."""
        if 0 <= dots <= self._depth:
            self._at.y = dots

    def move_down_by(self, dots: int) -> None:
        r"""GS \\: so many dots down, or up."""
        self.move_down_to(self._at.y + dots)

    def cancel(self) -> None:
        """CAN: what lies in the present area is gone."""
        self._placed = [placed for placed in self._placed if not self._area.overlaps(placed.box)]
        self._at = _Position()

    def row(self) -> PageRow | None:
        """FF, ESC FF: the page as it is printed, down to the lower end of its areas; None for an empty one."""
        if not self._placed:
            return None
        height = max(placed.area.top + placed.area.height for placed in self._placed)
        return PageRow(self._dots, height, tuple(self._placed))

    def _place(self, x: int, what: Glyph | ImageRow) -> None:
        placed = Placed(self._area, self._direction, x, self._at.y, what)
        if self._at.y <= self._depth:
            self._placed.append(placed)
