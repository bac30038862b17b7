"""The technician's menu: what can be looked at, and the places of what is still to come."""

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

    FAILURES = "failures"
    LOG = "log"
    STATISTICS = "statistics"
    CHECK = "check"
    HEALTH = "health"
    CONSOLE = "console"
    CONFORMITY = "conformity"
    FAULTS = "faults"
    BUNDLE = "bundle"


TO_COME = frozenset({View.HEALTH, View.CONSOLE, View.CONFORMITY, View.FAULTS, View.BUNDLE})
"""Views behind which nothing stands yet; their keys say so and do nothing."""


class Menu(SeatScreen[View]):
    """One key a view."""

    AUTO_FOCUS = "#view-failures"
    ASKS_BACK = False

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, can_stop=True)

    def page(self) -> ComposeResult:
        """Four in a row."""
        yield Paragraph(self.words("technician.menu.title"), classes="title -tight")
        with Grid(id="duties"):
            for number, view in enumerate(View, 1):
                is_to_come = view in TO_COME
                hint = self.words("clerk.menu.to_come") if is_to_come else str(number)
                key = Key(self.words(f"technician.view.{view}"), id=f"view-{view}", hint=hint, value=view)
                key.disabled = is_to_come
                yield key

    def keys(self) -> Iterable[Key]:
        """None but the views."""
        return ()

    @on(Key.Pressed, "#duties Key")
    def choose(self, event: Key.Pressed) -> None:
        """Chooses."""
        if isinstance(event.key.value, View):
            self.dismiss(event.key.value)

    def on_key(self, event: events.Key) -> None:
        """Digits choose."""
        if event.character is not None and event.character in "1234":
            self.dismiss(tuple(View)[int(event.character) - 1])
