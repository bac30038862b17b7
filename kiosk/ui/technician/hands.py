"""The hands at the simulated devices of a training station: coins into the slot, a new roll, a jam, a fault."""

import asyncio
from collections.abc import Iterable
from functools import partial

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.ui.devices import Hand
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.technician.terms import in_words
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_LOOKS_EVERY_S = 0.5
_KEYS = "123456789"
_DISPLAY = "display"


class Hands(SeatScreen[None]):
    """One device at a time; what it shows, and one key for everything that a hand can do to it."""

    ASKS_BACK = False
    NAMED_KEYS = "#orders Key"

    def __init__(self, seat: Seat, hands: tuple[Hand, ...]) -> None:
        super().__init__(seat, can_stop=True)
        self._hands = hands
        self._at = 0

    @property
    def _hand(self) -> Hand:
        return self._hands[self._at]

    @property
    def _seen(self) -> str:
        """What is to be seen of it; what stands on a display is no word of ours."""
        looks = self._hand.look()
        return looks if self._hand.name == _DISPLAY else in_words(looks, self.words)

    def page(self) -> ComposeResult:
        """What is to be seen, and the orders."""
        hand, words = self._hand, self.words
        yield Paragraph(words("technician.hands.title", device=words(f"hand.{hand.name}")), classes="title -tight")
        yield Paragraph(self._seen, classes="note", id="look-at")
        with Grid(id="orders"):
            for letter, order in zip(_KEYS, hand.orders, strict=False):
                yield Key(_label(self, order), id=f"order-{letter}", hint=letter, value=partial(hand.do, order))

    def keys(self) -> Iterable[Key]:
        """The next device."""
        yield Key(self.words("technician.hands.next"), id="next", hint="Tab", kind="main")

    def on_mount(self) -> None:
        """Begins to look."""
        self.run_worker(self._look(), group="look")

    async def _look(self) -> None:
        while True:
            await self.seat.bell.until(lambda: self.seat.is_in_front)
            self._show()
            await asyncio.sleep(_LOOKS_EVERY_S)

    def _show(self) -> None:
        self.write("look-at", self._seen)

    @on(Key.Pressed, "#orders Key")
    def do(self, event: Key.Pressed) -> None:
        """Does it to the device that the key was drawn for; by now the next one may be shown."""
        if isinstance(event.key.value, partial):
            event.key.value()
            self._show()

    @on(Key.Pressed, "#next")
    async def go_on(self) -> None:
        """To the next device."""
        self._at = (self._at + 1) % len(self._hands)
        await self.compose_anew()

    async def on_key(self, event: events.Key) -> None:
        """Tab goes on."""
        if event.key == "tab":
            event.stop()
            await self.go_on()


def _label(screen: Hands, order: str) -> str:
    """A coin is its value; other orders have words, whatever code they hold before the scanner."""
    if order.isdecimal():
        return screen.words("money.yen", yen=order)
    name = order.partition(" 2011")[0].replace(" ", "_").replace(":", "_").lower()
    return screen.words(f"order.{name}")
