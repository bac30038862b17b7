"""One picture of every paper in one language: the roll as it came out of the simulated printer, A4 from its layout."""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageOps

from hw.link.memory import MemoryLink
from hw.ports import Paper
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.printer.self_test import self_test_page
from hw.sim.printer.picture import draw
from hw.sim.printer.virtual import VirtualPrinter
from kiosk.papers.catalogue import a4_paper, roll_paper
from kiosk.papers.picture import picture
from tests.papers.samples import A4, ROLL

_GAP = 20
_A4_DOTS_PER_INCH = 60
_BACKGROUND = 205


def on_roll(paper: Paper, model: str = "tm-m30-ja") -> Image.Image:
    """The paper as it came out of a simulated printer."""
    sim = VirtualPrinter(dots=MODELS[model].dots)
    printer = EscposPrinter(MemoryLink(sim), MODELS[model])
    assert printer.print(printer.render(paper, "0001")).is_on_paper
    return draw(sim.sheets[0])


def roll_pictures(language: str, model: str) -> list[Image.Image]:
    """The roll papers of `ROLL`, filled in, and the self-test page, as they come out of that model."""
    papers = [
        roll_paper(name, language, found[language].values, found[language].rows, {*found[language].marks, "training"})
        for name, found in ROLL.items()
    ]
    return [on_roll(paper, model) for paper in (*papers, self_test_page(is_training=True))]


def a4_pictures(language: str, dots_per_inch: int = 72) -> list[Image.Image]:
    """The pages on A4, filled in."""
    pictures = []
    for name, found in A4.items():
        sample = found[language]
        pages = a4_paper(name, language, sample.values, sample.rows, {*sample.marks, "training"})
        pictures += [picture(page, dots_per_inch) for page in pages]
    return pictures


def contact_sheet(language: str, receipts: Mapping[str, Image.Image]) -> Image.Image:
    """All of them on one picture; a row of roll papers, its receipt first, for each model of `receipts`."""
    rows = []
    for model, receipt in receipts.items():
        rolls = [receipt, *roll_pictures(language, model)]
        rows.append(
            _row([image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS) for image in rolls])
        )
    pages = a4_pictures(language, _A4_DOTS_PER_INCH)
    rows += [_row(pages[start : start + 4]) for start in range(0, len(pages), 4)]
    width = max(image.width for image in rows)
    sheet = Image.new("L", (width, sum(image.height for image in rows)), _BACKGROUND)
    y = 0
    for image in rows:
        sheet.paste(image, (0, y))
        y += image.height
    return sheet


def _row(images: Sequence[Image.Image]) -> Image.Image:
    framed = [ImageOps.expand(image, 1, 150) for image in images]
    width = sum(image.width + _GAP for image in framed) + _GAP
    row = Image.new("L", (width, max(image.height for image in framed) + 2 * _GAP), _BACKGROUND)
    x = _GAP
    for image in framed:
        row.paste(image, (x, _GAP))
        x += image.width + _GAP
    return row
