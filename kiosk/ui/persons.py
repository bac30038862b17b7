"""The persons at the screens, as a case knows them: its thread asks and blocks, the event loop answers.

Whatever a case says reaches the screens as *news* through one function, `post`, which must be callable from any thread
and must not block. Passwords cross by reference, as the bytearray that the caller wipes.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, InvalidStateError
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from hw.errors import CardRemoved
from hw.ports import CashTrouble, KeyUse, MachineMoney, PinPolicy, PinStatus
from kiosk.issuance.persons import (
    CLERK_ALONE,
    Abandoned,
    AskedPassword,
    CannotTell,
    CardAction,
    DeliverySummary,
    Exemption,
    IdentityEvidence,
    IdentityQuestion,
    OpenDeposit,
    Persons,
)
from kiosk.model.step import Actor
from kiosk.model.testimony import PaperSeen

A = TypeVar("A")

_LOOKS_EVERY_S = 0.25
"""How often it is looked whether a question is still wanted."""


class Unsure(StrEnum):
    """What a clerk says who has not seen what he is asked about."""

    CANNOT_TELL = "cannot_tell"


class Gone(StrEnum):
    """What left while a question waited for its person."""

    CARD = "card"


class Recalled(StrEnum):
    """Which password a resident is asked for."""

    PRESENT = "present"
    OLD = "old"
    """The one that is to be replaced."""
    NEW = "new"
    """The one that was chosen before an interruption."""


@dataclass(frozen=True, eq=False)
class Asked(Generic[A]):
    """A question that waits for a person."""

    _answer: "Future[A]" = field(default_factory=Future, init=False, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether the case still waits for the answer."""
        return not self._answer.done()

    def answer(self, value: A) -> bool:
        """Answers; False when the case no longer waits, and then `value` stays the caller's."""
        try:
            self._answer.set_result(value)
        except InvalidStateError:
            return False
        return True

    def take(self, value: Any) -> bool:
        """Takes what came back from the screen: the answer, or in its subclasses why there will be none."""
        return self.answer(value)


class ResidentAsked(Asked[A]):
    """A question to the resident."""

    def take(self, value: Any) -> bool:
        """The answer, or that the card has left."""
        return self.lose_card() if value is Gone.CARD else self.answer(value)

    def lose_card(self) -> bool:
        """The card has left, as the next command to it would find; False when the case no longer waits."""
        return _fail(self._answer, CardRemoved("the card left while its resident was asked"))


class ClerkAsked(Asked[A]):
    """A question to the clerk."""

    def take(self, value: Any) -> bool:
        """The answer, or that he cannot tell."""
        return self.cannot_tell() if value is Unsure.CANNOT_TELL else self.answer(value)

    def cannot_tell(self) -> bool:
        """The clerk does not know; False when the case no longer waits for it. Two clerks have to find out then."""
        return _fail(self._answer, CannotTell())


@dataclass(frozen=True, eq=False)
class PasswordChoice(ResidentAsked[bytearray]):
    """A new password is needed."""

    policy: PinPolicy
    use: KeyUse = KeyUse.SIGNATURE


@dataclass(frozen=True, eq=False)
class PasswordMeant(ResidentAsked[KeyUse]):
    """The resident says which of the card's passwords he means; how each of them stands."""

    statuses: Mapping[KeyUse, PinStatus]


@dataclass(frozen=True, eq=False)
class PasswordEntry(ResidentAsked[bytearray]):
    """A password of the card is needed: which of them, and of what form where the card's own is asked for."""

    status: PinStatus
    which: Recalled = Recalled.PRESENT
    policy: PinPolicy | None = None
    use: KeyUse = KeyUse.SIGNATURE

    def follows_wrong(self, before: "PasswordEntry | None") -> bool:
        """Whether what was typed at the entry before was not this password: the card counts a try less."""
        if before is None or (before.use, before.which) != (self.use, self.which):
            return False
        return self.status.attempts_remaining < before.status.attempts_remaining


