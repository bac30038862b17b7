"""What covers a locked seat: nothing of anybody is shown, and it opens to whoever shows that it is his."""

import math
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from kiosk.ui.seat_name import SeatName
from kiosk.ui.typed_password import TypedPassword
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

if TYPE_CHECKING:
    from kiosk.ui.seat import Seat

_DIGITS = "0123456789"
_MASK = "●"
COUNTS_EVERY_S = 1.0

LOCK_KEYS = frozenset((*_DIGITS, "backspace"))
"""Keys that a locked seat hears besides those that open and leave it."""


class SeatLock(Vertical):
    """The cover. Where the seat has a guard, number and PIN are typed; elsewhere the key opens it."""

    def __init__(self, seat: "Seat") -> None:
        super().__init__(classes="lock")
        self._seat = seat
        # Another screen may come below the cover while somebody types.
        self._typed = seat.typed_at_lock

    def on_mount(self) -> None:
        """Counts the time down for which nobody is heard."""
        self.set_interval(COUNTS_EVERY_S, self._show)

    def compose(self) -> ComposeResult:
        """Title, what to do, what was typed, the key."""
        words = self._seat.words
        is_guarded, is_visit = self._seat.guard is not None, self._seat.name is SeatName.TECHNICIAN
        told = "visit.sign_in" if is_visit else "lock.sign_in" if is_guarded else "lock.text"
        with Vertical(id="lock-box"):
            yield Paragraph(words("visit.title" if is_visit else "lock.title"), classes="title")
            yield Paragraph(words(told), classes="lead")
            if is_guarded:
                yield Paragraph(self._field_text(), id="lock-field")
                if self._seat.is_demo:
                    yield Paragraph(words("lock.demo"), classes="aside")
            yield Key(words("visit.begin" if is_visit else "lock.open"), id="unlock", hint="Enter", kind="main")
            if is_visit:
                yield Key(words("visit.end"), id="end-visit", hint="F12")

    def type(self, key: str) -> None:
        """A digit, or the last one goes."""
        self._seat.was_wrong = False
        if key == "backspace":
            self._typed.erase_last()
        elif key in _DIGITS:
            self._typed.type(ord(key))
        self._show()

    def _field_text(self) -> str:
        return signing_text(self._seat, self._typed, is_wrong=self._seat.was_wrong)

    def _show(self) -> None:
        for paragraph in self.query("#lock-field").results(Paragraph):
            paragraph.write(self._field_text())

    @on(Key.Pressed, "#unlock")
    async def open(self, event: Key.Pressed) -> None:
        """Opens the seat, or says that this was nobody's."""
        event.stop()
        if self._seat.guard is None:
            self._seat.unlock()
        elif len(self._typed) and not await self._seat.unlock_with(self._typed.hand_over()):
            self._seat.was_wrong = not self._seat.deaf_for_s
            self._show()


def signing_text(seat: "Seat", typed: TypedPassword, *, is_wrong: bool) -> str:
    """What a field for number and PIN says: a mark a digit, how long nobody is heard, or that it was nobody's."""
    words = seat.words
    if len(typed):
        return " ".join(_MASK * len(typed))
    if deaf_for_s := seat.deaf_for_s:
        return words("lock.deaf", seconds=math.ceil(deaf_for_s))
    if is_wrong:
        return words("lock.wrong")
    return words("visit.empty" if seat.name is SeatName.TECHNICIAN else "lock.empty")
