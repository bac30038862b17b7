"""The technician's menu: one key for everything that can be looked at or done."""

from collections.abc import Iterable
from enum import StrEnum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class View(StrEnum):
    """What a technician looks at besides devices and exchanges."""

    HEALTH = "health"
    LINES = "lines"
    FAILURES = "failures"
    LOG = "log"
    STATISTICS = "statistics"
    CHECK = "check"
    SUPPLIES = "supplies"
    SURROUNDINGS = "surroundings"
    CONSOLE = "console"
    CONFORMITY = "conformity"
    HANDS = "hands"
    OPERATIONS = "operations"
    BUNDLE = "bundle"


LETTERS = "1234567890abc"
"""The key of each view, in their order."""


class Menu(SeatScreen[View]):
    """One key a view."""

    AUTO_FOCUS = "#view-health"
    ASKS_BACK = False

    def __init__(self, seat: Seat, *, has_hands: bool) -> None:
        super().__init__(seat, can_stop=True)
        self._has_hands = has_hands

    def page(self) -> ComposeResult:
        """Five in a row."""
        yield Paragraph(self.words("technician.menu.title"), classes="title -tight")
        with Grid(id="rounds"):
            for letter, view in zip(LETTERS, View, strict=True):
                key = Key(self.words(f"technician.view.{view}"), id=f"view-{view}", hint=letter.upper(), value=view)
                key.disabled = view is View.HANDS and not self._has_hands
                yield key

    def keys(self) -> Iterable[Key]:
        """None but the views."""
        return ()

    @on(Key.Pressed, "#rounds Key")
    def choose(self, event: Key.Pressed) -> None:
        """Chooses."""
        if isinstance(event.key.value, View):
            self.dismiss(event.key.value)

    def on_key(self, event: events.Key) -> None:
        """Digits and letters choose."""
        letter = (event.character or "").lower()
        if letter and letter in LETTERS:
            for key in self.query(f"#view-{tuple(View)[LETTERS.index(letter)]}").results(Key):
                key.action_press()
