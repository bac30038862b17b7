"""What covers a locked seat: nothing of anybody is shown, and it opens to a clerk who shows that he is one."""

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Center, Vertical

from kiosk.ui.typed_password import TypedPassword
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

if TYPE_CHECKING:
    from kiosk.counter.sign_in import Unheard
    from kiosk.ui.seat import Seat

_DIGITS = "0123456789"
_MASK = "●"

LOCK_KEYS = frozenset((*_DIGITS, "backspace"))
"""Keys that a locked seat hears besides those that open and leave it."""


class SeatLock(Vertical):
    """The cover. Where the seat has a guard, number and PIN are typed; elsewhere the key opens it."""

    def __init__(self, seat: "Seat") -> None:
        super().__init__(classes="lock")
        self._seat = seat
        # Another screen may come below the cover while somebody types.
        self._typed = seat.typed_at_lock
        self._told = ""

    def compose(self) -> ComposeResult:
        """Title, what to do, what was typed, the key."""
        words = self._seat.words
        is_guarded = self._seat.guard is not None
        yield Paragraph(words("lock.title"), classes="title")
        yield Paragraph(words("lock.sign_in" if is_guarded else "lock.text"), classes="lead")
        if is_guarded:
            with Center():
                yield Paragraph(self._field_text(), id="lock-field")
            if self._seat.is_demo:
                yield Paragraph(words("lock.demo"), classes="aside")
        with Center():
            yield Key(words("lock.open"), id="unlock", hint="Enter", kind="main")

    def type(self, key: str) -> None:
        """A digit, or the last one goes."""
        self._told = ""
        if key == "backspace":
            self._typed.erase_last()
        elif key in _DIGITS:
            self._typed.type(ord(key))
        self._show()

    def _field_text(self) -> str:
        return self._told or masked(self._typed, self._seat.words)

    def _show(self) -> None:
        for paragraph in self.query("#lock-field").results(Paragraph):
            paragraph.write(self._field_text())

    @on(Key.Pressed, "#unlock")
    async def open(self, event: Key.Pressed) -> None:
        """Opens the seat, or says that this was nobody's."""
        event.stop()
        if self._seat.guard is None:
            self._seat.unlock()
            return
        unheard = await self._seat.unlock_with(self._typed.hand_over())
        if self._seat.is_locked:
            self._told = not_signed_in(unheard, self._seat.words)
            self._show()


def masked(typed: TypedPassword, words: Words) -> str:
    """What was typed of number and PIN, a mark a digit."""
    return " ".join(_MASK * len(typed)) or words("lock.empty")


def not_signed_in(unheard: "Unheard | None", words: Words) -> str:
    """Why what was typed opened nothing: it was nobody's, or nobody is heard for a while."""
    return words("lock.wrong") if unheard is None else words("lock.unheard", seconds=unheard.left_s)