@dataclass(frozen=True, eq=False)
class Consent(ResidentAsked[None]):
    """The resident looks at what will be delivered and paid."""

    summary: DeliverySummary


@dataclass(frozen=True, eq=False)
class IdentityCheck(ClerkAsked[IdentityEvidence]):
    """The clerk compares form, register, document and face."""

    question: IdentityQuestion


@dataclass(frozen=True, eq=False)
class Approval(ClerkAsked[Exemption | None]):
    """The clerk gives leave for the key generation; the answer says where no fee is due."""

    question: IdentityQuestion


@dataclass(frozen=True, eq=False)
class FeeDue(ClerkAsked[int]):
    """The clerk takes the fee; the answer is the yen tendered."""

    due_yen: int


@dataclass(frozen=True, eq=False)
class ChangeDue(ClerkAsked[None]):
    """The clerk hands the change back."""

    change_yen: int


@dataclass(frozen=True, eq=False)
class CashMinded(ClerkAsked[None]):
    """Something is wrong with the cash; the clerk has to know before he goes on."""

    trouble: CashTrouble


@dataclass(frozen=True, eq=False)
class PaymentCount(ClerkAsked[int]):
    """After an interruption the clerk counts how much of this payment lies in the till; `known` is a machine's word."""

    due_yen: int
    known: MachineMoney


@dataclass(frozen=True, eq=False)
class Repayment(ClerkAsked[None]):
    """The clerk gives money back that was taken."""

    amount_yen: int


@dataclass(frozen=True, eq=False)
class CardReturn(ClerkAsked[bool]):
    """The reader cannot tell whether the resident has his card; the clerk says so."""


@dataclass(frozen=True, eq=False)
class PaperLook(ClerkAsked[PaperSeen]):
    """The clerk says what came out of the printer."""

    receipt_number: int


@dataclass(frozen=True)
class ClerkAnswered:
    """A clerk at a station of his own has answered, or a question was taken back."""

    question: ClerkAsked[Any]
    value: object


@dataclass(frozen=True)
class CardRequest:
    """What the resident is to do with the card; the reader tells when it is done."""

    action: CardAction


class CaseLine:
    """The line between one case's thread and the seats."""

    def __init__(self) -> None:
        self._post: Callable[[object], None] = _nobody_listens
        self._lock = threading.Lock()
        self._waiting: Future[object] | None = None
        self._abandoned: Abandoned | None = None
        self._is_closed = False

    def persons(self, post: Callable[[object], None]) -> Persons:
        """The persons for the use case; `post` carries to the seats what it says."""
        self._post = post
        return Persons(resident=ResidentAtScreen(self), clerk=ClerkAtScreen(self))

    def tell(self, news: object) -> None:
        """Says something that needs no answer. Raises like `ask`, so that whoever waits for a device can look here."""
        self.raise_if_stopped()
        self._post(news)

    def ask(self, question: Asked[A]) -> A:
        """Asks and blocks. Raises `Abandoned`, and `CancelledError` when the program ends."""
        self._put(question)
        return question._answer.result()

    def ask_while(self, is_wanted: Callable[[], bool], question: ClerkAsked[A], *, otherwise: A) -> A:
        """Asks the clerk, as `ask` does, but takes the question back and answers it once it is not wanted any more."""
        self._put(question)
        while True:
            try:
                return question._answer.result(_LOOKS_EVERY_S)
            except TimeoutError:
                # What the clerk has said in the same moment counts.
                if not is_wanted() and question.answer(otherwise):
                    self._post(ClerkAnswered(question, otherwise))

    def _put(self, question: Asked[Any]) -> None:
        future: Future[object] = question._answer  # failed and cancelled here, never set
        with self._lock:
            self._raise_if_abandoned()
            if self._is_closed:
                future.cancel()
            self._waiting = future
        self._post(question)

    def note(self, news: object) -> None:
        """Says something whatever became of the case."""
        self._post(news)

    def raise_if_stopped(self) -> None:
        """Raises like `tell`, for whoever waits for somebody elsewhere."""
        with self._lock:
            self._raise_if_abandoned()
            if self._is_closed:
                raise CancelledError

    def abandon(self, by: Actor, reason: str) -> None:
        """A person stops the case: `Abandoned` is raised once, by the open question or else by the next call.

        Once, because what the case then does to take itself back may need its persons again.
        """
        abandoned = Abandoned(by, reason)
        with self._lock:
            if self._waiting is None or not _fail(self._waiting, abandoned):
                self._abandoned = abandoned

    def close(self) -> None:
        """The program ends: the open question and every later one is cancelled; what was begun stays resumable."""
        with self._lock:
            self._is_closed = True
            if self._waiting is not None:
                self._waiting.cancel()

    def _raise_if_abandoned(self) -> None:
        abandoned, self._abandoned = self._abandoned, None
        if abandoned is not None:
            raise abandoned


