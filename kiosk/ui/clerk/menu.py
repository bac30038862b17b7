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


TO_COME = frozenset({Duty.REPRINT, Duty.RENEW, Duty.AGENT, Duty.INQUIRY, Duty.HANDOVER})
"""Duties whose use case does not exist yet; their keys say so and do nothing."""


class Menu(SeatScreen[Duty]):
    """One key a duty."""

    AUTO_FOCUS = "#duty-receive"
    ASKS_BACK = False

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, can_stop=True)

    def page(self) -> ComposeResult:
        """Four in a row."""
        yield Paragraph(self.words("clerk.menu.title"), classes="title -tight")
        with Grid(id="duties"):
            for number, duty in enumerate(Duty, 1):
                is_to_come = duty in TO_COME
                hint = self.words("clerk.menu.to_come") if is_to_come else str(number)
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
        """Digits choose."""
        if event.character is not None and event.character in "1234578":
            self.dismiss(tuple(Duty)[int(event.character) - 1])
