"""The line at the top: the town's office at the left, what this seat is at the right."""

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from kiosk.ui.plain_text import inert


class Banner(Widget):
    """One line over the whole width."""

    def __init__(self, office: str) -> None:
        super().__init__(classes="banner")
        self._office = inert(office)
        self._seat = ""

    @property
    def text(self) -> str:
        """What stands there."""
        return f"{self._office} {self._seat}".strip()

    def write(self, office: str, seat: str) -> None:
        """Replaces both."""
        shown = inert(office), inert(seat)
        if shown != (self._office, self._seat):
            self._office, self._seat = shown
            self.refresh()

    def render(self) -> Content:
        """Both ends, and the space between them."""
        space = self.content_size.width - cell_len(self._office) - cell_len(self._seat)
        return Content(f"{self._office}{' ' * max(1, space)}{self._seat}")
