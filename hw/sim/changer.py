"""A simulated cash changer (自動釣銭機): takes notes and coins, and gives change, as UnifiedPOS CashChanger describes.

The makers' protocols are not public, so no bytes are invented here: the simulation satisfies `hw.ports.CashBox` itself,
and a real changer will come with a driver for its maker's interface.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hw.errors import Refused
from hw.ports import Deposit, DepositEnd, MachineMoney
from hw.sim.kept_file import reading_kept

_LOOKS_EVERY_S = 0.2
DENOMINATIONS_YEN = (10_000, 5_000, 1_000, 500, 100, 50, 10, 5, 1)
FLOAT_YEN: Mapping[int, int] = {1_000: 10, 500: 10, 100: 50, 50: 20, 10: 50}
"""What a new one is filled with (釣銭準備金): denomination to pieces."""


@dataclass(frozen=True)
class CashCounts:
    """What lies in it, denomination to pieces (readCashCounts); `is_discrepant` when it does not trust its count."""

    pieces: Mapping[int, int]
    is_discrepant: bool

    @property
    def total_yen(self) -> int:
        """All of it."""
        return sum(yen * count for yen, count in self.pieces.items())


@dataclass(frozen=True)
class _Moved:
    """What went in for one payment by the payer's hand, and out again."""

    taken_yen: int = 0
    paid_yen: int = 0


