"""The print head: sets characters into lines, lines onto the sheet, in the style that commands have chosen.

Source: Epson ESC/POS Command Reference, standard mode: ESC a, ESC !, GS !, ESC E, ESC $, ESC 3, ESC d, FS !, GS W.
"""

from dataclasses import dataclass, field

from hw.sim.printer.characters import Printable
from hw.sim.printer.sheet import CELL_DOTS, Feed, Glyph, ImageRow, PageRow, Row, TextRow

_FONT_B_WIDTH = 9
LINE_DOTS = 30


@dataclass
class Spacing:
    """Spaces right of characters, before and after kanji, and the pitch of lines, in dots; page mode has its own."""

    space: int = 0
    kanji_spaces: tuple[int, int] = (0, 0)
    line_dots: int = LINE_DOTS


@dataclass
class Style:
    """What ESC @ resets: alignment, magnifications as (width, height), decorations, spacing; the area in dots."""

    align: int = 0
    magnification: tuple[int, int] = (1, 1)
    kanji_magnification: tuple[int, int] = (1, 1)
    is_font_b: bool = False
    is_bold: bool = False
    is_underlined: bool = False
    is_kanji_underlined: bool = False
    is_reversed: bool = False
    tabs: tuple[int, ...] | None = None
    spacing: Spacing = field(default_factory=Spacing)
    left_margin: int = 0
    area_dots: int | None = None


def glyph_of(character: Printable, style: Style) -> tuple[int, Glyph, int]:
    """The character as it is set in `style`, and the dots before and after it."""
    if character.is_kanji:
        (wide, high), (before, after) = style.kanji_magnification, style.spacing.kanji_spaces
        rom_width, is_underlined = 2 * CELL_DOTS, style.is_kanji_underlined
    else:
        (wide, high), (before, after) = style.magnification, (0, style.spacing.space)
        rom_width, is_underlined = _FONT_B_WIDTH if style.is_font_b else CELL_DOTS, style.is_underlined
    glyph = Glyph(character.text, rom_width, wide, high, style.is_bold, is_underlined, style.is_reversed)
    return before * wide, glyph, after * wide


def tab_after(dots: int, style: Style) -> int | None:
    """Where HT goes from there: at power-on there is a tab every 8 characters; None when there is none left."""
    if style.tabs is None:
        return (dots // (8 * CELL_DOTS) + 1) * 8 * CELL_DOTS
    following = next((tab for tab in style.tabs if tab > dots // CELL_DOTS), None)
    return None if following is None else following * CELL_DOTS


@dataclass
class Head:
    """The line being set and the rows already on the paper; `dots` is the printable width."""

    dots: int
    style: Style = field(default_factory=Style)
    rows: list[Row] = field(default_factory=list)
    lines_printed: int = 0
    _line: list[tuple[int, Glyph]] = field(default_factory=list)
    _cursor: int = 0

    @property
    def width(self) -> int:
        """Dots of the area that is printed in (GS L, GS W), at least one kanji wide."""
        return max(2 * CELL_DOTS, min(self.style.area_dots or self.dots, self.dots - self.style.left_margin))

    @property
    def is_at_line_start(self) -> bool:
        """Whether nothing has been set on the current line."""
        return not self._line

    def reset(self) -> None:
        """ESC @: drops the line being set and returns to the power-on style."""
        self.drop_line()
        self.style = Style()

    def drop_line(self) -> None:
        """Forgets the line being set."""
        self._line, self._cursor = [], 0

    def put(self, character: Printable) -> None:
        """Sets one character, on a new line when it does not fit."""
        before, glyph, after = glyph_of(character, self.style)
        if self._cursor + before + glyph.width > self.width:
            self.feed_lines(1)
        self._cursor += before
        self._line.append((self._cursor, glyph))
        self._cursor += glyph.width + after

    def move_to(self, dots: int) -> None:
        """ESC $: the next character's place; one outside the area is ignored."""
        if dots < self.width:
            self._cursor = dots

    def move_by(self, dots: int) -> None:
        r"""ESC \: so many dots on, or back."""
        if 0 <= self._cursor + dots < self.width:
            self._cursor += dots

    def move_to_tab(self) -> None:
        """HT: the next tab position; at power-on there is one every 8 characters."""
        following = tab_after(self._cursor, self.style)
        if following is not None:
            self.move_to(following)

    def put_columns(self, width: int, bits: bytes) -> None:
        """ESC *: a column image on the line being set, 24 dots high; what is wider than the line is cut off."""
        if self._cursor + width <= self.width:
            self._line.append((self._cursor, Glyph(f"[image {width}x24]", width, bits=bits)))
            self._cursor += width

    def print_line(self, text: str) -> None:
        """A line of ROM characters, as the text of a barcode."""
        for character in text:
            self.put(Printable(character, is_kanji=False))
        self.feed_lines(1)

    def feed_lines(self, lines: int) -> None:
        """LF, ESC d: prints the line being set, and feeds `lines` lines in all."""
        if self._line:
            self._print_line(self.style.spacing.line_dots)
            lines -= 1
        if lines > 0:
            self.rows.append(Feed(lines * self.style.spacing.line_dots, lines))
        self.drop_line()

    def feed_dots(self, dots: int) -> None:
        """ESC J: prints the line being set, and feeds `dots` in all."""
        if self._line:
            self._print_line(dots)
        elif dots:
            self.rows.append(Feed(dots))
        self.drop_line()

    def print_image(self, label: str, width_bytes: int, height: int, bits: bytes) -> None:
        """A bit image at the chosen alignment; what is wider than the paper is cut off."""
        self.feed_lines(0)
        self.rows.append(ImageRow(label, self._aligned(width_bytes * 8), width_bytes, height, bits))

    def print_page(self, page: PageRow) -> None:
        """A page that was set in page mode."""
        self.rows.append(page)

    def take_rows(self) -> tuple[Row, ...]:
        """Cuts: what is on the paper so far."""
        rows, self.rows = tuple(self.rows), []
        return rows

    def _print_line(self, fed_dots: int) -> None:
        start = self._aligned(max(left + glyph.width for left, glyph in self._line))
        glyphs = tuple((start + left, glyph) for left, glyph in self._line)
        self.rows.append(TextRow(glyphs, max(fed_dots, *(glyph.height for _, glyph in glyphs))))
        self.lines_printed += 1

    def _aligned(self, width: int) -> int:
        return self.style.left_margin + max(0, self.width - width) * self.style.align // 2
