"""What came out of a printer: rows of text and images on one sheet, cut off at the end."""

from dataclasses import dataclass

CELL_DOTS = 12
ROM_HEIGHT = 24


@dataclass(frozen=True)
class Glyph:
    """A character of the ROM, `rom_width` by 24 dots, printed `wide` and `high` times that size.

    With `bits` it is a piece of a column image instead, 24 rows of as many bytes as its width takes.
    """

    text: str
    rom_width: int
    wide: int = 1
    high: int = 1
    is_bold: bool = False
    is_underlined: bool = False
    is_reversed: bool = False
    bits: bytes = b""

    @property
    def width(self) -> int:
        """Dots on the paper."""
        return self.rom_width * self.wide

    @property
    def height(self) -> int:
        """Dots on the paper."""
        return ROM_HEIGHT * self.high


@dataclass(frozen=True)
class TextRow:
    """A printed line: its glyphs, each with the dots left of it, and how far the paper was fed."""

    glyphs: tuple[tuple[int, Glyph], ...]
    fed_dots: int

    @property
    def height(self) -> int:
        """Of the tallest glyph; all stand on the same baseline."""
        return max(glyph.height for _, glyph in self.glyphs)


@dataclass(frozen=True)
class ImageRow:
    """A bit image, 8 dots a byte, most significant bit left; `label` stands for it in text."""

    label: str
    left: int
    width_bytes: int
    height: int
    bits: bytes

    @property
    def fed_dots(self) -> int:
        """An image feeds the paper by its own height."""
        return self.height


@dataclass(frozen=True)
class Feed:
    """Paper fed without printing; `lines` as a text shows it."""

    fed_dots: int
    lines: int = 0


@dataclass(frozen=True)
class Area:
    """A printing area of a page, in dots from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    def overlaps(self, other: "Area") -> bool:
        """Whether they have a dot in common."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.top < other.top + other.height
            and other.top < self.top + self.height
        )


@dataclass(frozen=True)
class Placed:
    """A glyph or an image on a page; its lower left corner is at `x` along the line and `y` down, seen along it.

    Directions are those of ESC T: 0 left to right, 1 bottom to top, 2 right to left, 3 top to bottom.
    """

    area: Area
    direction: int
    x: int
    y: int
    what: Glyph | ImageRow

    @property
    def size(self) -> tuple[int, int]:
        """Dots along the line and across it."""
        if isinstance(self.what, Glyph):
            return self.what.width, self.what.height
        return self.what.width_bytes * 8, self.what.height

    @property
    def box(self) -> Area:
        """Where on the page it is."""
        (width, height), area = self.size, self.area
        x, top = self.x, self.y - height
        match self.direction:
            case 0:
                return Area(area.left + x, area.top + top, width, height)
            case 1:
                return Area(area.left + top, area.top + area.height - x - width, height, width)
            case 2:
                return Area(area.left + area.width - x - width, area.top + area.height - self.y, width, height)
            case _:
                return Area(area.left + area.width - self.y, area.top + x, height, width)


@dataclass(frozen=True)
class PageRow:
    """A page that was printed at once in page mode."""

    width: int
    height: int
    placed: tuple[Placed, ...]

    @property
    def fed_dots(self) -> int:
        """A page feeds the paper by its own height."""
        return self.height

    @property
    def lines(self) -> list[str]:
        """Its lines, area by area and from the first to the last of each, whichever way they run."""
        found: dict[tuple[Area, int], dict[int, list[Placed]]] = {}
        for placed in self.placed:
            found.setdefault((placed.area, placed.direction), {}).setdefault(placed.y, []).append(placed)
        return [_page_line(lines[y]) for lines in found.values() for y in sorted(lines)]


Row = TextRow | ImageRow | PageRow | Feed


@dataclass(frozen=True)
class Sheet:
    """A sheet of paper `dots` wide, and the bytes that the printer was sent since the cut before."""

    number: int
    data: bytes
    rows: tuple[Row, ...]
    dots: int

    @property
    def text(self) -> str:
        """The sheet as lines of half-width cells, alignment kept, sizes not."""
        lines = list[str]()
        for row in self.rows:
            match row:
                case TextRow():
                    lines.append(_line(row))
                case ImageRow():
                    lines.append(" " * (row.left // CELL_DOTS) + row.label)
                case PageRow():
                    lines += row.lines
                case Feed():
                    lines += [""] * row.lines
        return "".join(f"{line.rstrip()}\n" for line in lines).rstrip("\n") + "\n"


def _line(row: TextRow) -> str:
    return _spaced([(left, glyph.width, glyph.text) for left, glyph in row.glyphs])


def _page_line(line: list[Placed]) -> str:
    def text(placed: Placed) -> str:
        return placed.what.text if isinstance(placed.what, Glyph) else placed.what.label

    return _spaced([(placed.x, placed.size[0], text(placed)) for placed in line])


def _spaced(pieces: list[tuple[int, int, str]]) -> str:
    """Pieces by place and width, with spaces where none is; one that is magnified still counts as one."""
    text, end = "", 0
    for left, width, piece in sorted(pieces, key=lambda placed: placed[0]):
        text += " " * ((left - end) // CELL_DOTS) + piece
        end = left + width
    return text
