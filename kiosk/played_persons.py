"""Resident and clerk as a drill's file plays them: they answer at once, and always the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from hw.bench import SimulatedReader
from hw.cash.coin_box import CoinBox
from hw.ports import CashTrouble, KeyUse, MachineMoney, PinPolicy, PinStatus
from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.till import SimulatedTill
from kiosk.application_file import ClerkTable
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
from kiosk.model.step import Actor, Step, Undo
from kiosk.model.testimony import AuthorityFound, Finding, PaperSeen

COINS_YEN = (500, 100, 50, 10)


class PlayedResident:
    """Puts his card in when asked, chooses and types one password, agrees, and pays at the coin slot if there is one.

    A real coin slot is fed by whoever stands before it.
    """

    def __init__(
        self,
        code: str,
        password: str,
        reader: SimulatedReader | None,
        window: SimulatedReader | None,
        coins: VirtualCoinMachine | None = None,
        authentication_password: str = "",
    ) -> None:
        self._authentication_password = authentication_password
        self._coins = coins
        self._code = code
        self._password = password
        self._reader = reader
        self._window = window
        self._attempts_shown: int | None = None
        self._other_attempts_shown: int | None = None

    def card(self, action: CardAction) -> None:
        """Moves the simulated card; a card in a real reader is moved by nobody here."""
        into = self._window if action is CardAction.HAND_IN else self._reader
        for reader in (self._reader, self._window):
            if reader is not None and reader is not into:
                reader.remove()
        if into is not None:
            if action is CardAction.TAKE:
                into.remove()
            else:
                into.insert(self._code)

    def choose_password(self, policy: PinPolicy) -> bytearray:
        """The file's password; he gives up when the card would not take it."""
        if policy.characters.upper() == policy.characters:
            # Cards that know no small letters are told the capitals, as all programs for them do.
            self._password = self._password.upper()
        return _within(policy, self._password)

    def choose_authentication_password(self, policy: PinPolicy) -> bytearray:
        """The file's other password; likewise."""
        return _within(policy, self._authentication_password)

    def enter_authentication_password(self, status: PinStatus, policy: PinPolicy) -> bytearray:
        """The file's other password; he gives up when it is not the card's."""
        if self._other_attempts_shown is not None and status.attempts_remaining < self._other_attempts_shown:
            raise Abandoned(Actor.RESIDENT, "password_wrong")
        self._other_attempts_shown = status.attempts_remaining
        return bytearray(self._authentication_password.encode("ascii"))

    def enter_password(self, status: PinStatus) -> bytearray:
        """The file's password; he gives up rather than spend a second attempt."""
        if self._attempts_shown is not None and status.attempts_remaining < self._attempts_shown:
            raise Abandoned(Actor.RESIDENT, "password_wrong")
        self._attempts_shown = status.attempts_remaining
        return bytearray(self._password.encode("ascii"))

    def which_password(self, statuses: Mapping[KeyUse, PinStatus]) -> KeyUse:
        """That of his signature."""
        return KeyUse.SIGNATURE

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """The same; he has only this one."""
        return self.enter_password(status)

    def enter_new_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """The same."""
        return self.enter_password(status)

    def consent(self, summary: DeliverySummary) -> None:
        """Agrees, and takes the fee in coins out of his pocket."""
        if self._coins is not None:
            self._coins.drop_held()
            self._coins.hold(*_in_coins(summary.fee_yen))


def _within(policy: PinPolicy, password: str) -> bytearray:
    fits = policy.minimum_length <= len(password) <= policy.maximum_length
    if not fits or not set(password) <= set(policy.characters):
        raise Abandoned(Actor.RESIDENT, "password_against_rules")
    return bytearray(password.encode("ascii"))


