"""What the procedure is, before it begins."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class Guide(SeatScreen[bool]):
    """What it takes, what will happen, what it costs, and that one may stop."""

    MINDS_IDLENESS = True

    def __init__(self, seat: Seat, fee_yen: int) -> None:
        super().__init__(seat, position=0, can_stop=True)
        self._fee_yen = fee_yen

    def page(self) -> ComposeResult:
        """Four facts, and the way for everybody else."""
        words = self.words
        yield Paragraph(words("resident.guide.title"), classes="title")
        yield Facts(
            {
                words(f"resident.guide.{fact}"): words(f"resident.guide.{fact}_value", fee=self._fee_yen)
                for fact in ("bring", "do", "cost", "stop")
            }
        )
        yield Paragraph(words("resident.guide.others"), classes="aside")

    def keys(self) -> Iterable[Key]:
        """On."""
        yield Key(self.words("key.next"), id="next", hint="Enter", kind="main")

    @on(Key.Pressed, "#next")
    def go_on(self) -> None:
        """Goes on."""
        self.dismiss(True)
