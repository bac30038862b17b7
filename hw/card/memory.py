"""A slot in memory: joins the driver to any object that behaves like a card, without a reader between them."""

from threading import Condition
from typing import Protocol

from hw.errors import CardAbsent, CardRemoved, NotSent, ReaderBusy


class SlotCard(Protocol):
    """A card as its slot sees it."""

    def insert(self) -> None:
        """Lies in the slot now, without power."""
        ...

    def remove(self) -> None:
        """Is out of the slot now, and without power."""
        ...

    def power_on(self) -> bytes:
        """Answers to reset with the ATR. Raises `CardAbsent`."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Answers one command. Raises `CardRemoved` and `CardMute`."""
        ...

    def power_off(self) -> None:
        """Loses everything volatile."""
        ...


class MemorySlot:
    """A slot into which cards are put by `insert` and from which they are taken by `remove`, from any thread."""

    def __init__(self, name: str, card: SlotCard | None = None) -> None:
        self.name = name
        self._card: SlotCard | None = None
        self._holder: MemoryConnection | None = None
        self._changed = Condition()
        if card is not None:
            self.insert(card)

    def insert(self, card: SlotCard) -> None:
        """Puts a card in, in the place of the one that lay there."""
        self.remove()
        card.insert()
        self._put(card)

    def remove(self) -> None:
        """Takes the card out, in the middle of a session too."""
        if self._card is not None:
            self._card.remove()
        self._put(None)

    def is_card_present(self) -> bool:
        """Whether a card is there now."""
        return self._card is not None

    def wait_for_card(self, timeout_s: float) -> bool:
        """Blocks until a card is there; False when the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: self._card is not None, timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Blocks until no card is there; False when the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: self._card is None, timeout_s)

    def connect(self) -> "MemoryConnection":
        """Powers the card on. Raises `CardAbsent` and `ReaderBusy`."""
        with self._changed:
            if self._card is None:
                raise CardAbsent(f"no card in {self.name}")
            if self._holder is not None:
                raise ReaderBusy(f"the card in {self.name} is taken", holder="this program")
            self._holder = MemoryConnection(self, self._card, self._card.power_on())
            return self._holder

    def is_held_by(self, connection: "MemoryConnection") -> bool:
        """Whether the card that this connection began with still lies there and is still its own."""
        return self._holder is connection

    def let_go(self) -> None:
        """The card stays, free for the next connection."""
        self._holder = None

    def lose(self) -> None:
        """The card is gone, as its connection has noticed."""
        self._put(None)

    def _put(self, card: SlotCard | None) -> None:
        with self._changed:
            self._card = card
            self._holder = None
            self._changed.notify_all()


class MemoryConnection:
    """A powered card in a memory slot, and its answer to reset; implements `hw.card.connection.Connection`."""

    def __init__(self, slot: MemorySlot, card: SlotCard, atr: bytes) -> None:
        self.atr = atr
        self._slot = slot
        self._card = card
        self._is_open = True

    def transmit(self, command: bytes) -> bytes:
        """Passes one command; once the card was removed, never again. Raises `NotSent` after `close`."""
        if not self._is_open:
            raise NotSent("the session with the card is over")
        if not self._slot.is_held_by(self):
            raise CardRemoved("the card was taken out of the reader")
        try:
            answer = self._card.transmit(command)
        except CardRemoved:
            self._slot.lose()
            raise
        if not self._slot.is_held_by(self):
            raise CardRemoved("the card was taken out before its answer")
        return answer

    def close(self) -> None:
        """Powers the card off."""
        self._is_open = False
        if self._slot.is_held_by(self):
            self._card.power_off()
            self._slot.let_go()