class PlayedOwner(PlayedResident):
    """The card's owner who has another password set: he knows the old one and the new one, and tries each once."""

    def __init__(
        self, code: str, old: str, new: str, reader: SimulatedReader | None, window: SimulatedReader | None
    ) -> None:
        super().__init__(code, new, reader, window, authentication_password=new)
        self._old = old
        self._tried: set[str] = set()

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """The old one."""
        return self._once(self._old, asked)

    def enter_new_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """The new one."""
        return self._once(self._password, asked)

    def _once(self, password: str, asked: AskedPassword) -> bytearray:
        password = password.upper() if asked.policy.characters.isupper() else password
        if password in self._tried:
            raise Abandoned(Actor.RESIDENT, "password_wrong")
        self._tried.add(password)
        return bytearray(password.encode("ascii"))


@dataclass(frozen=True)
class PlayedClerk:
    """Sees a document, approves, and keeps the till, payer by payer."""

    table: ClerkTable
    payer: str
    till: SimulatedTill
    coin_box: CoinBox | None = None

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        """Sees the file's document."""
        return IdentityEvidence(self.table.identity_document, self.table.name)

    def approve(self, question: IdentityQuestion) -> Exemption | None:
        """Approves; exempts from the fee where the file says so and there is one."""
        exempts = self.table.exemption and question.exemptions
        return Exemption(self.table.exemption, self.table.second) if exempts else None

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """Takes what the file says, when a resident with coins has had his time; who has less than is due gives up."""
        deposit.await_payer()
        if not deposit.is_due():
            return 0
        if self.table.tendered_yen < due_yen:
            raise Abandoned(Actor.RESIDENT, "too_little_money")
        self.till.put(self.payer, self.table.tendered_yen)
        return self.table.tendered_yen

    def give_change(self, change_yen: int) -> None:
        """Takes the change out of the till."""
        if change_yen:
            self.till.put(self.payer, -change_yen)

    def mind_cash(self, trouble: CashTrouble) -> None:
        """Reads it: a played clerk has nothing to put right by hand."""

    def repay(self, amount_yen: int) -> None:
        """Takes the repaid money out of the till."""
        if amount_yen:
            self.till.put(self.payer, -amount_yen)

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        """Counts this payer's money, in the till and in the coin machine, which then has nothing unaccounted."""
        if self.table.cannot_tell:
            raise CannotTell
        if self.coin_box is not None:
            self.coin_box.settle()
        return self.till.count(self.payer)

    def is_card_returned(self) -> bool:
        """Hands the card back."""
        return True

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Finds nothing, so that what is printed next is marked as a copy."""
        if self.table.cannot_tell:
            raise CannotTell
        return PaperSeen.NOTHING


@dataclass(frozen=True)
class PlayedWitnesses:
    """Two clerks who count the till, and find no receipt, so that what is printed next is marked as a copy."""

    table: ClerkTable
    payer: str
    till: SimulatedTill

    def look(self, question: Step | Undo, known: MachineMoney) -> Finding:
        """They look."""
        answers = {Step.RECEIPT: PaperSeen.NOTHING.value, Undo.REVOKE: AuthorityFound.NONE_VALID.value}
        return Finding(answers.get(question) or str(self.till.count(self.payer)), self.table.second)


def play(
    resident_code: str,
    password: str,
    clerk: ClerkTable,
    payer: str,
    till: SimulatedTill,
    reader: SimulatedReader | None,
    window: SimulatedReader | None,
    coins: VirtualCoinMachine | None = None,
    coin_box: CoinBox | None = None,
    authentication_password: str = "",
) -> Persons:
    """The persons of one application; what falls into a simulated coin machine is this payer's money."""
    if coins is not None:
        coins.on_taken = lambda yen: till.put(payer, yen)
        coins.on_paid = lambda yen: till.put(payer, -yen)
    resident = PlayedResident(resident_code, password, reader, window, coins, authentication_password)
    return Persons(resident, PlayedClerk(clerk, payer, till, coin_box))


def _in_coins(amount_yen: int) -> list[int]:
    coins = []
    for yen in COINS_YEN:
        coins += [yen] * (amount_yen // yen)
        amount_yen %= yen
    return coins
