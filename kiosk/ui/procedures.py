"""What the screens ask of the counter besides issuing, by the number of a case or an application."""

import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hw.ports import MachineMoney
    from kiosk.issuance.persons import Clerk
    from kiosk.model.decision import CarriedOut, Decision
    from kiosk.model.revocation import RevocationApplication
    from kiosk.ui.service import Run


class DecisionRefused(Exception):
    """What the clerk decided cannot be done; `code` is the failure book's, empty when the case is not like that.

    `is_day_kept`: an application is not on hold yet, and will be until the day that was named once it is taken back.
    """

    def __init__(self, code: str, *, is_day_kept: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_day_kept = is_day_kept


class Procedures(Protocol):
    """What the counter does besides issuing, by number; called on the station's thread.

    A decision that cannot be carried out raises `DecisionRefused`.
    """

    def next_number(self, kind: str, year: int) -> str:
        """The next free number for a `kind` of `kiosk.ui.service.ServiceKind`."""
        ...

    def change_password(self, number: str) -> "Run":
        """The card's owner replaces his password."""
        ...

    def unlock(self, number: str, code: str) -> "Run":
        """The password of the resident of this code is set anew."""
        ...

    def revoke(self, application: "RevocationApplication", second: str | None) -> "Run":
        """A certificate is revoked; `second` is the clerk who signs too."""
        ...

    def left(self, number: str) -> tuple[str, bool, "Run"]:
        """What kind of procedure an interruption left, whether whom it is about is here, and how it goes on."""
        ...

    def hold(self, number: str, until: datetime.date) -> bool | None:
        """Puts an application off; whether the slip came out, None when that is not known."""
        ...

    def resume(self, number: str) -> None:
        """Takes an application off hold."""
        ...

    def abort(self, number: str) -> str:
        """Ends a case; the failure book's code by which it is known."""
        ...

    def carry_out(self, decision: "Decision", clerk: "Clerk") -> "CarriedOut":
        """What `clerk` at a station of his own has decided; he is asked what has to be asked."""
        ...

    def settle(self, number: str, answer: str, second: str) -> None:
        """Records what this seat's clerk and a second one say."""
        ...

    def question(self, number: str) -> str:
        """What two clerks are asked about a case: `fee`, `receipt` or `refund`; empty for nothing."""
        ...

    def known_money(self, number: str) -> "MachineMoney":
        """What a machine at this counter knows of the money of a case."""
        ...

    def second_clerks(self) -> tuple[str, ...]:
        """The clerks who can sign beside the one at this seat."""
        ...
