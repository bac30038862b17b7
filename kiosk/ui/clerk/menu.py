"""The clerk's menu: everything that can be done at the desk, and the places of what is still to come."""

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
    AGENT = "agent"
    INQUIRY = "inquiry"
    HANDOVER = "handover"
    QUEUE = "queue"
    PAPERS = "papers"
    SETTINGS = "settings"


TO_COME = frozenset({Duty.REVOKE, Duty.UNLOCK, Duty.RENEW, Duty.AGENT})
"""Duties whose use case does not exist yet; their keys say so and do nothing."""

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
                is_to_come = duty in TO_COME
                hint = self.words("clerk.menu.to_come") if is_to_come else letter
                key = Key(self.words(f"clerk.duty.{duty}"), id=f"duty-{duty}", hint=hint, value=duty)
                key.disabled = is_to_come
                yield key

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
        if letter and letter in _KEYS and (duty := tuple(Duty)[_KEYS.index(letter)]) not in TO_COME:
            self.dismiss(duty)
