"""A cash box whose payer sees on the customer display what is due, what has been received, and what he gets back."""

import threading
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

from hw.display import CustomerDisplay
from hw.errors import DeviceError
from hw.ports import CashBox, Deposit, DepositEnd, MachineMoney

_WORDS = Path(__file__).parent / "display_words.toml"
Language = Literal["ja", "en"]


class Shows(Protocol):
    """Shows two lines."""

    def show(self, upper: str, lower: str = "") -> None:
        """Shows both."""
        ...


class NewestFrame:
    """Shows the newest lines on `display` from a thread of its own: no payment waits for a display that hangs.

    What is overtaken before it could be shown is never shown.
    """

    def __init__(self, display: CustomerDisplay) -> None:
        self._display = display
        self._lock = threading.Lock()
        self._next: tuple[str, str] | None = None
        self._is_showing = False

    def show(self, upper: str, lower: str = "") -> None:
        """Has both lines shown, and returns at once."""
        with self._lock:
            self._next = (upper, lower)
            if self._is_showing:
                return
            self._is_showing = True
        threading.Thread(target=self._show_all, name="customer display", daemon=True).start()

    def _show_all(self) -> None:
        while True:
            with self._lock:
                lines, self._next = self._next, None
                if lines is None:
                    self._is_showing = False
                    return
            with suppress(DeviceError):  # its owner finds out and tells
                self._display.show(*lines)


class ShownCashBox:
    """Implements `hw.ports.CashBox` over `box`. A display that fails takes nothing from a payment."""

    def __init__(self, box: CashBox, display: Shows, language: Language = "ja") -> None:
        self.kind = box.kind
        self._box = box
        self._display = display
        self._words: dict[str, str] = tomllib.loads(_WORDS.read_text("utf-8"))[language]
        self._shown: Deposit | None = None

    def counter(self) -> int:
        """The box's event counter."""
        return self._box.counter()

    def begin(self, due_yen: int, payment: str = "") -> None:
        """Begins, and shows what is due."""
        self._box.begin(due_yen, payment)
        self._show(Deposit(due_yen, 0))

    def left_over(self, payment: str) -> MachineMoney:
        """What the box knows of it."""
        return self._box.left_over(payment)

    def close_payment(self, payment: str) -> None:
        """Tells the box."""
        self._box.close_payment(payment)

    def take_from_clerk(self, amount_yen: int) -> None:
        """Adds a clerk's money, and shows the sum."""
        self._box.take_from_clerk(amount_yen)
        self._show(self._box.deposit())

    def deposit(self) -> Deposit:
        """What has been received, which is shown when it is new."""
        return self._show(self._box.deposit())

    def await_payment(self) -> Deposit:
        """Waits as the box does, and shows what came."""
        return self._show(self._box.await_payment())

    def fix(self) -> Deposit:
        """Takes nothing more."""
        return self._show(self._box.fix())

    def end(self, how: DepositEnd) -> int:
        """Ends, and shows what the payer gets back: all of it, not only what the clerk hands over."""
        deposit = self._box.deposit()
        back_yen = self._box.end(how)
        whole_yen = deposit.received_yen - (deposit.due_yen if how is DepositEnd.CHANGE else 0)
        self._shown = None
        self._write(self._words["thanks"], self._amount("back", whole_yen) if whole_yen else "")
        return back_yen

    def dispense(self, amount_yen: int) -> None:
        """Gives money out, and shows how much."""
        self._box.dispense(amount_yen)
        self._write(self._amount("back", amount_yen), "")

    def is_drawer_shut(self) -> bool:
        """Whether the box's drawer stayed shut."""
        return self._box.is_drawer_shut()

    def _show(self, deposit: Deposit) -> Deposit:
        if deposit != self._shown:
            self._shown = deposit
            self._write(self._amount("due", deposit.due_yen), self._amount("received", deposit.received_yen))
        return deposit

    def _amount(self, word: str, yen: int) -> str:
        label, amount = self._words[word], f"\u00a5{yen:,}"
        return label + amount.rjust(20 - len(label))

    def _write(self, upper: str, lower: str) -> None:
        with suppress(DeviceError):
            self._display.show(upper, lower)
