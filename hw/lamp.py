"""The signal tower that calls a clerk: lights and a buzzer, over Patlite's PNS or PHN commands.

Source: NHL manual 3.5 and 3.6; LA6-POE manual 5.1 and 5.2. Setting it is idempotent, so it may be done again.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from hw.errors import LinkLost, OutcomeUnknown, Refused
from hw.link.link import Link

Protocol = Literal["pns-nh", "pns-la6", "phn"]

_ANSWER_S = 0.4
"""For what it is told to show. With the second try, a tower that fell silent is known within a second."""
_LOOK_S = 0.2
"""For what it shows, which is asked twice a second."""
_TRIES = 2
_ACK, _NAK = b"\x06", b"\x15"
_PRODUCTS = {"pns-nh": b"XX", "pns-la6": b"AB"}
_STATUS_SIZES = {"pns-nh": 6, "pns-la6": 15}
_TIERS = 5


class Light(IntEnum):
    """What a tier does; the values are those of PNS."""

    OFF = 0
    ON = 1
    FLASHING = 2


@dataclass(frozen=True)
class Signal:
    """What the tower shows: five tiers from the top, and the buzzer's pattern, 0 for silence.

    A PHN tower has the first three tiers, and buzzer patterns 1 and 2.
    """

    red: Light = Light.OFF
    amber: Light = Light.OFF
    green: Light = Light.OFF
    blue: Light = Light.OFF
    white: Light = Light.OFF
    buzzer: int = 0

    @property
    def tiers(self) -> tuple[Light, ...]:
        """The five tiers."""
        return (self.red, self.amber, self.green, self.blue, self.white)


DARK = Signal()
NEEDS_CLERK = Signal(amber=Light.FLASHING)
IN_TROUBLE = Signal(red=Light.FLASHING, buzzer=1)
IN_USE = Signal(green=Light.ON)


class SignalLamp:
    """The tower behind `link`; every method may be called from any thread, and answers go to who asked."""

    def __init__(
        self, link: Link, protocol: Protocol = "pns-nh", *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._link = link
        self._protocol = protocol
        self._monotonic = monotonic
        self._turn = threading.RLock()
        self.line_errors = 0
        """Questions without an answer since the program began, repeated ones too."""

    def show(self, signal: Signal) -> None:
        """Sets the tower. Raises `Refused` for NAK, `OutcomeUnknown` without an answer, `NotSent`, `LinkLost`."""
        if self._protocol == "phn":
            self._done(b"W" + bytes((_phn(signal),)), b"ACK", b"NAK")
        else:
            data = bytes((*signal.tiers, signal.buzzer))
            self._done(self._pns(b"S", data), _ACK, _NAK)

    def signal(self) -> Signal:
        """What the tower shows, as it says itself."""
        if self._protocol == "phn":
            answer = self._ask(b"R", 2, _LOOK_S)
            if answer[:1] != b"R":
                raise OutcomeUnknown(f"the lamp answers {answer.hex()}")
            return _from_phn(answer[1])
        answer = self._ask(self._pns(b"G", b""), _STATUS_SIZES[self._protocol], _LOOK_S)
        tiers, buzzer = answer[-_TIERS - 1 : -1], answer[-1]
        if any(tier > 3 for tier in tiers):
            raise OutcomeUnknown(f"the lamp answers {answer.hex()}")
        red, amber, green, blue, white = (Light(min(tier, Light.FLASHING)) for tier in tiers)
        return Signal(red, amber, green, blue, white, buzzer)

    def connect(self) -> None:
        """Opens the link where it is not open. Raises `NotSent`."""
        with self._turn:
            self._link.write(b"", self._monotonic() + _ANSWER_S)

    def clear(self) -> None:
        """Everything off."""
        self.show(DARK)

    def _pns(self, identifier: bytes, data: bytes) -> bytes:
        return _PRODUCTS[self._protocol] + identifier + b"\x00" + len(data).to_bytes(2, "big") + data

    def _done(self, command: bytes, ack: bytes, nak: bytes) -> None:
        answer = self._ask(command, len(ack))
        if answer == nak:
            raise Refused("the lamp refuses that")
        if answer != ack:
            raise OutcomeUnknown(f"the lamp answers {answer.hex()}")

    def _ask(self, command: bytes, size: int, answer_s: float = _ANSWER_S) -> bytes:
        """The answer, `size` bytes, unless it is a NAK."""
        with self._turn:
            return self._exchange(command, size, answer_s)

    def _exchange(self, command: bytes, size: int, answer_s: float) -> bytes:
        for _ in range(_TRIES):
            try:
                self._link.drain_input()
            except LinkLost:
                pass  # lost while idle: writing opens it anew, or says that it cannot
            deadline_s = self._monotonic() + answer_s
            self._link.write(command, deadline_s)
            answer = b""
            while len(answer) < size and answer != _NAK:
                chunk = self._link.read(size - len(answer), deadline_s)
                if not chunk:
                    break
                answer += chunk
            if answer == _NAK and size != len(_NAK):
                raise Refused("the lamp refuses that")
            if len(answer) == size:
                return answer
            self.line_errors += 1
        raise OutcomeUnknown("the lamp does not answer")


def _phn(signal: Signal) -> int:
    bits = {0: 0, 1: 0x08, 2: 0x10}.get(signal.buzzer)
    if bits is None or signal.blue or signal.white:
        raise ValueError(f"a PHN tower cannot show {signal}")
    for tier, light in enumerate(signal.tiers[:3]):
        bits |= {Light.OFF: 0, Light.ON: 0x01, Light.FLASHING: 0x20}[light] << tier
    return bits


def _from_phn(bits: int) -> Signal:
    red, amber, green = (
        Light.ON if bits >> tier & 1 else Light.FLASHING if bits >> (5 + tier) & 1 else Light.OFF for tier in range(3)
    )
    return Signal(red, amber, green, buzzer=1 if bits & 0x08 else 2 if bits & 0x10 else 0)
