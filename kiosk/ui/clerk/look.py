"""Questions that only somebody who looks can answer: whether the paper came out, whether the resident has his card."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kiosk.model.testimony import PaperSeen
from kiosk.ui.persons import Unsure
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class LookAtPaper(SeatScreen[PaperSeen | Unsure]):
    """What came out of the printer."""

    NAMED_KEYS = ".choices Key"

    def __init__(self, seat: Seat, position: int | None, receipt_number: int) -> None:
        super().__init__(seat, position=position)
        self._receipt_number = receipt_number

    def page(self) -> ComposeResult:
        """Which paper, what to look for, and four answers; none is the default: a guess is worse than saying so."""
        yield Paragraph(self.words("clerk.paper.title", number=self._receipt_number), classes="title")
        yield Paragraph(self.words("clerk.paper.text"), classes="lead note")
        with Horizontal(classes="choices"):
            for number, seen in enumerate((*PaperSeen, Unsure.CANNOT_TELL), 1):
                yield Key(self.words(f"clerk.paper.{seen}"), id=f"answer-{number}", hint=str(number), value=seen)

    @on(Key.Pressed, ".choices Key")
    def answer(self, event: Key.Pressed) -> None:
        """Says what is there."""
        if isinstance(event.key.value, PaperSeen | Unsure):
            self.dismiss(event.key.value)


class LookForCard(SeatScreen[bool]):
    """Whether the resident has his card."""

    def __init__(self, seat: Seat, position: int | None) -> None:
        super().__init__(seat, position=position)

    def page(self) -> ComposeResult:
        """The question."""
        yield Paragraph(self.words("clerk.card.title"), classes="title")
        yield Paragraph(self.words("clerk.card.text"), classes="lead note")

    def keys(self) -> Iterable[Key]:
        """Both answers."""
        yield Key(self.words("clerk.card.no"), id="no", hint="1")
        yield Key(self.words("clerk.card.yes"), id="yes", hint="2")

    @on(Key.Pressed, "#no,#yes")
    def answer(self, event: Key.Pressed) -> None:
        """Says whether he has it."""
        self.dismiss(event.key.id == "yes")
