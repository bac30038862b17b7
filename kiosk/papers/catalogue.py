"""Every paper that the counter prints besides the receipt, by name: where its layout is, and how it is put together."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from string import Formatter

from hw.ports import Paper
from hw.printer.form import compose, load_form
from kiosk.model.town import Town
from kiosk.papers.sheet import Page, lay_out, load_sheet

ROLL = ("refund", "hold", "revocation", "day_close")
"""Papers on the roll; the receipt is `kiosk.issuance.receipt`'s, the self-test page `hw.printer.self_test`'s."""
A4 = (
    "certificate_copy",
    "application",
    "inquiry",
    "daily_report",
    "refusal",
    "password_sheet",
    "compatibility",
    "operations",
)
"""Papers on A4."""
LANGUAGES = ("ja", "en")
BLANK_ROWS = 6
"""Rows of a table that is to be filled in by hand."""

Values = Mapping[str, str]
Rows = Mapping[str, Sequence[Values]]


def roll_paper(
    name: str, language: str, values: Values, rows: Rows | None = None, marks: Collection[str] = ()
) -> Paper:
    """One of `ROLL`, for the receipt printer. `marks` are conditions of its lines; `training` voids it.

    Raises `ConfigInvalid` for a value that its layout names and that is not there.
    """
    return compose(load_form(_layout(name, language)), values, rows=rows, marks=marks)


def a4_paper(
    name: str, language: str, values: Values, rows: Rows | None = None, marks: Collection[str] = ()
) -> tuple[Page, ...]:
    """One of `A4`, laid out. Raises as `roll_paper` does, and `TextDoesNotFit`."""
    return lay_out(load_sheet(_layout(name, language)), values, rows=rows, marks=marks)


def town_words(town: Town, language: str) -> dict[str, str]:
    """The values by which papers name the town and its office."""
    if language == "en":
        names = {"prefecture": town.prefecture_romaji, "municipality": town.municipality_romaji}
        department = town.department_romaji
    else:
        names = {"prefecture": town.prefecture, "municipality": town.municipality}
        department = town.department
    return {**names, "department": department, "telephone": town.telephone}


def blank(name: str, language: str) -> tuple[dict[str, str], dict[str, list[dict[str, str]]]]:
    """Values and rows with which a paper is a form to be filled in by hand."""
    if name in ROLL:
        of_lines = [
            (line.each, [line.text, line.left, line.right, line.qr]) for line in load_form(_layout(name, language)).line
        ]
    else:
        of_lines = [
            (block.each, [block.text, *block.head, *block.cells, *(cell for row in block.rows for cell in row)])
            for block in load_sheet(_layout(name, language)).block
        ]
    values = {key: "" for each, texts in of_lines if not each for text in texts for key in _named(text)}
    rows = {
        each: [dict.fromkeys((key for text in texts for key in _named(text)), "")] * BLANK_ROWS
        for each, texts in of_lines
        if each
    }
    return values, rows


def _named(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name]


def _layout(name: str, language: str) -> Path:
    return Path(__file__).parent / f"{name}.{language}.toml"
