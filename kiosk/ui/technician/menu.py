"""The technician's menu: one key for everything that can be looked at or done."""

from enum import StrEnum

from kiosk.ui.menu_screen import MenuScreen
from kiosk.ui.seat import Seat


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
    STATIONS = "stations"


LETTERS = "1234567890abcd"
"""The key of each view, in their order."""


class ViewMenu(MenuScreen[View]):
    """One key a view."""

    def __init__(self, seat: Seat, *, has_hands: bool) -> None:
        super().__init__(
            seat,
            View,
            LETTERS.upper(),
            heading=lambda words: words("technician.menu.title"),
            label=lambda words, view: words(f"technician.view.{view}"),
            barred=() if has_hands else (View.HANDS,),
        )
