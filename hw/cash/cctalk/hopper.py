"""A ccTalk hopper: pays coins once, and says how many really came out.

Source: ccTalk Generic Specification, part 2, payout commands; SCH2 manual for the order of commands and the registers
of header 163; Flow manual, which counts as an event also a command to pay that it refuses.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hw.cash.cctalk.acceptor import Identity, identify
from hw.cash.cctalk.bus import Bus
from hw.errors import LinkLost, NotSent, OutcomeUnknown, Refused

ADDRESS = 3
_TEST, _ENABLE, _CIPHER_KEY, _DISPENSE, _STATUS, _COIN = 163, 164, 160, 167, 166, 171
_ENABLED = b"\xa5"
_POLL_S = 0.1
_LONGEST_S = 60.0
_MOST_COINS = 20
_FAULTS = 0x39
"""Bits of the first test register that stop a payout: current, optos; not timeout of the last one, not a reversal."""
_FAULTS_BESIDE = 0x7D
"""Of the second, where there is one: opto, checksums, memory lost; not single coin mode, nor that it has a PIN."""
_STOPPING = _FAULTS | _FAULTS_BESIDE << 8
_DISABLED = 0x80
"""Of the first: no command to pay is obeyed, as from power-up until it is enabled."""


@dataclass(frozen=True)
class Payout:
    """What a hopper paid: coins that came out, and those that did not."""

    paid: int
    unpaid: int


@dataclass(frozen=True)
class HopperStatus:
    """Its counters: payouts since power-up, coins still to come, and paid and unpaid of the last payout."""

    event: int
    remaining: int
    paid: int
    unpaid: int


def _next(event: int) -> int:
    """The event counter after one more: 255 is followed by 1."""
    return event % 255 + 1


class CoinHopper:
    """The hopper at `address` of `bus`; `coin_yen` is what each of its coins is worth, asked of it when None."""

    def __init__(
        self,
        bus: Bus,
        address: int = ADDRESS,
        *,
        coin_yen: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bus = bus
        self._address = address
        self._coin_yen = coin_yen
        self._monotonic = monotonic
        self._pause = pause

    def identity(self) -> Identity:
        """Asks who it is."""
        return identify(self._bus, self._address)

    def coin_yen(self) -> int:
        """The face value of its coins. Raises `Refused` when it names no Japanese coin."""
        if self._coin_yen is None:
            code = self._bus.ask(self._address, _COIN, size=6)
            if code[:2] != b"JP" or not code[2:5].isdigit() or not int(code[2:5]):
                raise Refused(f"the hopper pays {code!r}, no yen")
            self._coin_yen = int(code[2:5])
        return self._coin_yen

    def status(self) -> HopperStatus:
        """Its counters; after a power cut they tell how far the last payout came."""
        return HopperStatus(*self._bus.ask(self._address, _STATUS, size=4))

    def pay(self, coins: int) -> Payout:
        """Pays `coins`, 1 to 20, once.

        The command is given a single time; when its answer is lost, the hopper's event counter tells whether it was
        heard. Raises `NotSent` when it was not, `Refused` when the hopper will not, `OutcomeUnknown` and `LinkLost`
        when nobody can say: then `status` must be read before anything is paid again.
        """
        if not 1 <= coins <= _MOST_COINS:
            raise ValueError(f"{coins} coins are no payout")
        try:
            if self._registers() & _STOPPING:
                raise Refused("the hopper reports a fault")
            self._bus.ask(self._address, _ENABLE, _ENABLED, size=0)
            before = self.status()
            key = self._bus.ask(self._address, _CIPHER_KEY, size=8)
        except (OutcomeUnknown, LinkLost) as error:
            raise NotSent(f"nothing was paid: {error}") from error
        if before.remaining:
            raise Refused("the hopper is paying already")
        try:
            self._bus.tell_once(self._address, _DISPENSE, key + bytes((coins,)))
        except OutcomeUnknown:
            paid = self.outcome_of(before, coins)
            return Payout(paid, coins - paid)
        return self._follow(coins, _next(before.event))

    def _registers(self) -> int:
        """Its test registers, the first one lowest."""
        registers = self._bus.ask(self._address, _TEST)
        if not registers:
            raise OutcomeUnknown("the hopper acknowledges its test, and tells nothing")
        return int.from_bytes(registers[:2], "little")

    def _may_have_refused(self, before: HopperStatus, status: HopperStatus) -> bool:
        """Whether its counters may be those of a command that it refused: some count that too, and keep the rest."""
        if status.remaining or (status.paid, status.unpaid) != (before.paid, before.unpaid):
            return False
        try:
            return bool(self._registers() & (_STOPPING | _DISABLED))
        except (NotSent, Refused) as error:
            raise OutcomeUnknown(f"the hopper was told to pay, and cannot be asked: {error}") from error

    def outcome_of(self, before: HopperStatus, coins: int) -> int:
        """How many of `coins` came out in a payout before which its status was `before`.

        Raises `NotSent` when it never began, `OutcomeUnknown` when nobody can tell.
        """
        status = self._status_of_payout()
        if status.event == _next(before.event):
            if self._may_have_refused(before, status):
                raise OutcomeUnknown("the hopper cannot pay, and what it paid last may be the payout before")
            return self._follow(coins, status.event).paid
        if status.event == before.event != 0 and not status.remaining:
            raise NotSent("the hopper did not hear the command to pay")
        if status.event != 0:
            raise OutcomeUnknown("the hopper has paid again since it was told to pay")
        # It was switched off, or has never paid: what its memory says of the last payout is of this one if it is new.
        if (status.paid, status.unpaid) != (before.paid, before.unpaid) and status.paid + status.unpaid == coins:
            return status.paid
        if (status.paid, status.unpaid) == (before.paid, before.unpaid) and before.paid + before.unpaid != coins:
            raise NotSent("the hopper did not hear the command to pay")
        raise OutcomeUnknown("the hopper was reset, and its memory does not tell this payout from the one before")

    def _status_of_payout(self) -> HopperStatus:
        """The status while it may be paying: that it cannot be asked says nothing about what it pays."""
        try:
            return self.status()
        except (NotSent, Refused) as error:
            raise OutcomeUnknown(f"the hopper was told to pay, and cannot be asked: {error}") from error

    def _follow(self, coins: int, event: int) -> Payout:
        give_up_s = self._monotonic() + _LONGEST_S
        while self._monotonic() < give_up_s:
            status = self._status_of_payout()
            if status.event != event:
                raise OutcomeUnknown(f"the hopper was reset: {status.paid} paid, {status.unpaid} not, as it says")
            if not status.remaining:
                # Some hoppers clear `unpaid` when they time out; what was asked for and not paid is unpaid either way.
                return Payout(status.paid, coins - status.paid)
            self._pause(_POLL_S)
        raise OutcomeUnknown("the hopper does not come to an end")
