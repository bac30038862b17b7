"""A few facts below one another: what it is at the left, its value at the right."""

from collections.abc import Iterator
from typing import ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size

from kiosk.ui.plain_text import inert
from kiosk.ui.widgets.paragraph import Paragraph


class Facts(Paragraph):
    """Rows of label and value in one widget, `spread` with an empty line between them.

    The label takes `label_width` cells; a value that is longer than its line goes on below itself.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"fact--label", "fact--value"}

    def __init__(
        self, rows: dict[str, str], *, id: str | None = None, label_width: int = 16, is_spread: bool = True
    ) -> None:
        super().__init__(_spoken(rows), id=id)
        self._rows = {inert(label): inert(value) for label, value in rows.items()}
        self._label_width = label_width
        self._is_spread = is_spread

    def show(self, rows: dict[str, str]) -> None:
        """Replaces the rows."""
        shown = {inert(label): inert(value) for label, value in rows.items()}
        if shown != self._rows:
            self._rows = shown
            self.write(_spoken(rows))
            self.refresh(layout=True)

    @property
    def rows(self) -> dict[str, str]:
        """Label and value."""
        return dict(self._rows)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the values take."""
        return sum(1 for _ in self._lines(width))

    def render(self) -> Content:
        """The rows."""
        label_style, value_style = (self.get_visual_style(f"fact--{part}") for part in ("label", "value"))
        return Content("\n").join(
            Content.styled(label.ljust(len(label) + self._label_width - cell_len(label)), label_style)
            + value.stylize(value_style)
            for label, value in self._lines(self.content_size.width)
        )

    def _lines(self, width: int) -> Iterator[tuple[str, Content]]:
        room = max(1, width - self._label_width)
        for number, (label, value) in enumerate(self._rows.items()):
            if number and self._is_spread:
                yield "", Content("")
            labels = Content(label).wrap(max(1, self._label_width - 1))
            values = Content(value).wrap(room)
            for line in range(max(len(labels), len(values))):
                yield (
                    labels[line].plain if line < len(labels) else "",
                    values[line] if line < len(values) else Content(""),
                )


def _spoken(rows: dict[str, str]) -> str:
    return "\n".join(f"{label} {value}" for label, value in rows.items())
