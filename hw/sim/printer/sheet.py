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


Row = TextRow | ImageRow | Feed


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
                case Feed():
                    lines += [""] * row.lines
        return "".join(f"{line.rstrip()}\n" for line in lines).rstrip("\n") + "\n"


def _line(row: TextRow) -> str:
    """The glyphs with spaces where none is; one that is magnified still counts as one."""
    text, end = "", 0
    for left, glyph in sorted(row.glyphs, key=lambda placed: placed[0]):
        text += " " * ((left - end) // CELL_DOTS) + glyph.text
        end = left + glyph.width
    return text
