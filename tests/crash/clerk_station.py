"""The clerk's station: whoever asks the clerk, or the keys that lie with him, asks it, and it can end in between.

It changes nothing by itself; what the clerk does with money he has done when the answer is lost. Of ended cases, which
only it can read, the product's own clerk's station is asked by the product's own terminal; only the rows of the store
between the two are left out.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from hw.errors import LinkLost
from hw.ports import CashTrouble, ChannelChallenge, ChannelKeys, MachineMoney, SessionKeys
from kiosk.counter.asking import Denied, Reply
from kiosk.counter.card_desk import CardDesk
from kiosk.counter.desk import Desk
from kiosk.counter.line import LineLost, Question, QuestionState
from kiosk.issuance.persons import CLERK_ALONE, Abandoned, Clerk, IdentityEvidence, IdentityQuestion, OpenDeposit
from kiosk.model.authorisation import Authorisation
from kiosk.model.step import Actor
from kiosk.model.testimony import PaperSeen
from tests.crash.boundary import Kind, Outage
from tests.crash.watch import GetPassage

Answer = TypeVar("Answer")


class ClerkStation:
    """Answers for the clerk, unless its process has ended; `restore` starts it again."""

    def __init__(self, passage: GetPassage) -> None:
        self._passage = passage
        self._is_down = False
        self.answered = set[bytes]()
        """The challenges of cards that it has answered: all that its process remembers."""

    def restore(self) -> None:
        """Somebody starts it again, if it is down."""
        self._is_down = False

    def replace_process(self) -> None:
        """Its process ends and another one begins, which remembers nothing."""
        self.answered = set()

    def ask(self, question: str, answer: Callable[[], Answer], lost: Exception | None = None) -> Answer:
        """The answer; raises `lost`, by default that the clerk has gone, when the station ends before or after it."""
        point = self._passage().enter(Kind.CLERK, question)
        fault = self._passage().fault(point)
        lost = lost or Abandoned(Actor.CLERK, "station_lost")
        if fault is not None:
            self.replace_process()
        if self._is_down or (fault is not None and fault.outage is Outage.REFUSED):
            self._is_down = self._is_down or (fault is not None and fault.stays_down)
            raise lost
        given = answer()
        if fault is not None:
            self._is_down = fault.stays_down
            raise lost
        self._passage().leave(point, question)
        return given

    def keys(self, desk: CardDesk, authorisation: Authorisation) -> ChannelKeys:
        """The keys of the cards, which lie with the clerk."""
        answer = desk.keys(authorisation)

        def session_keys(challenge: ChannelChallenge) -> SessionKeys:
            return self.ask("keys", lambda: answer(challenge), LinkLost("the clerk's station does not answer"))

        return session_keys


class ShortLine:
    """A line without rows: what the terminal asks is answered at once, if the station is there."""

    def __init__(self, asker: str, station: ClerkStation, desk: Desk) -> None:
        self._asker = asker
        self._station = station
        self._desk = desk

    def ask(self, station: str, kind: str, body: bytes, go_on: Callable[[QuestionState], None]) -> bytes:
        """Asks, as `kiosk.counter.line.Line`."""
        question = Question("", self._asker, kind, body)
        lost = LineLost(f"station {station} does not answer")
        return self._station.ask(kind, lambda: msgspec.json.encode(self._reply(question)), lost)

    def _reply(self, question: Question) -> Reply:
        """The desk's answer. A defect in it, of which a terminal would be told that it is refused, ends the run."""
        reply = self._desk.reply(question)
        if isinstance(reply, Denied) and reply.reason.startswith("the question could not be answered"):
            raise RuntimeError(reply.reason)
        return reply


class ClerkAtStation:
    """The clerk, behind his station."""

    def __init__(self, clerk: Clerk, station: ClerkStation) -> None:
        self._clerk = clerk
        self._ask = station.ask

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        """Asks him."""
        return self._ask("identity", lambda: self._clerk.check_identity(question))

    def approve(self, question: IdentityQuestion) -> None:
        """Asks him."""
        self._ask("approve", lambda: self._clerk.approve(question))

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """Asks him."""
        return self._ask("fee", lambda: self._clerk.take_fee(due_yen, deposit))

    def give_change(self, change_yen: int) -> None:
        """Asks him."""
        self._ask("change", lambda: self._clerk.give_change(change_yen))

    def mind_cash(self, trouble: CashTrouble) -> None:
        """Asks him."""
        self._ask("cash", lambda: self._clerk.mind_cash(trouble))

    def repay(self, amount_yen: int) -> None:
        """Asks him."""
        self._ask("repay", lambda: self._clerk.repay(amount_yen))

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        """Asks him."""
        return self._ask("count", lambda: self._clerk.count_payment(due_yen, known))

    def is_card_returned(self) -> bool:
        """Asks him."""
        return self._ask("card", self._clerk.is_card_returned)

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Asks him."""
        return self._ask("paper", lambda: self._clerk.look_at_paper(receipt_number))