def _fail(future: "Future[Any]", error: Exception) -> bool:
    try:
        future.set_exception(error)
    except InvalidStateError:
        return False
    return True


def _nobody_listens(news: object) -> None:
    raise RuntimeError("a case asks its persons before it has any")


@dataclass(frozen=True)
class ResidentAtScreen:
    """The resident, as `kiosk.issuance.persons.Resident`."""

    line: CaseLine

    def card(self, action: CardAction) -> None:
        """Shows what to do with the card."""
        self.line.tell(CardRequest(action))

    def choose_password(self, policy: PinPolicy) -> bytearray:
        """Asks for a new password."""
        return self.line.ask(PasswordChoice(policy))

    def enter_password(self, status: PinStatus) -> bytearray:
        """Asks for the card's password."""
        return self.line.ask(PasswordEntry(status))

    def choose_authentication_password(self, policy: PinPolicy) -> bytearray:
        """Asks for a new password of the other key."""
        return self.line.ask(PasswordChoice(policy, KeyUse.AUTHENTICATION))

    def enter_authentication_password(self, status: PinStatus, policy: PinPolicy) -> bytearray:
        """Asks for the other key's password."""
        return self.line.ask(PasswordEntry(status, policy=policy, use=KeyUse.AUTHENTICATION))

    def which_password(self, statuses: Mapping[KeyUse, PinStatus]) -> KeyUse:
        """Asks which one he means."""
        return self.line.ask(PasswordMeant(statuses))

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """Asks for the password that is to be replaced."""
        return self.line.ask(PasswordEntry(status, Recalled.OLD, asked.policy, asked.use))

    def enter_new_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """Asks for the password that was chosen before an interruption."""
        return self.line.ask(PasswordEntry(status, Recalled.NEW, asked.policy, asked.use))

    def consent(self, summary: DeliverySummary) -> None:
        """Asks for consent."""
        self.line.ask(Consent(summary))


@dataclass(frozen=True)
class ClerkAtScreen:
    """The clerk, as `kiosk.issuance.persons.Clerk`."""

    line: CaseLine

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        """Asks for the identity check."""
        return self.line.ask(IdentityCheck(question))

    def approve(self, question: IdentityQuestion) -> Exemption | None:
        """Asks for leave."""
        return self.line.ask(Approval(question))

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """Asks for the fee, until something else is due."""
        return self.line.ask_while(deposit.is_due, FeeDue(due_yen), otherwise=0)

    def give_change(self, change_yen: int) -> None:
        """Asks to hand the change back."""
        self.line.ask(ChangeDue(change_yen))

    def mind_cash(self, trouble: CashTrouble) -> None:
        """Has him read what is wrong with the cash."""
        self.line.ask(CashMinded(trouble))

    def repay(self, amount_yen: int) -> None:
        """Asks to give money back; nobody is asked about nothing."""
        if amount_yen:
            self.line.ask(Repayment(amount_yen))

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        """Asks how much of this payment lies in the till."""
        return self.line.ask(PaymentCount(due_yen, known))

    def is_card_returned(self) -> bool:
        """Asks whether the resident has his card."""
        return self.line.ask(CardReturn())

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Asks what came out of the printer."""
        return self.line.ask(PaperLook(receipt_number))
