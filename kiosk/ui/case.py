"""One case as the seats see it: what the resident and the clerk have before them now, and how it ended.

Lives on the event loop. `take` is given the news of the case's thread in order; every change rings the bell.
"""

from dataclasses import dataclass
from typing import Any

from kiosk.issuance.persons import Exemption
from kiosk.issuance.report import Phase, StepReport
from kiosk.model.application import Application
from kiosk.model.resident import Resident
from kiosk.model.step import PROCEDURE, Actor, Step, position_of
from kiosk.ui.bell import Bell
from kiosk.ui.ending import Ending, Finished, Money, Outcome, Trouble, has_halted
from kiosk.ui.persons import (
    Approval,
    Asked,
    CardRequest,
    CaseLine,
    ClerkAnswered,
    ClerkAsked,
    Consent,
    FeeDue,
    Gone,
    PasswordChoice,
    PaymentCount,
    Repayment,
    ResidentAsked,
)


@dataclass(frozen=True)
class AtWork:
    """The station, the authority or the clerk works; the resident waits. `has_password`: he has chosen one."""

    step: Step
    has_password: bool = False


ResidentSees = ResidentAsked[Any] | CardRequest | AtWork
"""What the resident has before him."""


class OpenCase:
    """One application on its way through the counter; `reached` is how far it had come before, by the journal."""

    def __init__(
        self, application: Application, resident: Resident, bell: Bell, reached: Step = Step.APPLICATION
    ) -> None:
        self.application = application
        self.resident = resident
        self.line = CaseLine()
        self.step = Step.APPLICATION
        self._reached = reached
        self.done: frozenset[Step] = frozenset()
        self.resident_sees: ResidentSees = AtWork(Step.APPLICATION)
        self.clerk_asked: ClerkAsked[Any] | None = None
        self.is_fee_asked = False
        self.is_free = False
        """Whether nothing is to be paid, as far as the seats have heard."""
        self.money = Money.UNTOUCHED
        self.ending: Ending | None = None
        self.is_stopping = False
        self.stopped_by: Actor | None = None
        self._bell = bell

    @property
    def can_stop(self) -> bool:
        """Whether a person may still stop: until the clerk has the fee. From then on the case only goes forward."""
        is_paid = self.is_fee_asked and not isinstance(self.clerk_asked, FeeDue)
        return self.ending is None and not self.is_stopping and not is_paid

    @property
    def waits_for_resident(self) -> bool:
        """Whether the resident has something to do or to look at."""
        return self.ending is not None or not isinstance(self.resident_sees, AtWork)

    @property
    def has_halted(self) -> bool:
        """Whether it stopped and stays open, so that somebody has to see to it."""
        return has_halted(self.ending)

    @property
    def position(self) -> int:
        """Where the case is in the town's procedure: the index of its present step, or one past the last.

        What was done before an interruption stays done while the station looks at it again, or takes it back.
        """
        if isinstance(self.ending, Finished):
            return len(PROCEDURE)
        return max(map(position_of, (self.step, self._reached, *self.done)))

    def take(self, news: object) -> None:
        """Takes in what the case's thread says."""
        match news:
            case StepReport(step=Step() as step, phase=Phase.BEGUN):
                self.step = step
                self.resident_sees = AtWork(step)
            case StepReport(step=Step() as step):
                self.done |= {step}
                if step is Step.FEE:
                    # Recalled of an interrupted run too, in which nobody is asked for it again.
                    self.is_fee_asked = True
                    self.money = Money.UNTOUCHED if self.is_free else Money.TAKEN
            case CardRequest() | ResidentAsked():
                self.resident_sees = news
                self.is_free |= isinstance(news, Consent) and not news.summary.fee_yen
            case ClerkAsked():
                self.clerk_asked = news
                self.is_fee_asked |= isinstance(news, FeeDue)
                if isinstance(news, PaymentCount | Repayment):
                    self._know_paid()
            case ClerkAnswered(question=question, value=value):
                if isinstance(question, FeeDue):
                    self.money = Money.TAKEN  # by him, or by a machine, so that nothing was left for him to take
                self._know_counted(question, value)
                self.answer(question, value)
            case Trouble():
                self.ending = news
                self.clerk_asked = None
                if self.money is Money.TAKEN and Step.CONFIRM not in self.done:
                    self.money = Money.RETURNED if news.outcome is Outcome.ROLLED_BACK else Money.BEING_CHECKED
            case Finished():
                self.ending = news
                self.clerk_asked = None
            case _:
                raise TypeError(f"not news of a case: {news!r}")
        self._bell.ring()

    def _know_paid(self) -> None:
        """Some of the resident's money is, or may be, in the till."""
        self.is_fee_asked = True
        self.money = Money.TAKEN

    def _know_counted(self, question: Asked[Any], value: object) -> None:
        """Nothing of the resident's is in the till, so that nothing is given back to him."""
        if isinstance(question, PaymentCount) and value == 0:
            self.money = Money.UNTOUCHED

    def answer(self, question: Asked[Any], value: object) -> bool:
        """Gives a person's answer to the case; False when the case no longer waits for it."""
        was_taken = question.take(value)
        if was_taken and isinstance(question, FeeDue):
            self.money = Money.TAKEN
        if was_taken:
            self._know_counted(question, value)
        if was_taken and isinstance(question, Approval):
            self.is_free |= isinstance(value, Exemption)
        if self.clerk_asked is question:
            self.clerk_asked = None
        if self.resident_sees is question:
            is_chosen = isinstance(question, PasswordChoice) and value is not Gone.CARD
            self.resident_sees = AtWork(self.step, has_password=is_chosen)
        self._bell.ring()
        return was_taken

    def stop(self, by: Actor) -> None:
        """A person stops the case; what follows is the use case's, and ends in an `Ending`."""
        if not self.can_stop:
            return
        self.is_stopping = True
        self.stopped_by = by
        self.line.abandon(by, "stopped at the screen")
        self.clerk_asked = None
        self.resident_sees = AtWork(self.step)
        self._bell.ring()
