"""Pages of A4 as pictures, and as text: what the PDF shows, for screens, for tests and for the eye."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kiosk.papers.qr import modules
from kiosk.papers.sheet import HEIGHT_MM, WIDTH_MM, Code, Line, Page, Shade, Type, width_mm
from kiosk.papers.typeface import FILES, runs

if TYPE_CHECKING:
    from PIL.Image import Image

_GREY, _BLACK, _WHITE = 237, 20, 255
_SAME_LINE_MM = 1.5
_COLUMNS = 84


def picture(page: Page, dots_per_inch: int = 100) -> "Image":
    """The page in grey, drawn at twice its size and made smaller, so that no thin stroke falls between two dots."""
    from PIL import Image

    large = _drawn(page, 2 * dots_per_inch)
    return large.resize((large.width // 2, large.height // 2), Image.Resampling.LANCZOS)


def _drawn(page: Page, dots_per_inch: int) -> "Image":
    from PIL import Image, ImageDraw, ImageFont

    scale = dots_per_inch / 25.4
    image = Image.new("L", (round(WIDTH_MM * scale), round(HEIGHT_MM * scale)), _WHITE)
    pen = ImageDraw.Draw(image)
    for mark in sorted(page.marks, key=lambda mark: not isinstance(mark, Shade)):
        match mark:
            case Shade():
                corner = ((mark.x_mm + mark.width_mm) * scale, (mark.y_mm + mark.height_mm) * scale)
                pen.rectangle((mark.x_mm * scale, mark.y_mm * scale, *corner), fill=_GREY)
            case Line():
                ends = (mark.x_mm, mark.y_mm, mark.to_x_mm, mark.to_y_mm)
                pen.line([value * scale for value in ends], fill=_BLACK, width=2)
            case Type():
                x_mm = mark.x_mm
                for name, piece in runs(mark.text, bold=mark.bold):
                    face = ImageFont.truetype(str(FILES[name]), mark.size * dots_per_inch / 72)
                    pen.text((x_mm * scale, mark.y_mm * scale), piece, fill=_BLACK, font=face, anchor="ls")
                    x_mm += width_mm(piece, mark.size)
            case Code():
                matrix = modules(mark.data)
                module = mark.size_mm * scale / len(matrix)
                left, top = mark.x_mm * scale, mark.y_mm * scale
                for row, line in enumerate(matrix):
                    for column, is_dark in enumerate(line):
                        if is_dark:
                            x, y = left + column * module, top + row * module
                            pen.rectangle((round(x), round(y), round(x + module) - 1, round(y + module) - 1), _BLACK)
    return image


def text(pages: Sequence[Page]) -> str:
    """The pages as lines of text, side by side what stands side by side, a form feed between two pages."""
    return "\f".join("".join(f"{line}\n" for line in _lines(page)) for page in pages)


def _lines(page: Page) -> Iterator[str]:
    typed = sorted((mark for mark in page.marks if isinstance(mark, Type)), key=lambda mark: (mark.y_mm, mark.x_mm))
    line: list[Type] = []
    for mark in typed:
        if line and mark.y_mm - line[0].y_mm > _SAME_LINE_MM:
            yield _line(line)
            line = []
        line.append(mark)
    if line:
        yield _line(line)
    yield from (f"[QR {mark.data}]" for mark in page.marks if isinstance(mark, Code))


def _line(marks: Sequence[Type]) -> str:
    out, end = "", 0
    for mark in sorted(marks, key=lambda mark: mark.x_mm):
        column = max(round((mark.x_mm - 20) / (WIDTH_MM - 40) * _COLUMNS), end + (1 if out else 0))
        out += " " * (column - end) + mark.text
        end = column + round(width_mm(mark.text, 1) / width_mm("0", 1))
    return out.rstrip()
