"""The clerk's drawer: a person counts the money and attests it, the printer's connector opens the drawer."""

import time
from collections.abc import Callable
from enum import Enum, auto

from hw.cash.drawer_watch import DrawerCounts
from hw.errors import DeviceError, Refused
from hw.ports import Deposit, DepositEnd, MachineMoney, ReceiptPrinter

_PULSES = 2
"""Some printers need a second pulse."""
_SENSOR_S, _SENSOR_POLL_S = 0.5, 0.05


class _State(Enum):
    CLOSED = auto()
    OPEN = auto()
    FIXED = auto()


class ClerkDrawer:
    """One deposit at a time: begin, take_from_clerk (any number of times), fix, end; implements `hw.ports.CashBox`.

    A step out of this order raises `Refused`. The deposit lives in memory only: what must survive is journaled by the
    caller, and a deposit that a crash interrupted is begun again. With `has_sensor` a kick counts only once the printer
    has seen the drawer open.
    """

    kind = "clerk_drawer"

    def __init__(
        self,
        printer: ReceiptPrinter,
        *,
        has_sensor: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._printer = printer
        self.has_sensor = has_sensor
        self._monotonic = monotonic
        self._pause = pause
        self.counts = DrawerCounts()
        self._state = _State.CLOSED
        self._due_yen = 0
        self._received_yen = 0
        self.kick_failure: DeviceError | None = None
        """Why the drawer could not be kicked when money last went in or out; the clerk then opens it with the key."""

    def counter(self) -> int:
        """Always 0: a drawer counts nothing."""
        return 0

    def begin(self, due_yen: int, payment: str = "") -> None:
        """Starts a deposit towards `due_yen`, which is positive; a drawer keeps nothing by `payment`."""
        if due_yen <= 0:
            raise ValueError(f"{due_yen} yen are not an amount due")
        self._require(_State.CLOSED)
        self._state, self._due_yen, self._received_yen = _State.OPEN, due_yen, 0

    def left_over(self, payment: str) -> MachineMoney:
        """Nothing: a drawer knows of no money, the clerk counts."""
        return MachineMoney()

    def close_payment(self, payment: str) -> None:
        """Forgets nothing, since it kept nothing."""

    def take_from_clerk(self, amount_yen: int) -> None:
        """Adds what the clerk says to have received."""
        if amount_yen <= 0:
            raise ValueError(f"{amount_yen} yen are not an amount received")
        self._require(_State.OPEN)
        self._received_yen += amount_yen

    def deposit(self) -> Deposit:
        """What the clerk has attested so far."""
        self._require(_State.OPEN, _State.FIXED)
        return Deposit(self._due_yen, self._received_yen)

    def await_payment(self) -> Deposit:
        """What the clerk has attested so far: nobody else can put anything in."""
        return self.deposit()

    def fix(self) -> Deposit:
        """Takes nothing more; may be called again."""
        deposit = self.deposit()
        self._state = _State.FIXED
        return deposit

    def end(self, how: DepositEnd) -> int:
        """Closes a fixed deposit, opens the drawer when money goes in or out, and returns the yen to hand back.

        CHANGE raises `Refused` while less than due was received; the deposit then stays, to be repaid.
        """
        self._require(_State.FIXED)
        match how:
            case DepositEnd.CHANGE:
                if self._received_yen < self._due_yen:
                    raise Refused(f"{self._received_yen} of {self._due_yen} yen received")
                back_yen = self._received_yen - self._due_yen
            case DepositEnd.REPAY:
                back_yen = self._received_yen
        self._state = _State.CLOSED
        self.kick_failure = self._kick() if self._received_yen else None
        return back_yen

    def dispense(self, amount_yen: int) -> None:
        """Opens the drawer for a refund that the clerk takes out, while no deposit is open; 0 yen open nothing."""
        if amount_yen < 0:
            raise ValueError(f"{amount_yen} yen are not an amount to give out")
        self._require(_State.CLOSED)
        self.kick_failure = self._kick() if amount_yen else None

    def is_drawer_shut(self) -> bool:
        """Whether it could not be kicked when money last went in or out, or its sensor saw it stay shut."""
        return self.kick_failure is not None

    def _kick(self) -> DeviceError | None:
        # The clerk stands before the drawer and has its key: a dead printer must not keep a fee from being settled.
        try:
            for _ in range(_PULSES if self.has_sensor else 1):
                self._printer.open_drawer()
                if not self.has_sensor or self._has_opened():
                    self.counts.drawer_good_open_count += 1
                    return None
        except DeviceError as error:
            self.counts.drawer_failed_open_count += 1
            return error
        self.counts.drawer_failed_open_count += 1
        return Refused("the drawer's sensor does not move")

    def _has_opened(self) -> bool:
        until_s = self._monotonic() + _SENSOR_S
        while not self._printer.status().is_drawer_open:
            if self._monotonic() >= until_s:
                return False
            self._pause(_SENSOR_POLL_S)
        return True

    def _require(self, *states: _State) -> None:
        if self._state not in states:
            wanted = " or ".join(state.name.lower() for state in states)
            raise Refused(f"the deposit is {self._state.name.lower()}, not {wanted}")
