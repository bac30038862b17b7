"""The way of a command to the card and back: the narrow port to a reader, and the steps that commands pass on it.

A `Connection` moves bytes. `Traffic` counts and traces them at the one place where they pass. The steps above it move
`Command`s; each does one thing and stands on the next: `ResponseChaining` on `LengthCorrection` on `Formatter`; a card
application whose standard has it puts `CommandChaining` on top.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from hw.card.apdu import CHAINING, EXTENDED, SECURE_MESSAGING, SHORT, Command, Limits, Response
from hw.card.status import Status, is_more_data, is_wrong_le
from hw.errors import CardAnswerInvalid, DeviceError, NotSent

Trace = Callable[[bytes, bytes | DeviceError, float], None]
"""Hears of every exchange: the command, the answer or why there was none, and how long it took in seconds."""


class Connection(Protocol):
    """A powered card held exclusively. Everything above is written against these two methods only."""

    def transmit(self, command: bytes) -> bytes:
        """Sends one command APDU and returns the answer, status word last.

        Blocks as long as the card does: an implementation that sets a deadline raises `CardMute` when it has passed.
        Raises `CardRemoved` when the card left, `LinkLost` when reader or card service did, `NotSent` after `close`.
        """
        ...

    def close(self) -> None:
        """Powers the card off and lets go of it."""
        ...


class Slot(Protocol):
    """A place for one card, real or in memory."""

    name: str

    def is_card_present(self) -> bool:
        """Whether a card is there now. Raises `ReaderMissing`."""
        ...

    def wait_for_card(self, timeout_s: float) -> bool:
        """Blocks until a card is there; False when the time is up. Raises `ReaderMissing` only after that time."""
        ...

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Blocks until no card is there; False when the time is up. Raises `ReaderMissing` only after that time."""
        ...

    def connect(self) -> Connection:
        """Powers the card on and takes it exclusively.

        Raises `CardAbsent`, `ReaderBusy`, `ReaderMissing`, and `CardUnsupported` for what does not answer to reset.
        """
        ...


class CommandPort(Protocol):
    """Takes a command and returns its whole answer."""

    @property
    def limits(self) -> Limits:
        """What one command through here can carry and ask for."""
        ...

    def send(self, command: Command) -> Response:
        """Does one command; every status word is an answer, not an error."""
        ...


