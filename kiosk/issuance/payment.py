"""Takes one payment at the counter: what the machine counts and the clerk takes, until the sum is there.

Then the change goes back, or everything when somebody stops. How a fee becomes due and what an interrupted payment
means is its use case's (`kiosk.issuance.issue`).
"""

from hw.errors import DeviceError
from hw.ports import CashBox, Deposit, DepositEnd
from kiosk.issuance.cash_watch import CashWatch
from kiosk.issuance.failure import before_a_persons_eyes, money_in_hand
from kiosk.issuance.persons import Abandoned, Clerk, OpenDeposit
from kiosk.model.application import SettledFee


@before_a_persons_eyes()
def collect(fee_yen: int, payment: str, cash: CashBox, clerk: Clerk, *, found_yen: int = 0) -> SettledFee:
    """Takes `fee_yen` under the payment's name, of which `found_yen` lies in the till from before.

    Raises `LeftUnseen` when a person stops, after all that was taken was given back as far as anybody saw;
    `MoneyUnseen` when the cash box fails; `CannotTell`.
    """
    watch = CashWatch(cash, clerk)
    cash.begin(fee_yen, payment)
    with money_in_hand():
        # What the clerk has in hand, and the cash box does not know of yet.
        in_hand_yen = found_yen
        try:
            while True:
                if in_hand_yen:
                    cash.take_from_clerk(in_hand_yen)
                    in_hand_yen = 0
                rest_yen = _rest_of(watch.tell_of(cash.deposit()))
                if not rest_yen:
                    break
                in_hand_yen = clerk.take_fee(rest_yen, _open_deposit(rest_yen, watch))
        except (Abandoned, DeviceError):
            fixed = cash.fix()
            back_yen = cash.end(DepositEnd.REPAY) + in_hand_yen
            watch.tell_of(fixed)
            watch.tell_of_drawer()
            clerk.repay(back_yen)
            raise
        fixed = cash.fix()
        # What a machine has not given out itself is the clerk's to hand back.
        change_yen = cash.end(DepositEnd.CHANGE)
        watch.tell_of(fixed)
        watch.tell_of_drawer()
        clerk.give_change(change_yen)
        return SettledFee(fee_yen, fixed.received_yen, fixed.received_yen - fee_yen)


def _rest_of(deposit: Deposit) -> int:
    """The yen that are still due."""
    return max(0, deposit.due_yen - deposit.received_yen)


def _open_deposit(asked_yen: int, watch: CashWatch) -> OpenDeposit:
    """Lets coins fall while the clerk is asked: he must never have to attest what the machine has."""

    def is_due() -> bool:
        deposit = watch.cash.deposit()
        return _rest_of(deposit) == asked_yen and not watch.is_news(deposit)

    return OpenDeposit(is_due, watch.cash.await_payment)
