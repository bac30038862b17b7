"""A coin acceptor as a cash box: coins are taken while a fee is due, a clerk can take notes beside it at any time."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from hw.cash.cctalk.acceptor import CoinAcceptor, Identity
from hw.cash.cctalk.codes import Trouble, trouble_of
from hw.cash.cctalk.events import AcceptorReset, Coin, EventsLost, Reading, Rejection
from hw.cash.cctalk.hopper import CoinHopper, HopperStatus
from hw.cash.coin_ledger import CoinLedger, CoinState, LedgerUnwritten, PayoutBegun
from hw.errors import DeviceError, LinkLost, NotSent, OutcomeUnknown, Refused
from hw.link.identity import KnownIdentity
from hw.ports import Deposit, DepositEnd, MachineMoney, UnownedMoney

POLL_S = 0.2
"""How often an open acceptor is read; after a second without, it takes nothing."""
_SETTLE_S = 0.4
"""How long after closing a coin that was past the gate may still be told."""
_SETTLE_READS = 2
_CHECK_EVERY = 10
"""Readings between two looks at what it takes: a reset that its counter does not show has closed it."""
_MOST_COINS_BACK = 20


class CoinBox:
    """One deposit at a time, as `hw.ports.CashBox` says; every method may be called from any thread.

    Of the acceptor's coins only those are let in that do not exceed what is still due, so that change is needed for a
    clerk's notes alone. The acceptor has no escrow: money once taken is given back by the clerk, or in coins by
    `hopper`. Trouble of the acceptor never stops a deposit, since the clerk is there; it is in `trouble`.

    Making one writes nothing and asks nobody: whoever holds the data folder's lock calls `recover`. A payout of which
    nobody can say how far it came is never repeated: the hopper is asked for it first by whatever comes next, and while
    it cannot tell, it pays nothing and the clerk hands out the change.

    `patience_s` is how long a payer is given before a clerk elsewhere is asked; `polls_itself` starts a thread while a
    deposit is open. `monotonic` and `pause` are the clock.
    """

    kind = "cctalk"

    def __init__(
        self,
        acceptor: CoinAcceptor,
        ledger: CoinLedger,
        *,
        hopper: CoinHopper | None = None,
        patience_s: float = 20.0,
        polls_itself: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._acceptor = acceptor
        self._ledger = ledger
        self._hopper = hopper
        self._patience_s = patience_s
        self._polls_itself = polls_itself
        self._monotonic = monotonic
        self._pause = pause
        self._turn = threading.RLock()
        self._stop = threading.Event()
        self._values: Mapping[int, int] = {}
        self._is_unsure = False
        self._is_fixed = False
        self._is_discrepant = False
        self._reads = 0
        self._begun = False
        self._is_left = False
        self._paid_back_yen = 0
        self._lost_before = 0
        self._is_shut = False
        self._known = KnownIdentity()
        self._known_hopper = KnownIdentity()
        self._met_after: int | None = None
        self.trouble: DeviceError | None = None
        """Why the acceptor cannot be used now; the clerk takes the money then."""
        self.alarms: list[int] = []
        """Error codes of jams and of what may be fraud, since the deposit began (`hw.cash.cctalk.codes`)."""
        self.hopper_failure: DeviceError | None = None
        """Why the hopper did not pay what it should have; the clerk pays it."""

    def counter(self) -> int:
        """The acceptor's event counter at the last reading."""
        with self._turn:
            return self._ledger.state.counter

    def unassigned_yen(self) -> int:
        """Money in the machine that belongs to no deposit (未処理入金), for a clerk to account for."""
        with self._turn:
            return self._ledger.state.unassigned_yen

    def unowned(self) -> UnownedMoney:
        """What a person has to count, after asking hopper and acceptor."""
        with self._turn:
            self._look_back()
            state = self._ledger.state
            return UnownedMoney(
                state.unassigned_yen,
                sum(traces.coins_yen for traces in state.traces.values()),
                state.lost_events,
                state.coins_in_doubt,
                len(state.unread),
                state.entries,
            )

    def settle(self, counted: UnownedMoney | None = None) -> int:
        """A clerk has accounted for what belonged to nobody; how much that was, coins just found out included.

        Raises `Refused` when anything happened since the machine was as it was `counted`.
        """
        with self._turn:
            self._look_back()
            if counted is not None and counted.entry != self._ledger.state.entries:
                raise Refused("the coin machine took or gave something since it was counted")
            yen = self._ledger.state.unassigned_yen
            self._ledger.note(what="settled")
            return yen

    def recover(self) -> None:
        """Writes down that a deposit which an earlier run of the program left open was interrupted.

        Only for whoever holds the data folder's lock: beside its owner it would interrupt a payment under way.
        """
        with self._turn:
            self._leave()

    def left_over(self, payment: str) -> MachineMoney:
        """What is known of `payment`, after asking hopper and acceptor; see `hw.ports.CashBox`."""
        with self._turn:
            self._look_back()
            state = self._ledger.state
            traces = state.traces_of(payment)
            return MachineMoney(
                coins_yen=traces.coins_yen + traces.ended_yen,
                paid_yen=traces.paid_yen,
                perhaps_paid_yen=traces.perhaps_paid_yen,
                unassigned_yen=state.unassigned_yen - traces.coins_yen,
                is_count_lost=bool(state.lost_events or state.unread),
            )

    def close_payment(self, payment: str) -> None:
        """Forgets `payment`, how it ended being written down elsewhere; writes nothing when nothing is known of it."""
        with self._turn:
            payout = self._ledger.state.payout
            is_left = payout is not None and payout.is_left and payout.payment == payment
            if is_left or payment in self._ledger.state.traces:
                with suppress(LedgerUnwritten):  # it is told of once more than needed, and of nobody else
                    self._ledger.note(what="closed", payment=payment)

    @property
    def state(self) -> CoinState:
        """What its ledger comes to."""
        return self._ledger.state

    @property
    def is_open(self) -> bool:
        """Whether a deposit is open."""
        return self._begun

    def identify(self) -> Identity:
        """Asks acceptor and hopper who they are; the acceptor. Raises `AnotherDevice` for an exchanged one."""
        with self._turn:
            identity = self._identify_acceptor()
            if self._hopper is not None:
                with suppress(OutcomeUnknown, LinkLost, Refused):  # without it the clerk pays the change
                    self._known_hopper.check(str(self._hopper.identity()))
            return identity

    def accept_replacement(self, seen: str | None = None) -> None:
        """A person has exchanged the acceptor or the hopper: the one that was refused is worked with from now on.

        See `KnownIdentity.accept`.
        """
        with self._turn:
            self._known.accept(seen)
            self._known_hopper.accept(seen)
            self._met_after = None

    def _identify_acceptor(self) -> Identity:
        identity = self._acceptor.identity()
        self._known.check(str(identity))
        return identity

    @property
    def line_errors(self) -> int:
        """Exchanges with the acceptor that had to be repeated or given up."""
        return self._acceptor.failures

    def self_check(self) -> int:
        """The acceptor's own fault code, 0 when nothing is wrong."""
        with self._turn:
            return self._acceptor.self_check()

    def coins_yen(self) -> frozenset[int]:
        """The coins that the acceptor knows."""
        with self._turn:
            return frozenset(self._acceptor.coins().values())

    def hopper_status(self) -> HopperStatus | None:
        """The hopper's counters; None where there is none."""
        with self._turn:
            return None if self._hopper is None else self._hopper.status()

    def begin(self, due_yen: int, payment: str = "") -> None:
        """Opens the acceptor for `due_yen`. Coins that it took before, unread, belong to nobody yet.

        A deposit whose `end` could not tell what the hopper paid is left behind as interrupted.
        """
        if due_yen <= 0:
            raise ValueError(f"{due_yen} yen are not an amount due")
        with self._turn:
            self._leave()
            self._require(is_open=False)
            self._is_fixed = self._is_discrepant = self._is_shut = False
            self._paid_back_yen = 0
            self.alarms = []
            self._ask_for_payout()
            self._catch_up()
            self._lost_before = self._ledger.state.lost_events
            self._ledger.note(what="begin", due_yen=due_yen, payment=payment)
            self._begun = True
            self._poll()
            if self._polls_itself:
                self._stop = threading.Event()
                threading.Thread(
                    target=self._keep_polling, args=(self._stop,), name="coin acceptor", daemon=True
                ).start()

    def take_from_clerk(self, amount_yen: int) -> None:
        """Adds what the clerk says to have received, while coins go on being taken."""
        if amount_yen <= 0:
            raise ValueError(f"{amount_yen} yen are not an amount received")
        with self._turn:
            self._require(is_open=True, is_fixed=False)
            self._ledger.note(what="clerk", yen=amount_yen)
            self._poll()

    def deposit(self) -> Deposit:
        """What has been received so far, coins that have just fallen included."""
        with self._turn:
            self._require(is_open=True)
            if not self._is_fixed:
                self._poll()
            return self._deposit()

    def await_payment(self) -> Deposit:
        """Waits for coins until all is there, the payer's time is over, or the acceptor is in trouble."""
        until_s = self._monotonic() + self._patience_s
        while True:
            deposit = self.deposit()
            if deposit.received_yen >= deposit.due_yen or self.trouble or self._monotonic() >= until_s:
                return deposit
            self._pause(POLL_S)

    def fix(self) -> Deposit:
        """Closes the acceptor and waits for coins under way; may be called again."""
        with self._turn:
            self._require(is_open=True)
            if not self._is_fixed:
                self._stop.set()
                self._close()
                self._is_fixed = True
            return self._deposit()

    def end(self, how: DepositEnd) -> int:
        """Closes a fixed deposit; the yen that the clerk hands back, after what the hopper has paid.

        CHANGE raises `Refused` while less than due was received; the deposit then stays, to be repaid. Raises
        `OutcomeUnknown` or `LinkLost` when nobody can say what the hopper paid, or when the ledger takes no end: the
        deposit stays fixed until it is ended by another call, or left by the next `begin`; either asks the hopper
        first, and never pays twice.
        """
        with self._turn:
            self._require(is_open=True, is_fixed=True)
            deposit = self._deposit()
            if how is DepositEnd.CHANGE and deposit.received_yen < deposit.due_yen:
                raise Refused(f"{deposit.received_yen} of {deposit.due_yen} yen received")
            back_yen = deposit.received_yen - (deposit.due_yen if how is DepositEnd.CHANGE else 0)
            try:
                self._paid_back_yen += self._pay_coins(back_yen - self._paid_back_yen)
                self._ledger.note(what="end", is_read=self._is_shut)
            except LedgerUnwritten as error:
                self._is_left = True
                raise OutcomeUnknown(f"the deposit is not ended: {error}") from error
            except (OutcomeUnknown, LinkLost):
                self._is_left = True
                raise
            self._begun = self._is_left = False
            return back_yen - self._paid_back_yen

    def dispense(self, amount_yen: int) -> None:
        """Notes that a refund is given out while no deposit is open: an acceptor pays nothing, the clerk does."""
        if amount_yen < 0:
            raise ValueError(f"{amount_yen} yen are not an amount to give out")
        with self._turn:
            self._require(is_open=False)

    def is_drawer_shut(self) -> bool:
        """Never: no drawer belongs to it."""
        return False

    def close(self) -> None:
        """Stops polling; the acceptor closes by itself within a second."""
        with self._turn:
            self._stop.set()

    def _deposit(self) -> Deposit:
        state = self._ledger.state
        return Deposit(state.due_yen or 0, state.coins_yen + state.clerk_yen, self._is_discrepant)

    def _meet(self) -> None:
        """Finds out which acceptor this is; one that was exchanged counts from where it stands now.

        What the one before took since it was last read is lost, and told as such unless it was closed then. Raises
        `AnotherDevice` for one that nobody has accepted: the clerk takes the money, as with any trouble.
        """
        identity = self._identify_acceptor()
        self._met_after = self._acceptor.losses
        state = self._ledger.state
        if identity.serial != state.serial:
            reading = self._acceptor.read(0)
            unread = None
            if state.serial is not None and not state.is_read:
                unread = {"serial": state.serial, "counter": state.counter}
                self._is_discrepant = True
            self._acceptor.close()  # whatever it was told elsewhere
            self._ledger.note(what="acceptor", serial=identity.serial, counter=reading.counter, unread=unread)
        self._values = self._acceptor.coins()

    def _catch_up(self) -> None:
        """Reads what happened while no deposit was open, or while nobody looked: it belongs to nobody."""
        self.trouble = None
        try:
            self._meet()
            self._read(is_stray=True)
        except DeviceError as error:
            self.trouble = error

    def _poll(self) -> None:
        """Reads what happened and lets in what is still due; trouble is noted and tried again the next time."""
        try:
            if not self._is_met:
                self._meet()
            self._read(is_stray=False)
            self._let_in()
            self.trouble = None
        except DeviceError as error:
            self.trouble = error
            if isinstance(error, LedgerUnwritten):
                with suppress(DeviceError):  # what cannot be written down must not be taken
                    self._acceptor.close()
            self._is_unsure = True
            # Whoever answers next may be another one, and is asked before anything that it says is believed.
            self._met_after = None

    @property
    def _is_met(self) -> bool:
        """Whether it is known who sits on the line, which has not been lost since."""
        return self._met_after == self._acceptor.losses

    def _read(self, *, is_stray: bool) -> None:
        state = self._ledger.state
        reading = self._acceptor.read(state.counter)
        if not self._is_met:
            raise OutcomeUnknown("the line was lost within a reading, which may be another acceptor's")
        self._reads += 1
        if reading.events or reading.counter != state.counter:
            self._credit(reading, is_stray=is_stray)
        is_time = self._reads % _CHECK_EVERY == 0 and not reading.events
        if is_time or any(isinstance(event, Rejection) for event in reading.events):
            self._look_for_reset()

    def _credit(self, reading: Reading, *, is_stray: bool) -> None:
        coins = [self._values.get(event.position) for event in reading.events if isinstance(event, Coin)]
        codes = [event.code for event in reading.events if isinstance(event, Rejection)]
        lost = sum(event.count for event in reading.events if isinstance(event, EventsLost))
        resets = sum(isinstance(event, AcceptorReset) for event in reading.events)
        # A coin at a position that has no value now is money all the same, of which nobody knows how much.
        lost += sum(yen is None for yen in coins)
        self._ledger.note(
            what="read",
            counter=reading.counter,
            coins_yen=[yen for yen in coins if yen is not None],
            rejected=len(codes),
            lost=lost,
            resets=resets,
            is_stray=is_stray,
        )
        self.alarms += [code for code in codes if trouble_of(code) in (Trouble.JAM, Trouble.FRAUD)]
        if lost or resets:
            self._is_discrepant = True
        if resets:
            self._acceptor.has_forgotten()

    def _look_for_reset(self) -> None:
        if self._acceptor.may_be_open and self._acceptor.has_forgotten():
            self._is_discrepant = True
            self._ledger.note(
                what="read",
                counter=self._ledger.state.counter,
                coins_yen=[],
                rejected=0,
                lost=0,
                resets=1,
                is_stray=False,
            )

    def _let_in(self) -> None:
        """Opens exactly the coins that do not exceed what is due; none once events of this deposit are lost.

        Those of payers before are for a person to settle, and keep nobody else from paying.
        """
        deposit = self._deposit()
        is_lost = self._ledger.state.lost_events > self._lost_before
        rest_yen = 0 if is_lost else deposit.due_yen - deposit.received_yen
        wanted = frozenset(position for position, yen in self._values.items() if yen <= rest_yen)
        if self._is_unsure or wanted != self._acceptor.was_told:
            self._look_for_reset()  # what it is told now would hide that it had forgotten what it was told before
            self._is_unsure = False
        if wanted != self._acceptor.was_told:
            self._acceptor.open_for(wanted)

    def _close(self) -> None:
        try:
            if not self._is_met:
                self._meet()
            self._look_for_reset()
            self._acceptor.close()
            for _ in range(_SETTLE_READS):
                self._pause(_SETTLE_S / _SETTLE_READS)
                self._read(is_stray=False)
            self._is_shut = True
            self.trouble = None
        except DeviceError as error:
            # It closes by itself when it is no longer read; a coin until then is found by the next reading.
            self.trouble = error
            self._is_discrepant = self._is_discrepant or self._acceptor.may_be_open
            self._is_unsure = True

    def _leave(self) -> None:
        """Interrupts a deposit that is open in the ledger and that nobody goes on with."""
        if self._ledger.state.due_yen is not None and (self._is_left or not self._begun):
            self._ledger.note(what="interrupted")
            self._begun = self._is_left = False

    def _look_back(self) -> None:
        """Brings the ledger up to what hopper and acceptor know of deposits before."""
        self._leave()
        if not self._begun:
            self._ask_for_payout()
            self._catch_up()

    def _ask_for_payout(self) -> None:
        """Asks the hopper what came of a payout that was left; while it cannot tell, the payout stays open."""
        payout = self._ledger.state.payout
        if payout is None or self._hopper is None:
            return
        try:
            self._learn_outcome(self._hopper, payout)
        except (OutcomeUnknown, LinkLost) as error:
            self.hopper_failure = error

    def _learn_outcome(self, hopper: CoinHopper, payout: PayoutBegun) -> int:
        """The coins of an open payout that came out, which is written down.

        Raises `OutcomeUnknown` or `LinkLost` when this hopper cannot tell, or is another one.
        """
        try:
            identity = hopper.identity()
            if identity.serial != payout.serial:
                raise OutcomeUnknown(f"{identity} is not the hopper that was told to pay, no. {payout.serial}")
            self._known_hopper.check(str(identity))
        except (NotSent, Refused) as error:
            raise OutcomeUnknown(f"the hopper was told to pay, and cannot be asked: {error}") from error
        try:
            paid = hopper.outcome_of(HopperStatus(payout.event, 0, payout.paid, payout.unpaid), payout.coins)
        except NotSent as error:
            self.hopper_failure = error
            paid = 0
        self._note_paid(paid)
        return paid

    def _note_paid(self, coins: int) -> None:
        """What came of a payout. Raises `OutcomeUnknown` where that cannot be written: the hopper is asked anew."""
        try:
            self._ledger.note(what="paid", coins=coins)
        except LedgerUnwritten as error:
            raise OutcomeUnknown(f"{coins} coins were paid, and nothing says so: {error}") from error

    def _pay_coins(self, amount_yen: int) -> int:
        """Pays in the hopper's coins as much as goes, once a deposit; how many yen came out."""
        self.hopper_failure = None
        hopper = self._hopper
        if hopper is None or amount_yen <= 0:
            return 0
        payout = self._ledger.state.payout
        try:
            if payout is not None and not payout.is_left:
                return self._learn_outcome(hopper, payout) * payout.coin_yen
            self._ask_for_payout()
            if self._ledger.state.payout is not None:
                return 0  # to pay anew would destroy what the hopper knows of the payout before
            return self._pay_anew(hopper, amount_yen)
        except (NotSent, Refused) as error:
            self.hopper_failure = error
            return 0
        except (OutcomeUnknown, LinkLost) as error:
            self.hopper_failure = error
            raise

    def _pay_anew(self, hopper: CoinHopper, amount_yen: int) -> int:
        """Pays coins; how many yen came out. Raises `NotSent` and `Refused` when surely nothing did."""
        try:
            identity = hopper.identity()
            self._known_hopper.check(str(identity))
            coin_yen = hopper.coin_yen()
            before = hopper.status()
        except (OutcomeUnknown, LinkLost) as error:
            raise NotSent(f"nothing was paid: {error}") from error
        coins = min(amount_yen // coin_yen, _MOST_COINS_BACK)
        if not coins:
            return 0
        self._ledger.note(
            what="pay",
            event=before.event,
            paid=before.paid,
            unpaid=before.unpaid,
            coins=coins,
            coin_yen=coin_yen,
            serial=identity.serial,
        )
        try:
            paid = hopper.pay(coins).paid
        except (NotSent, Refused):
            self._note_paid(0)
            raise
        self._note_paid(paid)
        return paid * coin_yen

    def _keep_polling(self, stop: threading.Event) -> None:
        """Until this deposit is fixed; the next one has a thread and a `stop` of its own."""
        while not stop.wait(POLL_S):
            with self._turn:
                if not stop.is_set():
                    self._poll()

    def _require(self, *, is_open: bool, is_fixed: bool | None = None) -> None:
        if self._begun != is_open or (is_fixed is not None and self._is_fixed != is_fixed):
            now = "closed" if not self._begun else "fixed" if self._is_fixed else "open"
            raise Refused(f"the deposit is {now}")
