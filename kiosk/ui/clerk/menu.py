"""The clerk's menu: everything that can be done at the desk."""

from collections.abc import Iterable
from enum import StrEnum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


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


class Menu(SeatScreen[Duty]):
    """One key a duty."""

    AUTO_FOCUS = "#duty-receive"
    ASKS_BACK = False

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, can_stop=True)

    def page(self) -> ComposeResult:
        """Five in a row."""
        yield Paragraph(self.words("clerk.menu.title"), classes="title -tight")
        with Grid(id="duties"):
            for letter, duty in zip(_KEYS, Duty, strict=True):
                yield Key(self.words(f"clerk.duty.{duty}"), id=f"duty-{duty}", hint=letter, value=duty)

    def keys(self) -> Iterable[Key]:
        """None but the duties."""
        return ()

    @on(Key.Pressed, "#duties Key")
    def choose(self, event: Key.Pressed) -> None:
        """Chooses."""
        if isinstance(event.key.value, Duty):
            self.dismiss(event.key.value)

    def on_key(self, event: events.Key) -> None:
        """Digits and letters choose."""
        letter = (event.character or "").upper()
        if letter and letter in _KEYS:
            self.dismiss(tuple(Duty)[_KEYS.index(letter)])