class Traffic:
    """Counts, times and traces what passes over a connection."""

    def __init__(self, connection: Connection, trace: Trace | None, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._trace = trace
        self._clock = clock
        self.exchanges = 0

    def transmit(self, command: bytes) -> bytes:
        """One exchange; the connection's errors pass unchanged."""
        self.exchanges += 1
        began_s = self._clock()
        try:
            answer = self._connection.transmit(command)
        except DeviceError as error:
            self._tell(command, error, began_s)
            raise
        self._tell(command, answer, began_s)
        return answer

    def features(self) -> bytes:
        """What the reader answers when asked for its features (PC/SC part 10); empty for one that has none."""
        ask = getattr(self._connection, "features", None)
        return b"" if ask is None else bytes(ask())

    def enter_pin(self, code: int, structure: bytes, command: bytes) -> bytes:
        """Has a PIN typed at the reader's own pad, which puts it into `command`; the status word.

        It counts as one exchange and is traced as the command without the PIN. Raises what the connection raises.
        """
        control = getattr(self._connection, "control", None)
        if control is None:
            raise NotSent("the reader cannot be spoken to")
        self.exchanges += 1
        began_s = self._clock()
        answer = bytes(control(code, structure))
        self._tell(command[:4], answer, began_s)
        return answer

    def _tell(self, command: bytes, answer: bytes | DeviceError, began_s: float) -> None:
        if self._trace is not None:
            self._trace(command, answer, self._clock() - began_s)


class Formatter:
    """Turns commands into bytes within what reader and card can take; asks for less where `le` is beyond that.

    A card that refuses the form of an extended command (6700) is taken for one that knows short ones only: the command,
    which was not done, is sent again as a short one, and so is everything after it. Not under a secure channel, where
    the length is part of what was authenticated: a plain command must have found it out before.
    """

    def __init__(self, traffic: Traffic, limits: Limits) -> None:
        self._traffic = traffic
        self.limits = limits

    def send(self, command: Command) -> Response:
        """Sends one command. Raises `NotSent` for more data than `limits` allow."""
        if len(command.data) > self.limits.data:
            raise NotSent(f"{len(command.data)} bytes of data do not fit into one command")
        response = self._transmit(command)
        if response.sw != Status.WRONG_LENGTH or not command.is_extended or command.cla & SECURE_MESSAGING:
            return response
        self.limits = SHORT
        return response if len(command.data) > SHORT.data else self._transmit(command)

    def _transmit(self, command: Command) -> Response:
        if command.le is not None and command.le > self.limits.answer:
            command = replace(command, le=self.limits.answer)
        return Response.decode(self._traffic.transmit(command.encode()))


class LengthCorrection:
    """Repeats a command once with the Le that the card names in 6Cxx (ISO/IEC 7816-4, 5.6: it was not done).

    Not under a secure channel, where the card would take the repetition for a replay.
    """

    def __init__(self, port: CommandPort) -> None:
        self._port = port

    @property
    def limits(self) -> Limits:
        """Those of the port below."""
        return self._port.limits

    def send(self, command: Command) -> Response:
        """Sends a command, twice at most."""
        response = self._port.send(command)
        if not is_wrong_le(response.sw) or command.le is None or command.cla & SECURE_MESSAGING:
            return response
        return self._port.send(replace(command, le=response.sw & 0xFF or SHORT.answer))


class CommandChaining:
    """Sends a command that is too long for one in pieces (ISO/IEC 7816-4, 5.3.3); only the last one has an answer."""

    def __init__(self, port: CommandPort) -> None:
        self._port = port

    @property
    def limits(self) -> Limits:
        """Those of the port below, but for the data, which may be as long as can be."""
        return Limits(data=EXTENDED.data, answer=self._port.limits.answer)

    def send(self, command: Command) -> Response:
        """Sends a command; stops at the piece that the card does not take, and answers what it said.

        When the port below finds out only by this command that the card takes less, it begins again in pieces of that.
        """
        size = self._port.limits.data
        response = self._send(command, size)
        if response.sw == Status.WRONG_LENGTH and self._port.limits.data < min(size, len(command.data)):
            return self._send(command, self._port.limits.data)
        return response

    def _send(self, command: Command, size: int) -> Response:
        while len(command.data) > size:
            piece = replace(command, cla=command.cla | CHAINING, data=command.data[:size], le=None)
            response = self._port.send(piece)
            if response.sw != Status.OK:
                return response
            command = replace(command, data=command.data[size:])
        return self._port.send(command)


class ResponseChaining:
    """Fetches the rest of an answer that the card announces by 61xx, with GET RESPONSE (ISO/IEC 7816-4, 7.6.1)."""

    MAX_PIECES = 256
    """As many short answers as make the longest extended one."""

    def __init__(self, port: CommandPort) -> None:
        self._port = port

    @property
    def limits(self) -> Limits:
        """Those of the port below."""
        return self._port.limits

    def send(self, command: Command) -> Response:
        """Sends a command and joins its answer. Raises `CardAnswerInvalid` when the answer does not end."""
        response = self._port.send(command)
        pieces = [response.data]
        while is_more_data(response.sw):
            if len(pieces) > self.MAX_PIECES:
                raise CardAnswerInvalid("the card never ends its answer")
            response = self._port.send(Command(0x00, 0xC0, 0x00, 0x00, le=response.sw & 0xFF or SHORT.answer))
            if is_more_data(response.sw) and not response.data:
                raise CardAnswerInvalid("the card announces more of its answer and sends nothing")
            pieces.append(response.data)
        return Response(b"".join(pieces), response.sw)


def agreed_limits(connection: Connection, limits: Limits) -> Limits:
    """`limits` within those that card and reader have agreed upon; a slot in memory passes everything on."""
    return limits.within(getattr(connection, "limits", EXTENDED))


def command_port(traffic: Traffic, limits: Limits) -> CommandPort:
    """The steps of a plain command, put together."""
    return ResponseChaining(LengthCorrection(Formatter(traffic, limits)))
