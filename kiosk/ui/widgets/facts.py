"""A few facts below one another: what it is at the left, its value at the right."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.ui.widgets.paragraph import Paragraph


class Facts(Vertical):
    """Rows of label and value."""

    def __init__(self, rows: dict[str, str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = rows

    def compose(self) -> ComposeResult:
        """One row a fact."""
        for label, value in self._rows.items():
            with Horizontal(classes="fact"):
                yield Paragraph(label, classes="fact-label")
                yield Paragraph(value, classes="fact-value")
