"""The screen under the resident's screens: seen while the station opens, and between two screens."""

from textual.app import ComposeResult
from textual.containers import Vertical

from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.banner import Banner
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.widgets.seat_bar import SeatBar


class Opening(SeatScreen[None]):
    """Says that the counter is being opened."""

    def page(self) -> ComposeResult:
        """One sentence, and nothing once the station is open."""
        yield Paragraph(id="opening", classes="title")

    def compose(self) -> ComposeResult:
        """The frame without keys: nobody can do anything yet, and the first paint comes sooner without."""
        yield Banner(self.seat.office)
        with Vertical(classes="page"):
            yield from self.page()
        if self.seat.is_demo:
            yield SeatBar(self.words, self.seat.name)
        yield from self.size_notice()

    def follow(self) -> None:
        """The sentence goes when the town's name has come."""
        for paragraph in self.query("#opening").results(Paragraph):
            paragraph.write(self.words("opening.text") if self.seat.town is None else "")
