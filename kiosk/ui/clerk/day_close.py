"""The end of a day: what the journal says must be in the drawer, what was counted, and the difference."""

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.ui.counter import DayTakings
from kiosk.ui.dates import day_text
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

PIECES_YEN = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10, 5, 1)
"""Notes and coins of Japan."""

_MOST_PIECES = 999


class CountDrawer(SeatScreen[dict[int, int]]):
    """How many of each piece lie in the drawer; the answer is the count of pieces by their value in yen."""

    ASKS_BACK = False
    AUTO_FOCUS = "#piece-10000"

    def __init__(self, seat: Seat, takings: DayTakings) -> None:
        super().__init__(seat, can_stop=True)
        self._takings = takings
        self._pieces = dict.fromkeys(PIECES_YEN, 0)
        self._chosen = PIECES_YEN[0]

    def page(self) -> ComposeResult:
        """The day's sums, then a key a piece."""
        words, day = self.words, self._takings
        yield Paragraph(words("clerk.day.title", day=day_text(day.day, words)), classes="title -tight")
        yield Paragraph(words("clerk.day.text"), classes="aside")
        with Grid(id="drawer"):
            for yen in PIECES_YEN:
                yield Key(self._label(yen), id=f"piece-{yen}", hint=words("money.yen", yen=f"{yen:,}"), value=yen)
        yield Paragraph(id="counted", classes="note")

    def _label(self, yen: int) -> str:
        return self.words("clerk.day.pieces", count=self._pieces[yen])

    def follow(self) -> None:
        """Shows the sum of what was counted."""
        for paragraph in self.query("#counted").results(Paragraph):
            paragraph.write(self.words("clerk.day.counted", yen=f"{self.counted_yen:,}"))

    @property
    def counted_yen(self) -> int:
        """The sum of all pieces."""
        return sum(yen * count for yen, count in self._pieces.items())

    def keys(self) -> Iterable[Key]:
        """Counted."""
        yield Key(self.words("clerk.day.confirm"), id="confirm", hint="F9", kind="main")

    @on(Key.Pressed, "#drawer Key")
    def add(self, event: Key.Pressed) -> None:
        """One more of this piece."""
        if isinstance(event.key.value, int):
            self._set(event.key.value, self._pieces[event.key.value] + 1)

    def on_key(self, event: events.Key) -> None:
        """Digits type how many of the piece with the focus there are."""
        focused = self.focused
        yen = focused.value if isinstance(focused, Key) else None
        if event.key == "f9":
            self.confirm()
        elif not isinstance(yen, int):
            return
        elif event.key == "backspace":
            self._set(yen, self._pieces[yen] // 10)
        elif event.character is not None and event.character in "0123456789":
            self._set(yen, self._pieces[yen] * 10 + int(event.character))

    def _set(self, yen: int, count: int) -> None:
        if count <= _MOST_PIECES:
            self._pieces[yen] = count
        for key in self.query(f"#piece-{yen}").results(Key):
            key.relabel(self._label(yen))
        self.follow()

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Everything was counted."""
        self.dismiss(dict(self._pieces))


class DaySums(SeatScreen[bool]):
    """Journal and drawer beside one another; a difference says so in words."""

    ASKS_BACK = False

    def __init__(self, seat: Seat, takings: DayTakings, counted_yen: int) -> None:
        super().__init__(seat, can_stop=True)
        self._takings = takings
        self._counted_yen = counted_yen

    def page(self) -> ComposeResult:
        """The sums."""
        words, day = self.words, self._takings
        difference = self._counted_yen - day.due_yen
        kind = "none" if difference == 0 else "more" if difference > 0 else "less"
        yield Paragraph(words("clerk.day.title", day=day_text(day.day, words)), classes="title -tight")
        yield Facts(
            {
                words("clerk.day.issued"): words("clerk.day.cases", count=day.issued, yen=f"{day.fees_yen:,}"),
                words("clerk.day.refunds"): words("clerk.day.cases", count=day.refunds, yen=f"{day.refunds_yen:,}"),
                words("clerk.day.due"): words("money.yen", yen=f"{day.due_yen:,}"),
                words("clerk.day.drawer"): words("money.yen", yen=f"{self._counted_yen:,}"),
                words("clerk.day.difference"): words(f"clerk.day.difference.{kind}", yen=f"{abs(difference):,}"),
            }
        )
        if day.left:
            yield Paragraph(words("clerk.day.left", count=day.left), classes="aside")

    def keys(self) -> Iterable[Key]:
        """Seen."""
        yield Key(self.words("key.confirm"), id="confirm", hint="Enter", kind="main")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Seen."""
        self.dismiss(True)
