"""A ccTalk coin acceptor: who it is, which coins it knows, what it may take, and what it took.

Source: ccTalk Generic Specification, part 2, coin acceptor commands.
"""

from collections.abc import Collection
from dataclasses import dataclass

from hw.cash.cctalk.bus import Bus
from hw.cash.cctalk.events import BUFFER_SIZE, Reading, read_buffer
from hw.errors import OutcomeUnknown, Refused

ADDRESS = 2
_POSITIONS = 16
_COUNTRY = b"JP"
_SIMPLE_POLL, _CATEGORY, _MANUFACTURER, _PRODUCT, _SERIAL, _SOFTWARE = 254, 245, 246, 244, 242, 241
_SELF_CHECK, _READ_BUFFER, _COIN_ID = 232, 229, 184
_INHIBIT, _REQUEST_INHIBIT, _MASTER_INHIBIT = 231, 230, 228


@dataclass(frozen=True)
class Identity:
    """What an acceptor or hopper says of itself; `serial` tells two of the same kind apart."""

    category: str
    manufacturer: str
    product: str
    serial: int
    software: str

    def __str__(self) -> str:
        """Short, as the technician sees it."""
        return f"{self.manufacturer} {self.product} no. {self.serial}"


def identify(bus: Bus, address: int) -> Identity:
    """Asks a peripheral who it is."""
    texts = [bus.ask(address, header).decode("latin-1") for header in (_CATEGORY, _MANUFACTURER, _PRODUCT, _SOFTWARE)]
    serial = int.from_bytes(bus.ask(address, _SERIAL, size=3), "little")
    return Identity(texts[0], texts[1], texts[2], serial, texts[3])


class CoinAcceptor:
    """The acceptor at `address` of `bus`."""

    def __init__(self, bus: Bus, address: int = ADDRESS) -> None:
        self._bus = bus
        self._address = address
        self._told: tuple[frozenset[int], ...] = (frozenset(),)

    @property
    def failures(self) -> int:
        """Exchanges that had to be repeated or given up."""
        return self._bus.failures

    @property
    def losses(self) -> int:
        """How often its line was found lost; another acceptor may sit there since."""
        return self._bus.losses

    def poll(self) -> None:
        """Asks whether it is there."""
        self._bus.ask(self._address, _SIMPLE_POLL, size=0)

    def identity(self) -> Identity:
        """Asks who it is."""
        return identify(self._bus, self._address)

    def self_check(self) -> int:
        """Its own fault code, 0 when nothing is wrong (part 3, table 3)."""
        return self._bus.ask(self._address, _SELF_CHECK, size=1)[0]

    def coins(self) -> dict[int, int]:
        """The face value in yen of every position that has a Japanese coin."""
        values = {}
        for position in range(1, _POSITIONS + 1):
            try:
                code = self._bus.ask(self._address, _COIN_ID, bytes((position,)), size=6)
            except Refused:
                break  # it has no such position, and none after it
            if code[:2] == _COUNTRY and code[2:5].isdigit() and int(code[2:5]):
                values[position] = int(code[2:5])
        return values

    def open_for(self, positions: Collection[int]) -> None:
        """From now on takes the coins of `positions` and no others; reads back whether that holds.

        Raises `OutcomeUnknown` where it does not: it has forgotten, and `has_forgotten` says so.
        """
        self._told = (*self._told, frozenset(positions))
        mask = sum(1 << (position - 1) for position in positions).to_bytes(2, "little")
        self._bus.ask(self._address, _INHIBIT, mask, size=0)
        self._told = (frozenset(positions),)
        self._master(is_open=bool(positions))
        if self._bus.ask(self._address, _REQUEST_INHIBIT, size=2) != mask:
            raise OutcomeUnknown("the acceptor does not hold to what it was told to take")

    def close(self) -> None:
        """Takes nothing any more; reads back whether that holds."""
        self.open_for(())

    def takes(self) -> frozenset[int]:
        """The positions that it takes now, as it says itself; none after it was reset."""
        mask = int.from_bytes(self._bus.ask(self._address, _REQUEST_INHIBIT, size=2), "little")
        return frozenset(position for position in range(1, _POSITIONS + 1) if mask >> (position - 1) & 1)

    @property
    def was_told(self) -> frozenset[int]:
        """The positions that it was last told to take, whether or not it has heard so."""
        return self._told[-1]

    @property
    def may_be_open(self) -> bool:
        """Whether it was told to take anything, and not for certain that it shall no more."""
        return any(self._told)

    def has_forgotten(self) -> bool:
        """Asks whether it has lost what it was told: it was reset, also where its event counter does not show it."""
        taken = self.takes()
        is_lost = taken not in self._told
        self._told = (taken,)
        return is_lost

    def read(self, last: int) -> Reading:
        """What happened since the reading that ended at counter `last`; keeps it awake for a second."""
        return read_buffer(self._bus.ask(self._address, _READ_BUFFER, size=BUFFER_SIZE), last)

    def _master(self, *, is_open: bool) -> None:
        try:
            self._bus.ask(self._address, _MASTER_INHIBIT, bytes((is_open,)), size=0)
        except (Refused, OutcomeUnknown):
            pass  # SR3 has no header 228; header 231 alone decides there, and is read back
