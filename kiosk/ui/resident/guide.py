"""What the procedure is, before it begins."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.ui.drawings import COUNTER
from kiosk.ui.resident.told import Told
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class Guide(SeatScreen[bool]):
    """What it takes, what will happen, what it costs, and that one may stop. False: he would rather speak to somebody.

    Who cannot use the terminal reads it from a list; nobody is asked to which line of it he belongs.
    """

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
        """To the counter, or on."""
        yield Key(self.words("resident.guide.consult"), id="consult", hint="9")
        yield Key(self.words("key.next"), id="next", hint="Enter", kind="main")

    @on(Key.Pressed, "#consult")
    def consult(self) -> None:
        """Would rather speak to somebody."""
        self.dismiss(False)

    @on(Key.Pressed, "#next")
    def go_on(self) -> None:
        """Goes on."""
        self.dismiss(True)


class Consult(Told):
    """The staff have been called; no reason is asked or kept."""

    def page(self) -> ComposeResult:
        """A picture, title and text."""
        with Horizontal(classes="beside"):
            yield Paragraph(COUNTER, classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(self.words("resident.consult.title"), classes="title")
                yield Paragraph(self.words("resident.consult.text"), classes="note")
