"""The screen under the resident's screens: seen while the station opens, and between two screens."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.widget import Widget

from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.paragraph import Paragraph


class Opening(SeatScreen[None]):
    """Says that the counter is being opened."""

    def page(self) -> ComposeResult:
        """One sentence, and nothing once the station is open."""
        yield Paragraph(id="opening", classes="title")

    def standing_keys(self) -> Iterable[Widget]:
        """None: nobody can do anything yet, and the first paint comes sooner without."""
        return ()

    def follow(self) -> None:
        """The sentence goes when the town's name has come."""
        for paragraph in self.query("#opening").results(Paragraph):
            paragraph.write(self.words("opening.text") if self.seat.town is None else "")