class SimulatedChanger:
    """One deposit at a time; `path` keeps what lies in it, and what it did for each payment not yet closed.

    `insert` is the payer's hand, `jam` and `clear` anybody's.

    It pays out in the fewest pieces that it has, all or nothing: what it cannot pay exactly it refuses. `patience_s` is
    how long a payer is given before the clerk is asked. Hands may come from any thread.
    """

    kind = "cash_changer"

    def __init__(
        self,
        path: Path | None = None,
        *,
        patience_s: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._pause = pause
        self._turn = threading.RLock()
        self._pieces = dict.fromkeys(DENOMINATIONS_YEN, 0) | dict(FLOAT_YEN)
        self._payments: dict[str, _Moved] = {}
        self._payment = ""
        if path is not None and path.exists():
            with reading_kept(path, "cash changer"):
                kept = json.loads(path.read_bytes())
                self._pieces |= {int(yen): int(count) for yen, count in kept["pieces"].items()}
                self._payments = {name: _Moved(**moved) for name, moved in kept["payments"].items()}
        self._due_yen: int | None = None
        self._received_yen = 0
        self._clerk_yen = 0
        self._is_fixed = False
        self._is_jammed = False
        self._events = 0

    def counts(self) -> CashCounts:
        """What lies in it."""
        return CashCounts({yen: count for yen, count in self._pieces.items() if count}, self._is_jammed)

    def insert(self, yen: int) -> bool:
        """A piece of money goes in; whether it was taken."""
        with self._turn:
            if self._due_yen is None or self._is_fixed or self._is_jammed or yen not in self._pieces:
                return False
            self._note(taken_yen=yen)
            self._move({yen: 1})
            self._received_yen += yen
            return True

    def obey(self, order: str) -> None:
        """Does what hands do: a note or coin by its value, `jam` or `clear`."""
        match order:
            case "jam":
                self.jam()
            case "clear":
                self.clear()
            case _ if order.isdecimal():
                self.insert(int(order))
            case _:
                raise ValueError(f"{order!r} is none of: YEN, jam, clear")

    def look(self) -> str:
        """Whether it takes money, and what lies in it."""
        with self._turn:
            is_open = self._due_yen is not None and not self._is_fixed and not self._is_jammed
            state = "jammed" if self._is_jammed else "takes money" if is_open else "takes nothing"
            return f"{state}, {self._received_yen} yen received, {self.counts().total_yen:,} yen in it"

    def jam(self) -> None:
        """Something is stuck; its count is no longer to be trusted."""
        self._is_jammed = True

    def clear(self) -> None:
        """The jam has been cleared, and what lies in it counted."""
        self._is_jammed = False

    def counter(self) -> int:
        """How often money went in or out."""
        return self._events

    def begin(self, due_yen: int, payment: str = "") -> None:
        """Takes money from now on (beginDeposit)."""
        if due_yen <= 0:
            raise ValueError(f"{due_yen} yen are not an amount due")
        if self._due_yen is not None:
            raise Refused("a deposit is open")
        self._due_yen, self._received_yen, self._clerk_yen, self._is_fixed = due_yen, 0, 0, False
        self._payment = payment

    def left_over(self, payment: str) -> MachineMoney:
        """What it took and gave out for `payment`, ended or not, also before it was last switched on."""
        with self._turn:
            moved = self._payments.get(payment, _Moved())
            return MachineMoney(moved.taken_yen, moved.paid_yen, is_count_lost=self._is_jammed)

    def close_payment(self, payment: str) -> None:
        """Forgets what it did for `payment`."""
        with self._turn:
            if self._payments.pop(payment, None) is not None:
                self._save()

    def take_from_clerk(self, amount_yen: int) -> None:
        """Money that a clerk took into his own drawer, and attests."""
        if amount_yen <= 0:
            raise ValueError(f"{amount_yen} yen are not an amount received")
        with self._turn:
            self._require_open(is_fixed=False)
            self._clerk_yen += amount_yen

    def deposit(self) -> Deposit:
        """What has been received so far (depositAmount)."""
        return Deposit(self._require_open(), self._received_yen + self._clerk_yen, self._is_jammed)

    def await_payment(self) -> Deposit:
        """Waits until all is there, the payer's time is over, or something is stuck."""
        until_s = self._monotonic() + self._patience_s
        while True:
            deposit = self.deposit()
            if deposit.received_yen >= deposit.due_yen or deposit.is_discrepant or self._monotonic() >= until_s:
                return deposit
            self._pause(_LOOKS_EVERY_S)

    def fix(self) -> Deposit:
        """Takes nothing more (fixDeposit); may be called again."""
        with self._turn:
            self._require_open()
            self._is_fixed = True
            return self.deposit()

    def end(self, how: DepositEnd) -> int:
        """Ends a fixed deposit (endDeposit); pays back what it can exactly, and returns what is left for the clerk.

        CHANGE raises `Refused` while less than due was received.
        """
        due_yen = self._require_open(is_fixed=True)
        received_yen = self._received_yen + self._clerk_yen
        if how is DepositEnd.CHANGE and received_yen < due_yen:
            raise Refused(f"{received_yen} of {due_yen} yen received")
        back_yen = received_yen - (due_yen if how is DepositEnd.CHANGE else 0)
        self._due_yen = None
        pieces = None if self._is_jammed else self._pieces_for(back_yen)
        if pieces is None:
            return back_yen
        self._note(paid_yen=back_yen)
        self._move({yen: -count for yen, count in pieces.items()})
        return 0

    def dispense(self, amount_yen: int) -> None:
        """Pays out exactly (dispenseChange), while no deposit is open, or raises `Refused`."""
        if amount_yen < 0:
            raise ValueError(f"{amount_yen} yen are not an amount to give out")
        if self._due_yen is not None:
            raise Refused("a deposit is open")
        if self._is_jammed:
            raise Refused("the changer is jammed")
        pieces = self._pieces_for(amount_yen)
        if pieces is None:
            raise Refused(f"the changer has no {amount_yen} yen in pieces")
        self._move({yen: -count for yen, count in pieces.items()})

    def is_drawer_shut(self) -> bool:
        """Never: it has no drawer."""
        return False

    def _pieces_for(self, amount_yen: int) -> dict[int, int] | None:
        pieces = {}
        for yen in DENOMINATIONS_YEN:
            pieces[yen] = min(amount_yen // yen, self._pieces[yen])
            amount_yen -= pieces[yen] * yen
        return None if amount_yen else pieces

    def _move(self, pieces: Mapping[int, int]) -> None:
        for yen, count in pieces.items():
            self._pieces[yen] += count
        self._events += 1
        self._save()

    def _note(self, *, taken_yen: int = 0, paid_yen: int = 0) -> None:
        """Adds to what it did for the payment of the open deposit; saved with the pieces that it moved."""
        if self._payment and (taken_yen or paid_yen):
            known = self._payments.get(self._payment, _Moved())
            self._payments[self._payment] = _Moved(known.taken_yen + taken_yen, known.paid_yen + paid_yen)

    def _save(self) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".new")
            payments = {name: asdict(moved) for name, moved in self._payments.items()}
            draft.write_text(json.dumps({"pieces": self._pieces, "payments": payments}))
            os.replace(draft, self._path)

    def _require_open(self, *, is_fixed: bool | None = None) -> int:
        if self._due_yen is None or (is_fixed is not None and self._is_fixed != is_fixed):
            now = "closed" if self._due_yen is None else "fixed" if self._is_fixed else "open"
            raise Refused(f"the deposit is {now}")
        return self._due_yen
