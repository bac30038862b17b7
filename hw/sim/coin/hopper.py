"""A coin hopper: pays coins of one kind, one after the other, and counts what it paid and what it did not.

Source: ccTalk Generic Specification, part 2, payout commands; SCH2 technical manual, headers 163 to 172.
"""

from dataclasses import asdict, dataclass
from typing import Any

from hw.sim.coin.peripheral import DONE, REFUSED, Identity, Reply

COIN_S = 0.2
"""How long it takes to pay one coin."""
TIMEOUT_S = 2.0
"""How long it looks for a coin before it gives up."""
_ENABLE = 0xA5
_SECURITY_BYTES = (8, 3)
"""Bytes before the number of coins: a cipher or NOENCRYPT's eight of anything; the serial number on ITA firmware."""
_ITA_BYTES = 4
_PAYOUT_TIMEOUT, _POWER_UP, _DISABLED = 0x02, 0x40, 0x80


@dataclass
class HopperMemory:
    """Coins that it holds, and its counters; after a power cut the event counter is 0, paid and unpaid are kept."""

    stock: int = 100
    event: int = 0
    remaining: int = 0
    paid: int = 0
    unpaid: int = 0
    dispensed: int = 0


class Hopper:
    """The hopper at its address; `memory` outlives it."""

    def __init__(self, memory: HopperMemory, coin: str = "JP100A") -> None:
        self.memory = memory
        self.identity = Identity(b"Payout", b"SCH-SIM", 0x0AD7DF)
        self._coin = coin.encode("ascii")
        self._flags = _POWER_UP
        self.faults = (0, 0)
        """What its two test registers show besides."""
        self._is_enabled = False
        self._next_coin_s: float | None = None

    @property
    def coin_yen(self) -> int:
        """What each of its coins is worth."""
        return int(self._coin[2:5])

    def dump(self) -> dict[str, Any]:
        """Its memory as plain data."""
        return asdict(self.memory)

    def reset(self) -> None:
        """As after power-up: disabled; a payout under way ends here."""
        self._stop()
        self.memory.event = 0
        self._flags, self._is_enabled = _POWER_UP, False

    def work(self, now_s: float) -> None:
        """Pays the coins that are due by now."""
        memory = self.memory
        while self._next_coin_s is not None and memory.remaining and now_s >= self._next_coin_s:
            if not memory.stock:
                self._flags |= _PAYOUT_TIMEOUT
                self._stop()
                return
            memory.stock -= 1
            memory.remaining -= 1
            memory.paid += 1
            memory.dispensed += 1
            self._next_coin_s += COIN_S if memory.stock or not memory.remaining else TIMEOUT_S
        if not memory.remaining:
            self._next_coin_s = None

    def answer(self, header: int, data: bytes, now_s: float) -> Reply | None:
        """Answer to a command of hoppers; None when it knows no such command."""
        memory = self.memory
        match header:
            case 236:  # read opto states
                return Reply(bytes(1))
            case 217:  # request payout high/low status: bit 0 empty, 4 and 5 level sensors fitted
                return Reply(bytes((0x10 | (memory.stock < 5),)))
            case 172:  # emergency stop: coins not paid
                left = memory.remaining
                self._stop()
                return Reply(bytes((left,)))
            case 171:  # request hopper coin
                return Reply(self._coin)
            case 168:  # request hopper dispense count
                return Reply((memory.dispensed & 0xFFFFFF).to_bytes(3, "little"))
            case 167:  # dispense hopper coins
                return self._dispense(data, now_s)
            case 166:  # request hopper status
                return Reply(bytes((memory.event, memory.remaining, memory.paid, memory.unpaid)))
            case 164 if len(data) == 1:  # enable hopper
                self._is_enabled = data[0] == _ENABLE
                return DONE
            case 163:  # test hopper
                first, second = self.faults
                return Reply(bytes((first | self._flags | (0 if self._is_enabled else _DISABLED), second)))
            case 161:  # pump RNG
                return DONE
            case 160:  # request cipher key
                return Reply(bytes(8))
        return None

    def _dispense(self, data: bytes, now_s: float) -> Reply:
        if len(data) - 1 not in _SECURITY_BYTES:
            return REFUSED
        if len(data) == _ITA_BYTES and data[:3] != self.identity.serial.to_bytes(3, "little"):
            return REFUSED
        count, memory = data[-1], self.memory
        memory.event = memory.event % 255 + 1  # "also when a NAK is received", as the Flow manual has it
        if not self._is_enabled or memory.remaining or not count:
            return REFUSED
        memory.remaining, memory.paid, memory.unpaid = count, 0, 0
        self._flags &= ~_PAYOUT_TIMEOUT
        self._next_coin_s = now_s + (COIN_S if memory.stock else TIMEOUT_S)
        return Reply(bytes((memory.event,)))

    def _stop(self) -> None:
        self.memory.unpaid, self.memory.remaining = self.memory.remaining or self.memory.unpaid, 0
        self._next_coin_s = None
