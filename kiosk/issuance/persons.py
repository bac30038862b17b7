"""What a use case asks of the people at the counter, and what they answer.

The screens satisfy these protocols, and so do the persons played by a drill's file. Every call blocks until the
person has answered; a person who gives up raises `Abandoned`.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hw.ports import CashTrouble, KeyUse, MachineMoney, PinPolicy, PinStatus
from kiosk.model.authorisation import Operation
from kiosk.model.certificate import CertifiedItems
from kiosk.model.identity import IdentityDocument
from kiosk.model.policy import ExemptionGround, PasswordKind
from kiosk.model.resident import FourItems
from kiosk.model.step import Actor
from kiosk.model.testimony import PaperSeen


class Abandoned(Exception):
    """A person stopped the procedure; `by` says who, `reason` in a word of the journal."""

    def __init__(self, by: Actor, reason: str) -> None:
        super().__init__(f"stopped by {by}: {reason}")
        self.by = by
        self.reason = reason


class CannotTell(Abandoned):
    """The clerk was asked what he saw and cannot tell; two clerks together have to find out."""

    def __init__(self) -> None:
        super().__init__(Actor.CLERK, "cannot_tell")


class CardAction(StrEnum):
    """What a person is asked to do with the card."""

    INSERT = "insert"
    INSERT_SAME = "insert_same"
    HAND_IN = "hand_in"
    TAKE = "take"


@dataclass(frozen=True, repr=False)
class IdentityQuestion:
    """What the clerk sees when he checks an identity: the form beside the register, and which items differ.

    `operation` says what he is about to give leave for, `which` the password that is set anew, `certified_items` what
    a certificate will say: where a substitute character stands in them, the resident has to accept it. `exemptions` are
    the grounds on which no fee is due.
    """

    application_number: str
    register_items: FourItems
    form_items: FourItems
    differences: tuple[str, ...]
    operation: Operation = "issue"
    certified_items: CertifiedItems | None = None
    which: PasswordKind | None = None
    exemptions: tuple[ExemptionGround, ...] = ()


@dataclass(frozen=True)
class Exemption:
    """No fee is due: the code of the ground, and the name of the clerk who signs second."""

    ground: str
    second: str


@dataclass(frozen=True)
class IdentityEvidence:
    """What the clerk saw: the kind of document, the clerk's own name in the journal, and what was seen beside it."""

    document: IdentityDocument
    clerk: str
    beside: IdentityDocument | None = None


@dataclass(frozen=True, repr=False)
class DeliverySummary:
    """What the resident confirms before he pays: his name as certified, and until when the certificate is valid.

    `registered_name` differs from `name` where substitute characters stand for his own.
    """

    name: str
    not_after: datetime.datetime
    fee_yen: int
    registered_name: str


@dataclass(frozen=True)
class AskedPassword:
    """Which of the card's passwords is asked for, and of what form the card holds it."""

    use: KeyUse
    policy: PinPolicy


class Resident(Protocol):
    """The resident at the terminal."""

    def card(self, action: CardAction) -> None:
        """Shows what to do with the card; returns at once, the reader tells when it is done."""

    def choose_password(self, policy: PinPolicy) -> bytearray:
        """A new password of ASCII characters, typed twice. The caller wipes it."""

    def enter_password(self, status: PinStatus) -> bytearray:
        """The card's password; asked again, with fewer attempts remaining, when it was wrong. The caller wipes it."""

    def choose_authentication_password(self, policy: PinPolicy) -> bytearray:
        """A new password for the card's other key (利用者証明用), typed twice. The caller wipes it."""

    def enter_authentication_password(self, status: PinStatus, policy: PinPolicy) -> bytearray:
        """That password, which is of this form; asked again when it was wrong. The caller wipes it."""

    def which_password(self, statuses: Mapping[KeyUse, PinStatus]) -> KeyUse:
        """Which of the card's passwords he means; asked of a card that has two, with how each of them stands."""

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """The password that he wants to replace; asked again when it was wrong. The caller wipes it."""

    def enter_new_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """After an interruption: the password that he chose last, to find out whether the card has it.

        The caller wipes it.
        """

    def consent(self, summary: DeliverySummary) -> None:
        """Looks at what will be delivered and paid, and agrees."""


@dataclass(frozen=True)
class OpenDeposit:
    """A till that may be filled while its clerk is asked: by the resident himself, in coins.

    `is_due` asks whether exactly what the clerk was asked for is due still; `await_payer` gives the resident his time.
    """

    is_due: Callable[[], bool] = lambda: True
    await_payer: Callable[[], object] = lambda: None


CLERK_ALONE = OpenDeposit()
"""One that nobody but the clerk fills."""


class Clerk(Protocol):
    """The clerk who supervises."""

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        """Compares form, register, document and face."""

    def approve(self, question: IdentityQuestion) -> Exemption | None:
        """Gives leave for the key generation, with or without the fee; the clerk's key signs after this."""

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """Takes money from the resident; returns the yen tendered, 0 once `due_yen` is no longer what is due."""

    def give_change(self, change_yen: int) -> None:
        """Hands the change back."""

    def mind_cash(self, trouble: CashTrouble) -> None:
        """Reads what is wrong with the cash before he goes on taking and giving it, and what he has to do."""

    def repay(self, amount_yen: int) -> None:
        """Gives money back that was taken; 0 when there was none."""

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        """After an interruption: how much of this payer's money lies in the till, 0 when none was taken.

        `known` is what a machine says that it took from him and gave back. Raises `CannotTell`.
        """

    def is_card_returned(self) -> bool:
        """Says whether the resident has his card, when the reader cannot tell."""

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Says what came out of the printer when the printer itself cannot tell. Raises `CannotTell`."""


@dataclass(frozen=True)
class Persons:
    """Who is at the counter."""

    resident: Resident
    clerk: Clerk
