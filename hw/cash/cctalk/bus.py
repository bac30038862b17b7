"""One exchange on a ccTalk bus: a command, its own echo on a single wire, and the answer.

Source: ccTalk Generic Specification, part 1, 6 (timing) and 7; Azkoyen and SR5 manuals for the waits.
"""

import time
from collections.abc import Callable

from hw.cash.cctalk.frame import Answer, Checksum, decode, encode, length
from hw.errors import LinkLost, OutcomeUnknown, Refused
from hw.link.link import Link

ANSWER_S = 0.2
"""How long a peripheral may take to answer."""
_QUIET_S = 0.06  # longer than the 50 ms after which every peripheral gives up a torn frame
_SILENCE_S = 0.005  # five bytes at 9600 baud: nothing may follow an answer
_TRIES = 3
_ACK, _NAK, _BUSY = 0, 5, 6
_READ = 256


class Bus:
    """Asks peripherals over `link`, one at a time. `pause` sleeps so many seconds."""

    def __init__(
        self,
        link: Link,
        checksum: Checksum = "simple",
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._link = link
        self._checksum: Checksum = checksum
        self._monotonic = monotonic
        self._pause = pause
        self.exchanges = 0
        self.failures = 0
        """Exchanges that had to be repeated or given up."""
        self.losses = 0
        """How often the line was found lost before an exchange: another device may sit there since."""

    def ask(self, to: int, header: int, data: bytes = b"", *, size: int | None = None) -> bytes:
        """Asks what may be asked again: after a damaged or missing answer up to three times.

        `size` is how many bytes the answer must have, where that is fixed. Raises `OutcomeUnknown` without a usable
        answer, `Refused` for NAK and BUSY, `NotSent`, `LinkLost`.
        """
        for _ in range(_TRIES):
            answer = self._exchange(to, header, data)
            if answer is not None and (size is None or answer.header != _ACK or len(answer.data) == size):
                return _data(to, header, answer)
            self._settle()
        raise OutcomeUnknown(f"ccTalk {to}: no usable answer to header {header}")

    def tell_once(self, to: int, header: int, data: bytes) -> bytes:
        """Gives a command that must never be given twice. Raises as `ask` does, after one try."""
        answer = self._exchange(to, header, data)
        if answer is None:
            self._settle()
            raise OutcomeUnknown(f"ccTalk {to}: no usable answer to header {header}")
        return _data(to, header, answer)

    def _exchange(self, to: int, header: int, data: bytes) -> Answer | None:
        """The answer; None when none came, or a damaged one."""
        self.exchanges += 1
        command = encode(to, header, data, self._checksum)
        try:
            self._link.drain_input()
        except LinkLost:
            self.losses += 1  # lost while idle: writing opens it anew, or says that it cannot
        self._link.write(command, self._monotonic() + ANSWER_S)
        received = self._receive(command, self._monotonic() + ANSWER_S + len(command) * 0.002)
        answer = None if received is None else decode(received, self._checksum)
        if answer is None or answer.sender not in (None, to):
            self.failures += 1
            return None
        return answer

    def _receive(self, command: bytes, deadline_s: float) -> bytes | None:
        """One frame after the echo of `command`, and nothing after it; None for anything else.

        A command begins with the peripheral's address and an answer with the host's, so the first byte tells whether
        this line echoes.
        """
        received = b""
        while True:
            is_echoing = received[:1] == command[:1]
            rest = received[len(command) :] if is_echoing else received
            if is_echoing and received[: len(command)] != command[: len(received)]:
                return None  # somebody else spoke at the same time
            if not is_echoing or len(received) >= len(command):
                if len(rest) >= length(rest):
                    break
            chunk = self._link.read(_READ, deadline_s)
            if not chunk:
                return None
            received += chunk
        extra = len(rest) > length(rest) or self._link.read(1, self._monotonic() + _SILENCE_S)
        return None if extra else rest

    def _settle(self) -> None:
        """Waits until every peripheral has given up what it may have heard in part, and late answers are in."""
        self._pause(_QUIET_S)


def _data(to: int, header: int, answer: Answer) -> bytes:
    match answer.header:
        case 0:
            return answer.data
        case 6:
            raise Refused(f"ccTalk {to}: busy at header {header}")
        case 5:
            raise Refused(f"ccTalk {to}: refuses header {header}")
        case other:
            raise OutcomeUnknown(f"ccTalk {to}: header {other} is no answer")
