"""Text on a screen."""

from textual.widgets import Static

from kiosk.ui.plain_text import inert


class Paragraph(Static):
    """Shows text as it is: markup in it is not interpreted, control characters are inert."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        self._text = inert(text)
        super().__init__(self._text, id=id, classes=classes, markup=False)

    @property
    def text(self) -> str:
        """What it says."""
        return self._text

    def write(self, text: str) -> None:
        """Replaces the text."""
        if (shown := inert(text)) != self._text:
            self._text = shown
            self.update(shown)
