"""The demo's seats at the lower edge: which one is in front, and which one is waited for."""

from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from kiosk.ui.seat_name import SeatName
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

SEAT_KEYS = {SeatName.RESIDENT: "f10", SeatName.CLERK: "f11", SeatName.TECHNICIAN: "f12"}
"""The demo's function keys."""


class SeatTab(Widget):
    """One seat of the demo."""

    @dataclass
    class Chosen(Message):
        """Somebody changes the seat."""

        seat: SeatName

    def __init__(self, words: Words, seat: SeatName, is_front: bool) -> None:
        super().__init__(id=f"sit-{seat}", classes="-front" if is_front else None)
        self._words = words
        self.seat = seat
        self._is_front = is_front
        self._is_called = False

    def call(self, is_called: bool) -> None:
        """Shows whether the seat is waited for."""
        if is_called != self._is_called:
            self._is_called = is_called
            self.set_class(is_called, "-called")
            self.refresh(layout=True)

    def render(self) -> Content:
        """Key, seat, and what it is."""
        state = "front" if self._is_front else "called" if self._is_called else "idle"
        name = self._words(f"demo.seat.{self.seat}")
        return Content(self._words(f"demo.tab.{state}", key=SEAT_KEYS[self.seat].upper(), seat=name))

    def on_click(self, event: events.Click) -> None:
        """A tap changes the seat."""
        event.stop()
        self.post_message(self.Chosen(self.seat))


class SeatBar(Horizontal):
    """The demo's row of seats."""

    def __init__(self, words: Words, front: SeatName) -> None:
        super().__init__()
        self._words = words
        self._front = front

    def compose(self) -> ComposeResult:
        """A note that this is a demo, and a tab a seat."""
        yield Paragraph(self._words("demo.note"))
        for seat in SeatName:
            yield SeatTab(self._words, seat, seat is self._front)

    def call(self, seats: set[SeatName]) -> None:
        """Shows which seats are waited for."""
        for tab in self.query(SeatTab):
            tab.call(tab.seat in seats)
