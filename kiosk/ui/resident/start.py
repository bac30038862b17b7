"""The screen that waits for a resident."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Center, Vertical

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class Start(SeatScreen[bool]):
    """What one can do here, what it costs and how long it takes; anybody may begin."""

    def __init__(self, seat: Seat, fee_yen: int) -> None:
        super().__init__(seat)
        self._fee_yen = fee_yen

    def page(self) -> ComposeResult:
        """Title, one sentence, three facts."""
        words = self.words
        with Vertical(id="start"):
            yield Paragraph(words("resident.start.title"), id="start-title")
            yield Paragraph(words("resident.start.lead"), id="start-lead")
            facts = Facts(
                {
                    words("resident.start.fee"): words("money.yen", yen=self._fee_yen),
                    words("resident.start.time"): words("resident.start.time_value"),
                    words("resident.start.bring"): words("resident.start.bring_value"),
                }
            )
            yield Center(facts)

    def keys(self) -> Iterable[Key]:
        """One key begins."""
        yield Key(self.words("resident.start.begin"), id="begin", hint="Enter", kind="main")

    @on(Key.Pressed, "#begin")
    def begin(self) -> None:
        """Begins."""
        self.dismiss(True)
