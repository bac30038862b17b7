"""A coin acceptor without escrow: what it takes is in the cash box, and told in a buffer of the five latest events.

Source: ccTalk Generic Specification, part 2, coin acceptor commands; part 3, error and status codes. Behaviour of the
event counter, of inhibits after power-up and of an acceptor that is not polled: SR5 technical manual.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from hw.sim.coin.peripheral import DONE, REFUSED, Identity, Reply

COINS = ("JP500A", "JP500B", "JP100A", "JP050A", "JP010A")
"""Coin positions from 1: the 500-yen coin of 2021, the one before, 100, 50 and 10 yen."""

BUFFERED = 5
POLL_S = 1.0
"""Not polled for longer it takes no coin, and tells nothing of those that it returns."""
_POSITIONS = 16
_REJECTED, _INHIBITED, _COIN_ON_STRING, _SWALLOWED = 1, 2, 20, 36
_UNUSED_COIN = b"......"
_FRAUD = (_COIN_ON_STRING, _SWALLOWED)


@dataclass
class AcceptorMemory:
    """What it holds: inhibits (bit 1: enabled), events newest first, counters, and the coins in the cash box.

    The event counter, the events and the inhibits are gone after a power cut, the rest is not.
    """

    counter: int = 0
    events: list[list[int]] = field(default_factory=list)
    enabled: int = 0
    is_open: bool = True
    accept_limit: int = 0
    inserted: int = 0
    accepted: int = 0
    rejected: int = 0
    frauds: int = 0
    cash_box_yen: list[int] = field(default_factory=list)
    returned_yen: list[int] = field(default_factory=list)


class Acceptor:
    """The acceptor at its address; `memory` outlives it."""

    def __init__(self, memory: AcceptorMemory, coins: tuple[str, ...] = COINS) -> None:
        self.memory = memory
        self.identity = Identity(b"Coin Acceptor", b"SR-SIM", 0x012345)
        self.fault_code = 0
        self.status_code = 0
        self._coins = [coin.encode("ascii") for coin in coins]
        self._sorter_paths = [1] * _POSITIONS
        self._sorter_override = 0xFF
        self._last_poll_s: float | None = None

    def dump(self) -> dict[str, Any]:
        """Its memory as plain data."""
        return asdict(self.memory)

    def reset(self) -> None:
        """As after power-up: nothing is accepted until the host says so, and the event counter is 0."""
        memory = self.memory
        memory.counter, memory.events = 0, []
        memory.enabled, memory.is_open, memory.accept_limit = 0, True, 0
        self._last_poll_s = None

    def would_take(self, yen: int, now_s: float) -> bool:
        """Whether a coin put in now would be taken."""
        return self._position_for(yen) is not None and self._is_polled(now_s) and self.memory.is_open

    def insert(self, yen: int, now_s: float) -> bool:
        """A coin falls in; whether it is taken. A face value that no position has is no coin to it."""
        memory = self.memory
        memory.inserted += 1
        position = self._position_for(yen)
        if position is not None and self.would_take(yen, now_s):
            memory.accepted += 1
            memory.cash_box_yen.append(yen)
            if memory.accept_limit:
                memory.accept_limit -= 1
                memory.is_open = memory.accept_limit > 0
            self._tell(position, self._sorter_paths[position - 1])
            return True
        memory.rejected += 1
        memory.returned_yen.append(yen)
        if self._is_polled(now_s):
            self._tell(0, _INHIBITED if any(_yen(coin) == yen for coin in self._coins) else _REJECTED)
        return False

    def report(self, error: int) -> None:
        """An event that is no coin: `error` of part 3, such as 20 for a coin on a string."""
        if error in _FRAUD:
            self.memory.frauds += 1
        self._tell(0, error)

    def answer(self, header: int, data: bytes, now_s: float) -> Reply | None:
        """Answer to a command of coin acceptors; None when it knows no such command."""
        memory = self.memory
        match header:
            case 249:  # request polling priority: 20 times 10 ms
                return Reply(bytes((2, 20)))
            case 248:  # request status
                return Reply(bytes((self.status_code,)))
            case 247:  # request variable set
                return Reply(bytes(2))
            case 243:  # request database version
                return Reply(bytes((1,)))
            case 240 | 238 | 233:  # test solenoids, test output lines, latch output lines
                return DONE
            case 237:  # read input lines
                return Reply(bytes(2))
            case 236:  # read opto states
                return Reply(bytes(1))
            case 232:  # perform self-check
                return Reply(bytes((self.fault_code,)))
            case 231 if len(data) == 2:  # modify inhibit status
                memory.enabled = int.from_bytes(data, "little")
                return DONE
            case 230:  # request inhibit status
                return Reply(memory.enabled.to_bytes(2, "little"))
            case 229:  # read buffered credit or error codes
                self._last_poll_s = now_s
                pairs = [*memory.events, *([[0, 0]] * BUFFERED)][:BUFFERED]
                return Reply(bytes((memory.counter, *(value for pair in pairs for value in pair))))
            case 228 if len(data) == 1:  # modify master inhibit status
                memory.is_open = bool(data[0] & 1)
                return DONE
            case 227:  # request master inhibit status
                return Reply(bytes((memory.is_open,)))
            case 226:  # request insertion counter
                return _count(memory.inserted)
            case 225:  # request accept counter
                return _count(memory.accepted)
            case 194:  # request reject counter
                return _count(memory.rejected)
            case 193:  # request fraud counter
                return _count(memory.frauds)
            case 222 if len(data) == 1:  # modify sorter override status
                self._sorter_override = data[0]
                return DONE
            case 221:  # request sorter override status
                return Reply(bytes((self._sorter_override,)))
            case 213:  # request option flags: bit 0 = 0, credits are told as coin positions
                return Reply(bytes(1))
            case 135 if len(data) == 1:  # set accept limit
                memory.accept_limit = data[0]
                return DONE
            case _:
                return self._answer_position(header, data)

    def _answer_position(self, header: int, data: bytes) -> Reply | None:
        """Commands about one coin position."""
        if header not in (210, 209, 185, 184) or not data:
            return None
        index = data[0] - 1
        if not 0 <= index < _POSITIONS:
            return REFUSED
        match header:
            case 210 if len(data) >= 2:  # modify sorter paths
                self._sorter_paths[index] = data[1]
                return DONE
            case 209:  # request sorter paths
                return Reply(bytes((self._sorter_paths[index],)))
            case 185 if len(data) == 7:  # modify coin id
                self._coins += [_UNUSED_COIN] * (index + 1 - len(self._coins))
                self._coins[index] = data[1:]
                return DONE
            case 184:  # request coin id
                return Reply(self._coins[index] if index < len(self._coins) else _UNUSED_COIN)
        return REFUSED

    def _position_for(self, yen: int) -> int | None:
        """The enabled position of that coin, while nothing is wrong with the mechanism."""
        if self.fault_code:
            return None
        enabled = (n for n in range(1, len(self._coins) + 1) if self.memory.enabled >> (n - 1) & 1)
        return next((n for n in enabled if _yen(self._coins[n - 1]) == yen), None)

    def _is_polled(self, now_s: float) -> bool:
        return self._last_poll_s is not None and now_s - self._last_poll_s <= POLL_S

    def _tell(self, credit: int, code: int) -> None:
        memory = self.memory
        memory.counter = memory.counter % 255 + 1  # 255 is followed by 1: 0 says that it was reset
        memory.events = [[credit, code], *memory.events][:BUFFERED]


def _count(number: int) -> Reply:
    return Reply((number & 0xFFFFFF).to_bytes(3, "little"))


def _yen(coin: bytes) -> int | None:
    return int(coin[2:5]) if coin[:2] == b"JP" and coin[2:5].isdigit() else None
