"""One screen as text: every cell's character and look, to be kept, compared, and drawn again.

A file begins with the size, then comes a line for each look (a letter, then what it is), an empty line, and for each
row of cells two lines: the characters between bars, and the runs of looks, such as `a4 b96`.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from PIL import Image
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App

from kiosk.ui.picture import draw_rows

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def capture(app: App[Any]) -> str:
    """What the app shows now."""
    letters: dict[str, str] = {}
    rows = []
    for strip in app.screen._compositor.render_strips():
        cells = list(_cells(strip, letters))
        text = "".join(character for character, _ in cells)
        runs = " ".join(f"{look}{sum(cell_len(c) for c, _ in run)}" for look, run in _runs(cells))
        rows.append(f"|{text}|\n{runs}")
    looks = "\n".join(f"{letter} {look}" for look, letter in letters.items())
    return f"{app.size.width}x{app.size.height}\n{looks}\n\n" + "\n".join(rows) + "\n"


def _cells(strip: Iterable[Segment], letters: dict[str, str]) -> Iterator[tuple[str, str]]:
    for text, style, _ in strip:
        look = _look(style or Style())
        letter = letters.setdefault(look, _LETTERS[len(letters) % len(_LETTERS)])
        yield from ((character, letter) for character in text)


def _runs(cells: list[tuple[str, str]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for look, run in groupby(cells, key=lambda cell: cell[1]):
        yield look, list(run)


def _look(style: Style) -> str:
    """The parts of a style that are seen, as rich reads them again."""
    attributes = [name for name in ("bold", "reverse", "underline", "dim") if getattr(style, name)]
    foreground = style.color.name if style.color else "default"
    background = style.bgcolor.name if style.bgcolor else "default"
    return " ".join((*attributes, foreground, "on", background))


def drawn(snapshot: str) -> Image.Image:
    """The picture of what was captured."""
    head, _, body = snapshot.partition("\n\n")
    size, *looks = head.split("\n")
    styles = {look[0]: Style.parse(look[2:]) for look in looks}
    lines = body.rstrip("\n").split("\n")
    rows = [list(_segments(lines[n][1:-1], lines[n + 1], styles)) for n in range(0, len(lines), 2)]
    return draw_rows(rows, int(size.partition("x")[0]))


def _segments(text: str, runs: str, styles: dict[str, Style]) -> Iterator[Segment]:
    rest = iter(text)
    for run in runs.split():
        width, part = int(run[1:]), ""
        while cell_len(part) < width:
            part += next(rest)
        yield Segment(part, styles[run[0]])


def differences(kept: str, found: str) -> list[str]:
    """The rows that differ, each as kept and as found; empty when nothing does."""
    one, other = kept.rstrip("\n").split("\n"), found.rstrip("\n").split("\n")
    if len(one) != len(other):
        return [f"{len(one)} lines were kept, {len(other)} were found"]
    return [
        f"line {number}:\n  kept  {was}\n  found {now}"
        for number, (was, now) in enumerate(zip(one, other, strict=True), 1)
        if was != now
    ]
