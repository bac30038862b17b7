"""Real readers over PC/SC (pcsc-lite): slots and exclusive connections, and the one place that reads its results.

Stands on pyscard's thin `smartcard.scard`, imported when first used: its result codes are exact, and it adds the least
to every exchange.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from hw.card.apdu import EXTENDED, SHORT, Limits
from hw.card.holder import programs_at_the_card_service
from hw.card.pin_entry import GET_FEATURE_REQUEST
from hw.errors import (
    CardAbsent,
    CardMute,
    CardRemoved,
    CardUnsupported,
    DeviceError,
    LinkLost,
    NotSent,
    OutcomeUnknown,
    ReaderBusy,
    ReaderMissing,
    Unsupported,
)


class Result(IntEnum):
    """Results of PC/SC calls that mean something to us (PC/SC part 5; pcsclite.h)."""

    SUCCESS = 0
    INVALID_HANDLE = 0x80100003
    UNKNOWN_READER = 0x80100009
    TIMEOUT = 0x8010000A
    SHARING_VIOLATION = 0x8010000B
    NO_SMARTCARD = 0x8010000C
    PROTOCOL_MISMATCH = 0x8010000F
    INVALID_VALUE = 0x80100011
    COMMUNICATION_ERROR = 0x80100013
    NOT_TRANSACTED = 0x80100016
    READER_UNAVAILABLE = 0x80100017
    NO_SERVICE = 0x8010001D
    SERVICE_STOPPED = 0x8010001E
    NO_READERS_AVAILABLE = 0x8010002E
    UNSUPPORTED_CARD = 0x80100065
    UNRESPONSIVE_CARD = 0x80100066
    UNPOWERED_CARD = 0x80100067
    RESET_CARD = 0x80100068
    REMOVED_CARD = 0x80100069


_NO_CARD = {Result.NO_SMARTCARD, Result.REMOVED_CARD}
_NO_ANSWER_TO_RESET = {
    Result.PROTOCOL_MISMATCH,
    Result.UNSUPPORTED_CARD,
    Result.UNRESPONSIVE_CARD,
    Result.UNPOWERED_CARD,
}
_CARD_GONE = {
    Result.SUCCESS,  # without an answer: a card pulled during the command
    Result.NO_SMARTCARD,
    Result.NOT_TRANSACTED,
    Result.UNPOWERED_CARD,
    Result.RESET_CARD,
    Result.REMOVED_CARD,
}
_READER_GONE = {
    Result.INVALID_HANDLE,
    Result.UNKNOWN_READER,
    Result.INVALID_VALUE,
    Result.COMMUNICATION_ERROR,
    Result.READER_UNAVAILABLE,
    Result.NO_SERVICE,
    Result.SERVICE_STOPPED,
}

_RETRY_S = 0.2
"""How long a missing reader or service is left alone before it is looked for again."""


def error_of_connecting(result: int, reader: str) -> DeviceError:
    """What a failed call means while no command has gone to the card."""
    if result in _NO_CARD:
        return CardAbsent(f"no card in {reader}")
    if result == Result.SHARING_VIOLATION:
        holder = programs_at_the_card_service(Path("/proc"), os.getpid())
        return ReaderBusy(f"another program holds the card in {reader}", holder)
    if result in _NO_ANSWER_TO_RESET:
        message = f"the card in {reader} does not answer to reset (PC/SC {result:08X})"
        return CardUnsupported(message, Unsupported.MUTE_AT_RESET)
    return ReaderMissing(f"{reader} or the card service is missing (PC/SC {result:08X})")


def error_of_exchange(result: int) -> DeviceError:
    """What a failed exchange means, or one that succeeded without an answer."""
    if result in _CARD_GONE:
        return CardRemoved(f"the card left the reader (PC/SC {result:08X})")
    if result in _READER_GONE:
        return LinkLost(f"the reader or the card service went away (PC/SC {result:08X})")
    if result == Result.TIMEOUT:
        return CardMute(f"the card did not answer in the reader's time (PC/SC {result:08X})")
    return OutcomeUnknown(f"the exchange with the card failed (PC/SC {result:08X})")


def reader_names() -> tuple[str, ...]:
    """The names of all readers. Raises `ReaderMissing` without a card service."""
    with _service() as service:
        return service.reader_names()


class Observed(NamedTuple):
    """What a reader shows: whether a card lies in it, and how often that has changed since its service began.

    `state` is the service's own word for both, by which the next look is told what is known.
    """

    is_present: bool
    changes: int
    state: int


class PcscSlot:
    """The slot of a PC/SC reader, by its name or by the beginning of a name that no other reader shares.

    Implements `hw.card.connection.Slot`. Every call enters the service anew: what was obtained from it does not survive
    its restart, and a blocking call keeps others waiting.
    """

    def __init__(
        self,
        name: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._monotonic = monotonic
        self._sleep = sleep

    def is_card_present(self) -> bool:
        """Whether a card is there now. Raises `ReaderMissing`."""
        with _service() as service:
            return service.is_present(service.state_of(self._reader(service)))

    def wait_for_card(self, timeout_s: float) -> bool:
        """Blocks until a card is there; a reader or a service that is missing meanwhile is waited for too."""
        return self._wait_until(True, timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Blocks until no card is there; a reader or a service that is missing meanwhile is waited for too."""
        return self._wait_until(False, timeout_s)

    def connect(self) -> "PcscConnection":
        """Powers the card on and takes it exclusively; raises what `hw.card.connection.Slot.connect` says."""
        with ExitStack() as held:
            service = held.enter_context(_service())
            scard = service.scard
            result, handle, protocol = scard.SCardConnect(
                service.context,
                self._reader(service),
                scard.SCARD_SHARE_EXCLUSIVE,
                scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            )
            if result != Result.SUCCESS:
                raise error_of_connecting(result, self.name)
            header = scard.SCARD_PCI_T0 if protocol == scard.SCARD_PROTOCOL_T0 else scard.SCARD_PCI_T1
            held.callback(scard.SCardDisconnect, handle, scard.SCARD_UNPOWER_CARD)
            return PcscConnection(scard, handle, header, held.pop_all())

    def observe(self, known: Observed | None, timeout_s: float) -> Observed:
        """What the reader shows as soon as that is another thing than `known`, or when the time is up.

        Raises `ReaderMissing`, also when the reader or the service goes away meanwhile.
        """
        with _service() as service:
            reader = self._reader(service)
            if known is None:
                state = service.state_of(reader)
            else:
                state = service.state_of(reader, other_than=known.state, timeout_s=timeout_s)
            return Observed(service.is_present(state), state >> 16, state)

    def _wait_until(self, is_present: bool, timeout_s: float) -> bool:
        deadline_s = self._monotonic() + timeout_s
        while True:
            try:
                return self._watch_until(is_present, deadline_s)
            except ReaderMissing:
                remaining_s = deadline_s - self._monotonic()
                if remaining_s <= 0:
                    raise
                self._sleep(min(_RETRY_S, remaining_s))

    def _watch_until(self, is_present: bool, deadline_s: float) -> bool:
        with _service() as service:
            reader = self._reader(service)
            state = service.state_of(reader)
            while service.is_present(state) != is_present:
                remaining_s = deadline_s - self._monotonic()
                if remaining_s <= 0:
                    return False
                state = service.state_of(reader, other_than=state, timeout_s=remaining_s)
            return True

    def _reader(self, service: "_Service") -> str:
        names = service.reader_names()
        if self.name in names:
            return self.name
        beginning_so = [name for name in names if name.startswith(self.name)]
        if len(beginning_so) != 1:
            raise ReaderMissing(f"{self.name} is not exactly one of the readers: {', '.join(names) or 'none'}")
        return beginning_so[0]


