"""A hand that lets a simulated card fail in the middle of what is done with it, as it is trained for."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType

from hw.sim.card import faults as kinds
from hw.sim.fault import Fault

_KEY_GENERATION = frozenset({0x47})
"""GENERATE ASYMMETRIC KEY PAIR (ISO/IEC 7816-8) of both kinds of card."""
_WRITING = frozenset({0xD6, 0xDB})
"""UPDATE BINARY and PUT DATA (ISO/IEC 7816-4): the certificate on its way into the card."""


@dataclass(frozen=True)
class _Order:
    kind: str
    value: str = ""
    instructions: Set[int] = frozenset()
    """Which commands it waits for; none: any."""


ORDERS: Mapping[str, _Order] = MappingProxyType(
    {
        "pull key": _Order(kinds.PULL, instructions=_KEY_GENERATION),
        "pull-after key": _Order(kinds.PULL_AFTER, instructions=_KEY_GENERATION),
        "pull write": _Order(kinds.PULL, instructions=_WRITING),
        "torn write": _Order(kinds.TORN, instructions=_WRITING),
        "weak-key key": _Order(kinds.WEAK_KEY, instructions=_KEY_GENERATION),
        "mute": _Order(kinds.MUTE),
        "sw 6F00": _Order(kinds.STATUS, "6F00"),
    }
)
"""What a trap can be set to: a kind of `hw.sim.card.faults`, and which commands it waits for."""

NOTHING = "nothing"
"""The order that takes another back."""


class CardTrap:
    """A fault that waits for the next command of its kind, whichever card of a station it comes to.

    It springs once. It is set and looked at by a hand, and sprung by the card, from any threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._set = ""
        self._sprung = ""

    def obey(self, order: str) -> None:
        """Sets it in the place of what it was set to; `NOTHING` takes that back. Raises `ValueError`."""
        if order not in ORDERS and order != NOTHING:
            raise ValueError(f"{order!r} is none of: {', '.join((*ORDERS, NOTHING))}")
        with self._lock:
            self._set, self._sprung = "" if order == NOTHING else order, ""

    def look(self) -> str:
        """What waits, or what has happened last."""
        with self._lock:
            if self._set:
                return f"set: {self._set}"
            return f"sprung: {self._sprung}" if self._sprung else "in order"

    def spring(self, ins: int) -> Fault | None:
        """What happens at a command with this instruction byte: nothing, or once what it was set to."""
        with self._lock:
            order = ORDERS.get(self._set)
            if order is None or (order.instructions and ins not in order.instructions):
                return None
            self._set, self._sprung = "", self._set
            return Fault(order.kind, 1, order.value)
