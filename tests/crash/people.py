"""The people of a world: whose acts change it, and who answer truthfully when the software asks what they see."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

from hw.ports import KeyUse, MachineMoney, PinPolicy, PinStatus
from hw.sim.till import SimulatedTill
from kiosk.application_file import ClerkTable
from kiosk.issuance.persons import (
    CLERK_ALONE,
    Abandoned,
    AskedPassword,
    CannotTell,
    CardAction,
    DeliverySummary,
    OpenDeposit,
)
from kiosk.model.step import Actor, Step, Undo
from kiosk.model.testimony import Finding, PaperSeen
from kiosk.played_persons import PlayedClerk
from tests.crash.boundary import Kind
from tests.crash.watch import GetPassage

ReaderName = Literal["terminal", "window"]
COINS_YEN, NOTE_YEN = 300, 1000
MONEY_IN = "money in"


class Presence(StrEnum):
    """Who and what is there when the station starts again; the values are the words of a plan."""

    SAME = "same"
    """The resident, and his card where it was."""
    OUT = "out"
    """The resident with his card in his hand; he puts it in when asked."""
    SWAPPED = "swapped"
    """The resident, and another one's card in the reader."""
    MOVED = "moved"
    """The resident, and his card in the other reader: the window's, or the terminal's."""
    GONE = "gone"
    """Nobody, and no card."""


class Hand:
    """Puts residents' cards into one reader and takes them out, as the station asks for it."""

    def __init__(self, passage: GetPassage, reader: ReaderName, place: "Place", lies: Callable[[], bool]) -> None:
        self._passage = passage
        self._reader = reader
        self._place = place
        self._lies = lies

    def insert(self, code: str) -> None:
        """This resident's card goes in."""
        self._move(f"card into {self._reader}", code)

    def remove(self) -> None:
        """The card comes out, if there is one."""
        if self._lies():
            self._move(f"card out of {self._reader}", None)

    def _move(self, label: str, code: str | None) -> None:
        point = self._passage().enter(Kind.PERSON, label)
        self._place(code, self._reader)
        self._passage().leave(point, label)


class Place(Protocol):
    """Lays the card of a resident into a reader, or none."""

    def __call__(self, code: str | None, reader: ReaderName) -> None:
        """Does it."""


class Till(SimulatedTill):
    """The till; money that goes in or out is a boundary. `moves` remembers every move, as a camera above it would."""

    def __init__(self, path: Path, moves: tuple[tuple[str, int], ...], passage: GetPassage) -> None:
        super().__init__(path)
        self.moves = moves
        self._passage = passage

    def put(self, payer: str, amount_yen: int) -> None:
        """Money of this payer goes in; a negative amount comes out."""
        label = f"{MONEY_IN} {amount_yen} of {payer}" if amount_yen > 0 else f"money out {-amount_yen} to {payer}"
        point = self._passage().enter(Kind.PERSON, label)
        super().put(payer, amount_yen)
        self.moves += ((payer, amount_yen),)
        self._passage().leave(point, label)

    def content(self) -> Mapping[str, int]:
        """What each payer's money comes to."""
        return self._content()


class Paper(Protocol):
    """What lies in the printer's tray, sheet by sheet, as text."""

    def __call__(self) -> list[str]:
        """Looks."""
        ...


def receipt_seen(text: str, number: int | None = None) -> PaperSeen:
    """What somebody who looks for the receipt of this number, or for any, sees of it on a sheet.

    It is whole when it goes down to the code at its end.
    """
    if ("No. " if number is None else f"No. {number:06d}") not in text:
        return PaperSeen.NOTHING
    return PaperSeen.WHOLE if "[QR " in text else PaperSeen.PARTLY


class TruthfulClerk(PlayedClerk):
    """A clerk who says what is so."""

    def __init__(self, payer: str, till: Till, paper: Paper) -> None:
        super().__init__(ClerkTable(tendered_yen=1000), payer, till)
        object.__setattr__(self, "_paper", paper)

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """The resident pays in two parts: coins, then a note that is too large."""
        tendered_yen = COINS_YEN if due_yen > COINS_YEN else NOTE_YEN
        self.till.put(self.payer, tendered_yen)
        return tendered_yen

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Looks for the number on what came out, and whether it goes down to the code at the end."""
        paper: Paper = self.__dict__["_paper"]
        seen = {receipt_seen(text, receipt_number) for text in paper()}
        return max(seen, key=list(PaperSeen)[::-1].index, default=PaperSeen.NOTHING)


class TruthfulWitnesses:
    """Two clerks at their station, who look and say what is so; the second signs whatever his name."""

    def __init__(self, look: Callable[[Step | Undo], str]) -> None:
        self._look = look

    def look(self, question: Step | Undo, known: MachineMoney) -> Finding:
        """They look."""
        return Finding(self._look(question), "second")


class UnsureClerk(TruthfulClerk):
    """A clerk who can tell nothing of what was before he was asked."""

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        """He does not know whose money it is."""
        raise CannotTell

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """He has not seen what became of the paper."""
        raise CannotTell


class AbsentResident:
    """Nobody: does nothing that he is asked to do."""

    def card(self, action: CardAction) -> None:
        """Nobody moves a card."""

    def choose_password(self, policy: PinPolicy) -> bytearray:
        """Nobody chooses."""
        raise Abandoned(Actor.RESIDENT, "left")

    def enter_password(self, status: PinStatus) -> bytearray:
        """Nobody types."""
        raise Abandoned(Actor.RESIDENT, "left")

    def choose_authentication_password(self, policy: PinPolicy) -> bytearray:
        """Nobody chooses."""
        raise Abandoned(Actor.RESIDENT, "left")

    def enter_authentication_password(self, status: PinStatus, policy: PinPolicy) -> bytearray:
        """Nobody types."""
        raise Abandoned(Actor.RESIDENT, "left")

    def which_password(self, statuses: Mapping[KeyUse, PinStatus]) -> KeyUse:
        """Nobody says it."""
        raise Abandoned(Actor.RESIDENT, "left")

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """Nobody types."""
        raise Abandoned(Actor.RESIDENT, "left")

    def enter_new_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """Nobody types."""
        raise Abandoned(Actor.RESIDENT, "left")

    def consent(self, summary: DeliverySummary) -> None:
        """Nobody agrees."""
        raise Abandoned(Actor.RESIDENT, "left")


class LonelyClerk(TruthfulClerk):
    """A clerk to whom nobody pays."""

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """Nobody pays."""
        raise Abandoned(Actor.RESIDENT, "left")
