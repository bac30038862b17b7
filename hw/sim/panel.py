"""What hands can do at the simulated devices of a station, and what eyes see there."""

from dataclasses import dataclass
from typing import Protocol

from hw.link.memory import Core
from hw.sim.card.trap import NOTHING as NO_CARD_ORDER
from hw.sim.card.trap import ORDERS as CARD_ORDERS


class Handled(Protocol):
    """A simulated device that hands can do something to."""

    def obey(self, order: str) -> None:
        """Does what a person would do, in one line of text. Raises `ValueError` for what is no such thing."""
        ...

    def look(self) -> str:
        """What a person sees of it, in one line of English."""
        ...


class HandledCore(Core, Handled, Protocol):
    """One that is driven over a line."""


@dataclass(frozen=True)
class Hand:
    """The hand at one simulated device: `orders` are what it can do by one key."""

    name: str
    orders: tuple[str, ...]
    core: Handled

    def do(self, order: str) -> None:
        """Does it; at once, from any thread."""
        if order not in self.orders:
            raise ValueError(f"{order!r} is none of: {', '.join(self.orders)}")
        self.core.obey(order)

    def look(self) -> str:
        """What is to be seen there."""
        return self.core.look()


_ORDERS = {
    "card": (*CARD_ORDERS, NO_CARD_ORDER),
    "cash": ("500", "100", "50", "10", "error 20", "jam", "clear", "reset"),
    "changer": ("10000", "5000", "1000", "500", "100", "jam", "clear"),
    "printer": (
        *("paper near end", "paper end", "paper ok", "cover open", "cover close"),
        *("cutter jam", "drawer close", "power off"),
    ),
    "display": ("power off",),
    "lamp": ("power off", "refuse", "accept"),
    "scanner": ("scan 2011-0001", "twice 2011-0001", "scan MENU:TRGMOD0", "power off"),
}
"""By the device's table: what befalls the card, coins into the slot, a coin on a string (error 20), a new roll, a
programming barcode."""


def hand_at(name: str, core: Handled) -> Hand:
    """The hand at the device of that name."""
    return Hand(name, _ORDERS[name], core)