class PcscConnection:
    """A card held exclusively over PC/SC; implements `hw.card.connection.Connection`.

    `header` is the protocol control information of T=0 or T=1; `held` gives back card and service when closed.
    """

    def __init__(self, scard: Any, handle: int, header: int, held: ExitStack) -> None:
        self._scard = scard
        self._handle = handle
        self._header = header
        self._held = held
        self._is_open = True

    def transmit(self, command: bytes) -> bytes:
        """One exchange, without a deadline of its own: a mute card blocks it for as long as it lies in the reader."""
        if not self._is_open:
            raise NotSent("the session with the card is over")
        result, answer = self._scard.SCardTransmit(self._handle, self._header, list(command))
        if result != Result.SUCCESS or not answer:
            raise error_of_exchange(result)
        return bytes(answer)

    @property
    def limits(self) -> Limits:
        """What one command can carry: over T=0 the extended form would need ENVELOPE (ISO/IEC 7816-3, 12.2)."""
        return SHORT if self._header == self._scard.SCARD_PCI_T0 else EXTENDED

    @property
    def atr(self) -> bytes:
        """The card's answer to reset. Raises what `transmit` does."""
        result, _, _, _, atr = self._scard.SCardStatus(self._handle)
        if result != Result.SUCCESS:
            raise error_of_exchange(result)
        return bytes(atr)

    def control(self, code: int, data: bytes) -> bytes:
        """One exchange with the reader itself. Raises `NotSent` when the reader has no such function."""
        result, answer = self._scard.SCardControl(self._handle, code, list(data))
        if result != Result.SUCCESS:
            raise NotSent(f"the reader does not take control code {code:08X} (PC/SC {result:08X})")
        return bytes(answer)

    def features(self) -> bytes:
        """What the reader answers when asked for its features (PC/SC part 10, 2.2), empty when it has none."""
        try:
            return self.control(self._scard.SCARD_CTL_CODE(GET_FEATURE_REQUEST), b"")
        except NotSent:
            return b""

    def close(self) -> None:
        """Powers the card off and lets go of it."""
        self._is_open = False
        self._held.close()


