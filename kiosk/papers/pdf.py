"""Pages of A4 as a PDF with its fonts embedded, the same bytes for the same pages."""

import io
from collections.abc import Sequence

from kiosk.papers.qr import modules
from kiosk.papers.sheet import HEIGHT_MM, WIDTH_MM, Code, Line, Page, Shade, Type, width_mm
from kiosk.papers.typeface import font, runs

_POINTS_A_MM = 72 / 25.4
_HAIRLINE = 0.6
_GREY = 0.93


def pdf(pages: Sequence[Page], title: str) -> bytes:
    """The document. Raises `TextDoesNotFit` for a character that no font has."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(WIDTH_MM * _POINTS_A_MM, HEIGHT_MM * _POINTS_A_MM), invariant=1)
    canvas.setTitle(title)
    canvas.setLineWidth(_HAIRLINE)
    for page in pages:
        for mark in sorted(page.marks, key=lambda mark: not isinstance(mark, Shade)):
            match mark:
                case Shade():
                    canvas.setFillGray(_GREY)
                    canvas.rect(*_place(mark.x_mm, mark.y_mm, mark.width_mm, mark.height_mm), stroke=0, fill=1)
                    canvas.setFillGray(0)
                case Line():
                    canvas.line(*_point(mark.x_mm, mark.y_mm), *_point(mark.to_x_mm, mark.to_y_mm))
                case Type():
                    x_mm = mark.x_mm
                    for name, piece in runs(mark.text, bold=mark.bold):
                        if name not in pdfmetrics.getRegisteredFontNames():
                            pdfmetrics.registerFont(font(name))
                        canvas.setFont(name, mark.size)
                        canvas.drawString(*_point(x_mm, mark.y_mm), piece)
                        x_mm += width_mm(piece, mark.size)
                case Code():
                    matrix = modules(mark.data)
                    module_mm = mark.size_mm / len(matrix)
                    for row, line in enumerate(matrix):
                        for column, is_dark in enumerate(line):
                            if is_dark:
                                x_mm, y_mm = mark.x_mm + column * module_mm, mark.y_mm + row * module_mm
                                canvas.rect(*_place(x_mm, y_mm, module_mm, module_mm), stroke=0, fill=1)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _point(x_mm: float, y_mm: float) -> tuple[float, float]:
    return x_mm * _POINTS_A_MM, (HEIGHT_MM - y_mm) * _POINTS_A_MM


def _place(x_mm: float, y_mm: float, wide_mm: float, high_mm: float) -> tuple[float, float, float, float]:
    x, y = _point(x_mm, y_mm + high_mm)
    return x, y, wide_mm * _POINTS_A_MM, high_mm * _POINTS_A_MM
