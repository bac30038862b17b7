"""Renders a paper for one model: its exact bytes, and a preview in the paper's columns."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from hw.errors import TextDoesNotFit
from hw.ports import Align, Columns, Feed, Paper, PaperLine, PrintJob, QrCode, Rule, Text
from hw.printer import commands
from hw.printer.charset import encode
from hw.printer.drawing import CELL_DOTS, draw, drawn_cells
from hw.printer.models import PrinterModel
from hw.printer.qr_code import qr_code
from hw.printer.symbol import module_dots

IN_STEP = "    "
"""The process id with which the driver finds out whether the printer listens; no job may use it."""

_ALIGNMENTS: dict[Align, int] = {"left": 0, "center": 1, "right": 2}
_HORIZONTAL = "\u2500"  # box drawings light horizontal, two cells wide in CP932
_END_FEED_LINES = 3


def render(paper: Paper, job_id: str, model: PrinterModel, fonts: Sequence[Path]) -> PrintJob:
    """Turns `paper` into a job that ends in feed, partial cut and the mark that confirms it.

    Raises `TextDoesNotFit` for a line wider than the paper and for a character that can be neither set nor drawn,
    `ValueError` for a job id that is not 4 printable ASCII characters.
    """
    if len(job_id) != 4 or not job_id.isascii() or not job_id.isprintable() or job_id == IN_STEP:
        raise ValueError(f"job id {job_id!r} is not 4 printable ASCII characters")
    composer = _Composer(model, fonts)
    for line in paper:
        composer.add(line)
    return PrintJob(job_id, composer.finish(job_id), "".join(f"{line.rstrip()}\n" for line in composer.preview))


class _Composer:
    """Collects one paper's bytes and preview; remembers the style the printer is in, to send only what changes."""

    def __init__(self, model: PrinterModel, fonts: Sequence[Path]) -> None:
        self.preview: list[str] = []
        self._model = model
        self._fonts = fonts
        # Whole columns only: else the right ends of a rule, of two columns and of a line set right would differ.
        area_dots = model.columns * CELL_DOTS
        self._bytes = bytearray(commands.INITIALIZE + commands.JAPANESE + commands.print_area(area_dots))
        if model.has_automatic_status:
            self._bytes += commands.AUTOMATIC_STATUS
        self._align: Align = "left"
        self._scale = 1
        self._is_bold = False

    def add(self, line: PaperLine) -> None:
        """Appends one line of the paper."""
        match line:
            case Text():
                self._add_text(line)
            case Columns():
                self._add_columns(line)
            case Rule():
                self._add_text(Text(_HORIZONTAL * (self._model.columns // 2)))
                self.preview[-1] = _HORIZONTAL * self._model.columns
            case Feed():
                self._bytes += commands.feed(line.lines)
                self.preview += [""] * line.lines
            case QrCode():
                self._add_qr_code(line)

    def finish(self, job_id: str) -> bytes:
        """Ends the paper and returns its bytes."""
        self._bytes += commands.feed(_END_FEED_LINES) + commands.FEED_AND_PARTIAL_CUT
        self._bytes += self._model.confirmation.mark(job_id)
        return bytes(self._bytes)

    def _add_text(self, line: Text) -> None:
        encoded = encode(line.text, self._model.kanji_leads)
        cells = len(encoded) if encoded is not None else drawn_cells(line.text)
        self._require_fit(cells * line.scale)
        if encoded is not None:
            self._style(line.align, line.scale, line.bold)
            self._bytes += encoded + commands.LINE_FEED
        else:
            self._style(line.align)
            self._add_drawn([(0, line.text)], cells, scale=line.scale, bold=line.bold)
        self.preview.append(_aligned(line.text, line.align, self._model.columns))

    def _add_columns(self, line: Columns) -> None:
        left = encode(line.left, self._model.kanji_leads)
        right = encode(line.right, self._model.kanji_leads)
        if left is not None and right is not None:
            left_cells, right_cells = len(left), len(right)
        else:
            left_cells, right_cells = drawn_cells(line.left), drawn_cells(line.right)
        self._require_fit(left_cells + 1 + right_cells)
        start = self._model.columns - right_cells
        if left is not None and right is not None:
            self._style("left", bold=line.bold)
            # A position takes 4 bytes; spaces up to it would make a receipt half as long again.
            self._bytes += left + commands.position(start * CELL_DOTS) + right + commands.LINE_FEED
        else:
            self._style("left")
            pieces = [(0, line.left), (start, line.right)]
            self._add_drawn(pieces, self._model.columns, scale=1, bold=line.bold)
        gap = self._model.columns - _screen_cells(line.left) - _screen_cells(line.right)
        self.preview.append(line.left + " " * gap + line.right)

    def _add_qr_code(self, line: QrCode) -> None:
        if not line.data or not line.data.isascii() or not line.data.isprintable():
            raise TextDoesNotFit("a QR code holds printable ASCII characters")
        dots = module_dots(len(line.data), self._model.columns * CELL_DOTS)
        self._style("center")
        # The empty line above and below is the quiet zone that the printer itself leaves out.
        symbol = qr_code(dots, line.data)
        self._bytes += commands.LINE_FEED + symbol + commands.LINE_FEED
        self.preview += ["", _aligned(f"[QR {len(line.data)}]", "center", self._model.columns), ""]

    def _add_drawn(self, pieces: Sequence[tuple[int, str]], cells: int, *, scale: int, bold: bool) -> None:
        strip = draw(pieces, cells, self._model.line_dots, self._fonts, scale=scale, bold=bold)
        self._bytes += commands.raster(strip.width_bytes, strip.rows, strip.bits)

    def _style(self, align: Align, scale: int = 1, bold: bool = False) -> None:
        if align != self._align:
            self._bytes += commands.align(_ALIGNMENTS[align])
        if scale != self._scale:
            self._bytes += commands.magnify(scale)
        if bold != self._is_bold:
            self._bytes += commands.emphasize(bold)
        self._align, self._scale, self._is_bold = align, scale, bold

    def _require_fit(self, cells: int) -> None:
        if cells > self._model.columns:
            # Not the text itself: it may be a resident's name, and messages end up in logs.
            raise TextDoesNotFit(f"line {len(self.preview) + 1} takes {cells} of {self._model.columns} columns")


def _screen_cells(text: str) -> int:
    """Cells on a terminal, where ambiguous characters are narrow; the preview lines up there."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _aligned(text: str, align: Align, columns: int) -> str:
    gap = max(0, columns - _screen_cells(text))
    match align:
        case "left":
            return text
        case "center":
            return " " * (gap // 2) + text
        case "right":
            return " " * gap + text
