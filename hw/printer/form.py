"""Papers as data: a layout in TOML and the values of one paper, put together into what a printer takes.

A layout is a list of `[[line]]` tables; in its texts `{name}` stands for a value. `when` prints a line only if that
mark is set, `unless` only if it is not; `each` prints it once for every row of that list, whose own values go first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.ports import Align, Columns, Feed, Paper, PaperLine, QrCode, Rule, Text
from hw.strict_toml import ConfigInvalid, convert, read_tables

Values = Mapping[str, str]
Rows = Mapping[str, Sequence[Values]]


@dataclass(frozen=True)
class FormLine:
    """One line of a layout: a text, or a left and a right one, a rule, empty lines, or a QR code."""

    text: str = ""
    left: str = ""
    right: str = ""
    rule: bool = False
    feed: int = 0
    qr: str = ""
    align: Align = "left"
    scale: int = 1
    bold: bool = False
    when: str = ""
    unless: str = ""
    each: str = ""


@dataclass(frozen=True)
class Form:
    """A layout."""

    line: tuple[FormLine, ...]


def load_form(path: Path) -> Form:
    """The layout in `path`. Raises `ConfigInvalid`."""
    return convert(read_tables(path), Form, str(path))


def compose(form: Form, values: Values, *, rows: Rows | None = None, marks: Collection[str] = ()) -> Paper:
    """The paper. Raises `ConfigInvalid` for a value or a list that a line names and that is not there."""
    paper: list[PaperLine] = []
    for line in form.line:
        if (line.when and line.when not in marks) or (line.unless and line.unless in marks):
            continue
        try:
            repeated = (rows or {})[line.each] if line.each else ({},)
            paper += [_set(line, {**values, **row}) for row in repeated]
        except KeyError as error:
            raise ConfigInvalid("form", line.text or line.left or line.right, f"no value {error}") from error
    return tuple(paper)


def _set(line: FormLine, values: Values) -> PaperLine:
    if line.rule:
        return Rule()
    if line.feed:
        return Feed(line.feed)
    if line.qr:
        return QrCode(line.qr.format_map(values))
    if line.left or line.right:
        return Columns(line.left.format_map(values), line.right.format_map(values), line.bold)
    return Text(line.text.format_map(values), line.align, 2 if line.scale == 2 else 1, line.bold)
