"""Papers on A4 as data: blocks from top to bottom, laid out once, drawn as text, picture or PDF from the same marks.

A layout is a list of `[[block]]` tables; in its texts `{name}` stands for a value. Lengths are millimetres, type sizes
points. Type is set in a font of fixed width: a kanji is as wide as it is high, half-width characters half of that.
"""

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hw.errors import TextDoesNotFit
from hw.strict_toml import ConfigInvalid, convert, read_tables

WIDTH_MM, HEIGHT_MM = 210.0, 297.0
LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 20.0, 190.0, 18.0, 280.0
_MM_A_POINT = 25.4 / 72
_LEADING = 1.45
_CELL_MARGIN_MM = 2.0
_OPENING, _CLOSING = "「『（([", "、。」』）)],.:;!?！？ー"
"""What never ends a line, and what never begins one (禁則)."""
_ASCENT = 1.12
"""Where the baseline lies below the top of a line of type, in its own size."""

Kind = Literal["text", "fields", "table", "space", "rule", "boxes", "blank", "qr"]
Side = Literal["left", "center", "right"]
Values = Mapping[str, str]


@dataclass(frozen=True)
class Block:
    """One block of a layout; which keys count depends on its kind.

    text    `text` at `align`, `size` points, `bold`
    fields  `rows` of [label, text]: a framed table whose first column is `label_mm` wide, each row `height_mm` or more
    table   `head`, `widths` in mm (0 for the rest), and `cells`, once or once for `each` row of that list; `aligns`
    space   `height_mm` of nothing
    rule    a line across
    boxes   `count` empty boxes of `size_mm` for one character each, below `text`
    blank   an empty frame of `height_mm` to write in, with `text` in its corner
    qr      a QR code over `text`, `size_mm` wide, at `align`

    A `repeated` one stands at the top of every further page as well.
    """

    kind: Kind = "text"
    text: str = ""
    align: Side = "left"
    size: float = 10.5
    bold: bool = False
    rows: tuple[tuple[str, str], ...] = ()
    label_mm: float = 45.0
    height_mm: float = 9.0
    head: tuple[str, ...] = ()
    widths: tuple[float, ...] = ()
    cells: tuple[str, ...] = ()
    aligns: tuple[Side, ...] = ()
    each: str = ""
    count: int = 0
    size_mm: float = 9.0
    when: str = ""
    unless: str = ""
    repeated: bool = False


@dataclass(frozen=True)
class SheetForm:
    """A layout."""

    block: tuple[Block, ...]


@dataclass(frozen=True)
class Type:
    """A line of type whose baseline begins at x, y."""

    x_mm: float
    y_mm: float
    text: str
    size: float
    bold: bool = False


@dataclass(frozen=True)
class Line:
    """A thin line."""

    x_mm: float
    y_mm: float
    to_x_mm: float
    to_y_mm: float


