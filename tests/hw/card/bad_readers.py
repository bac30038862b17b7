"""Readers that a kiosk must not use: each does one thing wrong, over a good card in memory."""

from collections.abc import Callable
from threading import Event

from hw.card.memory import MemoryConnection, MemorySlot
from hw.errors import CardMute, CardRemoved, OutcomeUnknown
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import new_card
from tests.hw.card.office import blank, rsa_key


def technicians_memory(kind: str) -> MemoryStore:
    """A card as technicians carry it, and with an authority's certificate that is free to read."""
    memory = blank(kind)
    if memory.piv is None:
        memory = new_card("TESTCARD00000001")
        memory.files[0x0002] = b"\x30\x82\x03\xfc" + bytes(range(255)) * 4
    return MemoryStore(memory)


def technicians_card(kind: str = "juki-2011") -> VirtualCard:
    """One that can everything."""
    return VirtualCard(technicians_memory(kind), make_key=rsa_key)


class BadReader(MemorySlot):
    """A slot whose connections are changed by `change`, from the exchange itself or its number from 1."""

    def __init__(self, change: Callable[["BadConnection", bytes], bytes], kind: str = "juki-2011") -> None:
        self.change = change
        self.old: list[bytes] = []
        super().__init__("a bad reader", technicians_card(kind))

    def connect(self) -> "BadConnection":
        """A connection with its fault."""
        return BadConnection(super().connect(), self)


class BadConnection:
    """A connection through a bad reader."""

    def __init__(self, good: MemoryConnection, reader: BadReader) -> None:
        self.good = good
        self.reader = reader
        self.atr = good.atr
        self.count = 0

    def transmit(self, command: bytes) -> bytes:
        """One exchange, gone wrong or not."""
        self.count += 1
        return self.reader.change(self, command)

    def close(self) -> None:
        """Lets go."""
        if not isinstance(self.reader, KeepsThePower):
            self.good.close()


def cuts_long_answers(connection: BadConnection, command: bytes) -> bytes:
    """Nothing beyond 256 bytes passes."""
    answer = connection.good.transmit(command)
    return answer[:256] + answer[-2:] if len(answer) > 258 else answer


def knows_no_extended_length(connection: BadConnection, command: bytes) -> bytes:
    """Gives up an exchange in extended form."""
    if len(command) >= 7 and command[4] == 0:
        raise OutcomeUnknown("the reader failed")
    return connection.good.transmit(command)


def loses_now_and_then(connection: BadConnection, command: bytes) -> bytes:
    """Every fiftieth exchange fails."""
    if connection.count % 50 == 0:
        raise OutcomeUnknown("the exchange failed")
    return connection.good.transmit(command)


def answers_late(connection: BadConnection, command: bytes) -> bytes:
    """After a hundred exchanges every answer is the one before."""
    answer = connection.good.transmit(command)
    connection.reader.old.append(answer)
    return connection.reader.old[-2] if connection.count > 100 else answer


def fetches_and_loses_the_rest(connection: BadConnection, command: bytes) -> bytes:
    """Fetches what 61xx announces by itself, and gives only that on."""
    answer = connection.good.transmit(command)
    if len(answer) >= 2 and answer[-2] == 0x61:
        return connection.good.transmit(b"\x00\xc0\x00\x00" + answer[-1:])
    return answer


def cannot_256(connection: BadConnection, command: bytes) -> bytes:
    """Counts the length of an answer in one byte."""
    answer = connection.good.transmit(command)
    return b"" + answer[-2:] if len(answer) == 258 else answer


def never_comes_back(connection: BadConnection, command: bytes) -> bytes:
    """Blocks at the second exchange of a session, as a driver does whose card is mute."""
    if connection.count == 2:
        Event().wait()
    return connection.good.transmit(command)


def swallows_a_removal(connection: BadConnection, command: bytes) -> bytes:
    """Answers as before when the card has left."""
    try:
        connection.reader.old.append(connection.good.transmit(command))
    except CardRemoved:
        pass
    return connection.reader.old[-1]


def hangs(connection: BadConnection, command: bytes) -> bytes:
    """Does not come back from the second exchange of a session."""
    if connection.count == 2:
        raise CardMute("the reader does not come back")
    return connection.good.transmit(command)


class GarblesTheAnswerToReset(BadReader):
    """Loses the last byte of the answer to reset."""

    def __init__(self) -> None:
        super().__init__(lambda connection, command: connection.good.transmit(command))

    def connect(self) -> BadConnection:
        """A connection with its fault."""
        connection = super().connect()
        connection.atr = connection.atr[:-1]
        return connection


class KeepsThePower(BadReader):
    """Leaves the card powered when a session ends."""

    def __init__(self, kind: str = "juki-2011") -> None:
        super().__init__(lambda connection, command: connection.good.transmit(command), kind)
        self._kept: BadConnection | None = None

    def connect(self) -> BadConnection:
        """The session before, as if it had never ended."""
        if self._kept is None:
            self._kept = super().connect()
        return self._kept


class SharesTheCard(BadReader):
    """Gives the card to whoever asks."""

    def __init__(self) -> None:
        super().__init__(lambda connection, command: connection.good.transmit(command))

    def connect(self) -> BadConnection:
        """A connection, whether or not there is one already."""
        self.let_go()
        return super().connect()


class IsSlow(BadReader):
    """Takes 150 ms for an exchange, by the clock that it comes with."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(self._slowly)

    def _slowly(self, connection: BadConnection, command: bytes) -> bytes:
        self.now_s += 0.15
        return connection.good.transmit(command)


class SeesNoCard(BadReader):
    """Says that no card is there."""

    def __init__(self) -> None:
        super().__init__(lambda connection, command: connection.good.transmit(command))

    def is_card_present(self) -> bool:
        """Never."""
        return False


class NoticesNothing(BadReader):
    """Does not tell that a card was taken out."""

    def __init__(self) -> None:
        super().__init__(lambda connection, command: connection.good.transmit(command))

    def wait_for_removal(self, timeout_s: float) -> bool:
        """In vain."""
        return False
