"""The screen that waits for a resident, and what he may want."""

from collections.abc import Iterable
from enum import StrEnum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.ui.drawings import KEY
from kiosk.ui.idle import Patience
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class Wish(StrEnum):
    """What a resident comes to the terminal for."""

    ISSUE = "issue"
    SHOW = "show"
    TRY = "try"
    LEARN = "learn"
    COMFORT = "comfort"
    """Reading and operating more easily, and another language."""
    SERVICES = "services"
    """Another password, or his certificate revoked."""


_BESIDE_ISSUE = (Wish.SHOW, Wish.TRY, Wish.LEARN, Wish.COMFORT, Wish.SERVICES)


class Start(SeatScreen[Wish]):
    """What one can do here, what it costs and how long it takes; anybody may begin."""

    IS_FIRST = True

    def __init__(self, seat: Seat, fee_yen: int) -> None:
        super().__init__(seat)
        self._fee_yen = fee_yen

    def page(self) -> ComposeResult:
        """Title, one sentence, three facts, the other wishes, and a word to those who read none of our languages."""
        words = self.words
        with Horizontal(classes="beside", id="start"):
            yield Paragraph(KEY, classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(words("resident.start.title"), classes="title")
                yield Paragraph(words("resident.start.lead"), id="start-lead")
                yield Facts(
                    {
                        words("resident.start.fee"): words("money.yen", yen=self._fee_yen),
                        words("resident.start.time"): words("resident.start.time_value"),
                        words("resident.start.bring"): words("resident.start.bring_value"),
                    },
                    label_width=14,
                    is_spread=False,
                )
        with Horizontal(classes="choices -many"):
            for number, wish in enumerate(_BESIDE_ISSUE, 1):
                yield Key(words(f"resident.wish.{wish}"), id=f"wish-{wish}", hint=str(number), value=wish)
        yield Paragraph(words("resident.start.others"), id="start-others")

    def mind_idleness(self, idle_s: float, patience: Patience) -> None:
        """Who has only called somebody, or changed the language, has gone after a while; nobody is asked."""
        if idle_s >= patience.idle_s + patience.warning_s and not self.seat.is_fresh:
            self.dismiss(None)

    def follow(self) -> None:
        """Shows the number that is being called to this counter."""
        called = self.seat.board.calls
        lead = "resident.start.lead" if called is None else "resident.start.called"
        for paragraph in self.query("#start-lead").results(Paragraph):
            paragraph.write(self.words(lead, number=called))

    def keys(self) -> Iterable[Key]:
        """One key begins."""
        yield Key(self.words("resident.start.begin"), id="begin", hint="Enter", kind="main", value=Wish.ISSUE)

    @on(Key.Pressed, "#begin,.choices Key")
    def begin(self, event: Key.Pressed) -> None:
        """Begins."""
        if isinstance(event.key.value, Wish):
            self.dismiss(event.key.value)

    def on_key(self, event: events.Key) -> None:
        """Digits choose one of the other wishes."""
        if event.character is not None and event.character in "12345":
            self.dismiss(_BESIDE_ISSUE[int(event.character) - 1])