@dataclass(frozen=True)
class Shade:
    """A light grey area."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True)
class Code:
    """A QR code over `data`."""

    x_mm: float
    y_mm: float
    size_mm: float
    data: str


Mark = Type | Line | Shade | Code


@dataclass
class Page:
    """What is drawn on one side of A4, shades first."""

    marks: list[Mark] = field(default_factory=list)


def load_sheet(path: Path) -> SheetForm:
    """The layout in `path`. Raises `ConfigInvalid`."""
    return convert(read_tables(path), SheetForm, str(path))


def lay_out(
    form: SheetForm,
    values: Values,
    *,
    rows: Mapping[str, Sequence[Values]] | None = None,
    marks: Collection[str] = (),
) -> tuple[Page, ...]:
    """The pages. Raises `ConfigInvalid` for a value that is not there, `TextDoesNotFit` for what no cell can hold."""
    composer = _Composer(values, rows or {})
    for block in form.block:
        if (not block.when or block.when in marks) and not (block.unless and block.unless in marks):
            composer.add(block)
    return tuple(composer.pages)


def width_mm(text: str, size: float) -> float:
    """How wide a line of type is."""
    return sum(_cells(character) for character in text) * size * _MM_A_POINT / 2


def _cells(character: str) -> int:
    return 1 if unicodedata.east_asian_width(character) in ("Na", "H", "N") else 2


def _wrapped(text: str, size: float, room_mm: float) -> Iterator[str]:
    """The text in lines of at most `room_mm`; broken between any two kanji, and between words."""
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph):
            if line and width_mm(line + piece.rstrip(), size) > room_mm:
                yield line.rstrip()
                line = ""
            line += piece
            while width_mm(line.rstrip(), size) > room_mm:
                taken = _fitting(line, size, room_mm)
                yield line[:taken]
                line = line[taken:]
        yield line.rstrip()


def _pieces(text: str) -> Iterator[str]:
    """Words with the space behind them, and each wide character by itself, with closing punctuation kept to it."""
    piece = ""
    for character in text:
        if piece and (character in _CLOSING or piece[-1] in _OPENING):
            piece += character
        elif _cells(character) == 2:
            if piece:
                yield piece
            piece = character
        elif piece and (_cells(piece[-1]) == 2 or (piece.endswith(" ") and character != " ")):
            yield piece
            piece = character
        else:
            piece += character
    if piece:
        yield piece


def _fitting(text: str, size: float, room_mm: float) -> int:
    count = 0
    while count < len(text) and width_mm(text[: count + 1], size) <= room_mm:
        count += 1
    if not count:
        raise TextDoesNotFit(f"a cell of {room_mm:.0f} mm holds no character of {size} points")
    return count


class _Row:
    """A row of a table: its cells wrapped, and how high that makes it; the first `shaded` cells are grey."""

    def __init__(
        self, cells: Sequence[str], widths: Sequence[float], aligns: Sequence[Side], block: Block, shaded: int = 0
    ) -> None:
        self.widths, self.aligns, self.block, self.shaded = widths, aligns, block, shaded
        self.step_mm = block.size * _LEADING * _MM_A_POINT
        self.lines = [
            list(_wrapped(cell, block.size, width - 2 * _CELL_MARGIN_MM))
            for cell, width in zip(cells, widths, strict=True)
        ]
        self.height_mm = max(block.height_mm, max(map(len, self.lines)) * self.step_mm + _CELL_MARGIN_MM)


class _Composer:
    """Sets one block below the other, on a new page when it does not fit."""

    def __init__(self, values: Values, rows: Mapping[str, Sequence[Values]]) -> None:
        self.pages = [Page()]
        self._values = values
        self._rows = rows
        self._y_mm = TOP_MM
        self._repeated: list[Block] = []

    def add(self, block: Block) -> None:
        self._set(block)
        if block.repeated:
            self._repeated.append(block)

    def _set(self, block: Block) -> None:
        match block.kind:
            case "text":
                self._add_text(self._fill(block.text), block)
            case "fields":
                self._add_fields(block)
            case "table":
                self._add_table(block)
            case "space":
                self._y_mm += block.height_mm
            case "rule":
                self._need(2)
                self._draw(Line(LEFT_MM, self._y_mm + 1, RIGHT_MM, self._y_mm + 1))
                self._y_mm += 2
            case "boxes":
                self._add_boxes(block)
            case "blank":
                self._add_blank(block)
            case "qr":
                self._need(block.size_mm + 2)
                if data := self._fill(block.text):  # a form to be filled in by hand has none
                    self._draw(Code(_aligned(block.size_mm, block.align), self._y_mm, block.size_mm, data))
                self._y_mm += block.size_mm + 2

    def _fill(self, text: str, row: Values | None = None) -> str:
        try:
            return text.format_map({**self._values, **(row or {})})
        except KeyError as error:
            raise ConfigInvalid("sheet", text, f"no value {error}") from error

    def _draw(self, mark: Mark) -> None:
        self.pages[-1].marks.append(mark)

    def _need(self, height_mm: float) -> None:
        if self._y_mm + height_mm > BOTTOM_MM:
            self.pages.append(Page())
            self._y_mm = TOP_MM
            for block in self._repeated:
                self._set(block)

    def _add_text(self, text: str, block: Block) -> None:
        step_mm = block.size * _LEADING * _MM_A_POINT
        for line in _wrapped(text, block.size, RIGHT_MM - LEFT_MM):
            self._need(step_mm)
            x_mm = _aligned(width_mm(line, block.size), block.align)
            self._draw(Type(x_mm, self._y_mm + block.size * _MM_A_POINT, line, block.size, block.bold))
            self._y_mm += step_mm

    def _add_fields(self, block: Block) -> None:
        widths = (block.label_mm, RIGHT_MM - LEFT_MM - block.label_mm)
        for label, text in block.rows:
            row = _Row((self._fill(label), self._fill(text)), widths, ("left", "left"), block, shaded=1)
            self._need(row.height_mm)
            self._add_row(row)
        self._y_mm += 3

    def _add_table(self, block: Block) -> None:
        """A table whose head stands on every page that has rows of it."""
        rest_mm = RIGHT_MM - LEFT_MM - sum(block.widths)
        widths = tuple(width or rest_mm / block.widths.count(0) for width in block.widths)
        center: Side = "center"
        head = [
            _Row(tuple(map(self._fill, cells)), widths, (center,) * len(widths), block, shaded=len(widths))
            for cells in ((block.head,) if block.head else ())
        ]
        left: Side = "left"
        aligns = block.aligns or (left,) * len(widths)
        try:
            values = self._rows[block.each] if block.each else ({},)
        except KeyError as error:
            raise ConfigInvalid("sheet", block.each, "no such list") from error
        page = None
        for value in values:
            row = _Row(tuple(self._fill(cell, value) for cell in block.cells), widths, aligns, block)
            self._need(row.height_mm + (sum(each.height_mm for each in head) if page is not self.pages[-1] else 0))
            if page is not self.pages[-1]:
                page = self.pages[-1]
                for each in head:
                    self._add_row(each)
            self._add_row(row)
        self._y_mm += 3

    def _add_row(self, row: _Row) -> None:
        size, x_mm, top_mm = row.block.size, LEFT_MM, self._y_mm
        for index, (texts, width, align) in enumerate(zip(row.lines, row.widths, row.aligns, strict=True)):
            if index < row.shaded:
                self._draw(Shade(x_mm, top_mm, width, row.height_mm))
            first_mm = top_mm + (row.height_mm - len(texts) * row.step_mm) / 2 + size * _MM_A_POINT * _ASCENT
            for number, text in enumerate(texts):
                room_mm = width - 2 * _CELL_MARGIN_MM - width_mm(text, size)
                shift_mm = {"left": 0.0, "center": room_mm / 2, "right": room_mm}[align]
                is_bold = row.block.bold or row.shaded > 1
                y_mm = first_mm + number * row.step_mm
                self._draw(Type(x_mm + _CELL_MARGIN_MM + shift_mm, y_mm, text, size, is_bold))
            x_mm += width
            if index < len(row.widths) - 1:
                self._draw(Line(x_mm, top_mm, x_mm, top_mm + row.height_mm))
        self._frame(LEFT_MM, top_mm, x_mm - LEFT_MM, row.height_mm)
        self._y_mm = top_mm + row.height_mm

    def _add_boxes(self, block: Block) -> None:
        if block.text:
            self._add_text(self._fill(block.text), block)
        self._need(block.size_mm + 2)
        if block.count * block.size_mm > RIGHT_MM - LEFT_MM:
            raise TextDoesNotFit(f"{block.count} boxes of {block.size_mm} mm are wider than the paper")
        for index in range(block.count):
            self._frame(LEFT_MM + index * block.size_mm, self._y_mm + 1, block.size_mm, block.size_mm)
        self._y_mm += block.size_mm + 4

    def _add_blank(self, block: Block) -> None:
        self._need(block.height_mm)
        self._frame(LEFT_MM, self._y_mm, RIGHT_MM - LEFT_MM, block.height_mm)
        if block.text:
            baseline_mm = self._y_mm + _CELL_MARGIN_MM + block.size * _MM_A_POINT
            self._draw(Type(LEFT_MM + _CELL_MARGIN_MM, baseline_mm, self._fill(block.text), block.size))
        self._y_mm += block.height_mm + 3

    def _frame(self, x_mm: float, y_mm: float, wide_mm: float, high_mm: float) -> None:
        right_mm, bottom_mm = x_mm + wide_mm, y_mm + high_mm
        self._draw(Line(x_mm, y_mm, right_mm, y_mm))
        self._draw(Line(x_mm, bottom_mm, right_mm, bottom_mm))
        self._draw(Line(x_mm, y_mm, x_mm, bottom_mm))
        self._draw(Line(right_mm, y_mm, right_mm, bottom_mm))


def _aligned(wide_mm: float, align: Side) -> float:
    room_mm = RIGHT_MM - LEFT_MM - wide_mm
    return LEFT_MM + {"left": 0.0, "center": room_mm / 2, "right": room_mm}[align]