class _Service(NamedTuple):
    """The card service, entered: pyscard's module and a context in it."""

    scard: Any
    context: int

    def reader_names(self) -> tuple[str, ...]:
        result, names = self.scard.SCardListReaders(self.context, [])
        if result == Result.NO_READERS_AVAILABLE:
            return ()
        if result != Result.SUCCESS:
            raise ReaderMissing(f"the card service lists no readers (PC/SC {result:08X})")
        return tuple(names)

    def state_of(self, reader: str, other_than: int = 0, timeout_s: float = 0.0) -> int:
        """The reader's state, as soon as it is another than the one known; when the time is up, the one known."""
        known = other_than & ~self.scard.SCARD_STATE_CHANGED
        result, states = self.scard.SCardGetStatusChange(
            self.context, math.ceil(timeout_s * 1000), [(reader, known or self.scard.SCARD_STATE_UNAWARE)]
        )
        if result == Result.TIMEOUT:
            return other_than
        state = states[0][1] if result == Result.SUCCESS else self.scard.SCARD_STATE_UNAVAILABLE
        if state & (self.scard.SCARD_STATE_UNKNOWN | self.scard.SCARD_STATE_UNAVAILABLE):
            raise ReaderMissing(f"{reader} or the card service is missing (PC/SC {result:08X})")
        return int(state)

    def is_present(self, state: int) -> bool:
        return bool(state & self.scard.SCARD_STATE_PRESENT)


@contextmanager
def _service() -> Iterator[_Service]:
    from smartcard import scard

    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != Result.SUCCESS:
        raise ReaderMissing(f"no card service (PC/SC {result:08X})")
    try:
        yield _Service(scard, context)
    finally:
        scard.SCardReleaseContext(context)
