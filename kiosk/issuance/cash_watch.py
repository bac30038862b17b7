"""What is wrong with the cash of one payment, told to the clerk as soon as it is known, and once.

A machine that may hold a coin it does not count, and a drawer that stays shut, are his to put right: he is there, the
devices go on, and no record of the case depends on it.
"""

from hw.ports import CashBox, CashTrouble, Deposit
from kiosk.issuance.persons import Clerk


class CashWatch:
    """Watches `cash` for `clerk` during one payment or refund."""

    def __init__(self, cash: CashBox, clerk: Clerk) -> None:
        self.cash = cash
        self.clerk = clerk
        self._has_told = False

    def is_news(self, deposit: Deposit) -> bool:
        """Whether the clerk does not know yet that the machine's counts disagree."""
        return deposit.is_discrepant and not self._has_told

    def tell_of(self, deposit: Deposit) -> Deposit:
        """Tells the clerk what he does not know yet of `deposit`, which is returned."""
        if self.is_news(deposit):
            self._has_told = True
            self.clerk.mind_cash(CashTrouble.COUNTS_DISAGREE)
        return deposit

    def tell_of_drawer(self) -> None:
        """Tells the clerk, before he is asked to take or give money, when the drawer did not open for it."""
        if self.cash.is_drawer_shut():
            self.clerk.mind_cash(CashTrouble.DRAWER_SHUT)
