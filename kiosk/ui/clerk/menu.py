"""The clerk's menu: everything that can be done at the desk."""

from enum import StrEnum

from kiosk.ui.menu_screen import MenuScreen
from kiosk.ui.seat import Seat


class Duty(StrEnum):
    """What a clerk wants to do besides answering the case at the terminal."""

    RECEIVE = "receive"
    """Takes an application in and sends it to the terminal."""
    LEFT = "left"
    """Looks at the cases that were left."""
    AUDIT = "audit"
    DAY_CLOSE = "day_close"
    LOCK = "lock"
    REPRINT = "reprint"
    REVOKE = "revoke"
    UNLOCK = "unlock"
    RENEW = "renew"
    """Revokes, then takes an application in: a new key destroys the old one."""
    AGENT = "agent"
    """Two visits; at the first a letter goes to the resident, the second is the counter's way on paper."""
    INQUIRY = "inquiry"
    HANDOVER = "handover"
    QUEUE = "queue"
    PAPERS = "papers"
    SETTINGS = "settings"


_KEYS = "1234567890ABDFG"
"""By the order of the duties; without the letter that changes the language."""


class Menu(MenuScreen[Duty]):
    """One key a duty."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(
            seat,
            Duty,
            _KEYS,
            heading=lambda words: words("clerk.menu.title"),
            label=lambda words, duty: words(f"clerk.duty.{duty}"),
        )
