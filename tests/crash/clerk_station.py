"""The clerk's station: whoever asks the clerk, or the keys that lie with him, asks it, and it can end in between.

It changes nothing by itself; what the clerk does with money he has done when the answer is lost.
"""

from collections.abc import Callable
from typing import TypeVar

from hw.errors import LinkLost
from hw.ports import ChannelChallenge, ChannelKeys, MachineMoney, SessionKeys
from kiosk.counter.card_desk import CardDesk
from kiosk.issuance.persons import Abandoned, Clerk, IdentityEvidence, IdentityQuestion
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

    def restore(self) -> None:
        """Somebody starts it again, if it is down."""
        self._is_down = False

    def ask(self, question: str, answer: Callable[[], Answer], lost: Exception | None = None) -> Answer:
        """The answer; raises `lost`, by default that the clerk has gone, when the station ends before or after it."""
        point = self._passage().enter(Kind.CLERK, question)
        fault = self._passage().fault(point)
        lost = lost or Abandoned(Actor.CLERK, "station_lost")
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

    def take_fee(self, due_yen: int) -> int:
        """Asks him."""
        return self._ask("fee", lambda: self._clerk.take_fee(due_yen))

    def give_change(self, change_yen: int) -> None:
        """Asks him."""
        self._ask("change", lambda: self._clerk.give_change(change_yen))

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
