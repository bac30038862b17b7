"""The screen that waits for a resident, and what he may want."""

import calendar
from collections.abc import Callable, Iterable
from enum import StrEnum

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.reception_hours import Closed, Hours
from kiosk.ui.drawings import COUNTER, KEY
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
_WITHOUT_STAFF = (Wish.SHOW, Wish.TRY, Wish.LEARN, Wish.COMFORT)
"""What a resident can do while nobody is at the counter."""
_LOOKS_AT_HOURS_EVERY_S = 5.0


class Start(SeatScreen[Wish]):
    """What one can do here, what it costs and how long it takes; anybody may begin.

    `closed` says whether applications are taken in now; while they are not, the screen says when, and begins none.
    """

    IS_FIRST = True
    NAMED_KEYS = ".choices Key"

    def __init__(self, seat: Seat, fee_yen: int, closed: Callable[[], Closed | None] = lambda: None) -> None:
        super().__init__(seat)
        self._fee_yen = fee_yen
        self._ask_closed = closed
        self._outside = closed()

    def page(self) -> ComposeResult:
        """Title, one sentence, three facts, the other wishes, and a word to those who read none of our languages."""
        words, closed = self.words, self._outside
        with Horizontal(classes="beside", id="start"):
            yield Paragraph(KEY if closed is None else COUNTER, classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(words("resident.closed.title" if closed else "resident.start.title"), classes="title")
                yield Paragraph(words("resident.closed.lead" if closed else "resident.start.lead"), id="start-lead")
                yield Facts(self._facts(closed), label_width=14, is_spread=False)
        with Horizontal(classes="choices -many"):
            for number, wish in enumerate(self._offered, 1):
                yield Key(words(f"resident.wish.{wish}"), id=f"wish-{wish}", hint=str(number), value=wish)
        yield Paragraph(words("resident.closed.others" if closed else "resident.start.others"), id="start-others")

    @property
    def _offered(self) -> tuple[Wish, ...]:
        return _BESIDE_ISSUE if self._outside is None else _WITHOUT_STAFF

    def _facts(self, closed: Closed | None) -> dict[str, str]:
        words = self.words
        if closed is None:
            return {
                words("resident.start.fee"): words("money.yen", yen=self._fee_yen),
                words("resident.start.time"): words("resident.start.time_value"),
                words("resident.start.bring"): words("resident.start.bring_value"),
            }
        told = {words("resident.closed.today"): self._hours(closed.today)}
        if (day := closed.next_day) is not None:
            told[words("resident.closed.next")] = words(
                "resident.closed.day",
                month=day.month,
                month_name=calendar.month_name[day.month],
                day=day.day,
                weekday=words(f"date.weekday.{day.weekday()}"),
                hours=self._hours(closed.next_hours),
            )
        return told

    def _hours(self, hours: Hours | None) -> str:
        if hours is None:
            return self.words("resident.closed.all_day")
        return self.words("resident.closed.hours", opens=f"{hours.opens:%-H:%M}", closes=f"{hours.closes:%-H:%M}")

    def mind_idleness(self, idle_s: float, patience: Patience) -> None:
        """Who has only called somebody, or changed the language, has gone after a while; nobody is asked."""
        if idle_s >= patience.idle_s + patience.warning_s and not self.seat.is_fresh:
            self.dismiss(None)

    def on_mount(self) -> None:
        """Follows the hours."""
        self.set_interval(_LOOKS_AT_HOURS_EVERY_S, self.look_at_hours)

    async def look_at_hours(self) -> None:
        """Shows what holds now."""
        if (closed := self._ask_closed()) != self._outside:
            self._outside = closed
            await self.compose_anew()
            self._focus_first()

    def follow(self) -> None:
        """Shows the number that is being called to this counter, at any hour: who waited is still served."""
        called = self.seat.board.calls
        lead = "resident.start.lead" if self._outside is None else "resident.closed.lead"
        for paragraph in self.query("#start-lead").results(Paragraph):
            paragraph.write(self.words(lead if called is None else "resident.start.called", number=called))

    def keys(self) -> Iterable[Key]:
        """One key begins."""
        if self._outside is None:
            yield Key(self.words("resident.start.begin"), id="begin", hint="Enter", kind="main", value=Wish.ISSUE)

    @on(Key.Pressed, "#begin,.choices Key")
    def begin(self, event: Key.Pressed) -> None:
        """Begins."""
        if isinstance(event.key.value, Wish):
            self.dismiss(event.key.value)
