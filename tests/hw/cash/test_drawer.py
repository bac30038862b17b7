"""The clerk's drawer: the order of a deposit, change and repayment, and a drawer that opens when money moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.cash.drawer import ClerkDrawer
from hw.errors import LinkLost, Refused
from hw.link.memory import MemoryLink
from hw.ports import CashBox, Deposit, DepositEnd
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.printer.virtual import VirtualPrinter

yen = st.integers(1, 100_000)


def drawer():
    sim = VirtualPrinter()
    link = MemoryLink(sim)
    return ClerkDrawer(EscposPrinter(link, MODELS["tm-t88-ja"])), sim, link


def fixed(cash, due, *received):
    cash.begin(due)
    for amount in received:
        cash.take_from_clerk(amount)
    return cash.fix()


@given(yen, st.lists(yen, max_size=4))
def test_what_is_kept_and_what_is_handed_back_is_what_came_in(due, received):
    cash, sim, _ = drawer()
    assert fixed(cash, due, *received) == Deposit(due, sum(received))
    if sum(received) < due:
        with pytest.raises(Refused):
            cash.end(DepositEnd.CHANGE)
        assert cash.end(DepositEnd.REPAY) == sum(received)
    else:
        assert cash.end(DepositEnd.CHANGE) == sum(received) - due
    assert sim.counters.drawer_kicks == bool(received)


def test_repaying_returns_everything_and_opens_the_drawer():
    cash, sim, _ = drawer()
    fixed(cash, 500, 1000)
    assert cash.end(DepositEnd.REPAY) == 1000
    assert sim.mechanism.is_drawer_open
    cash.begin(500)
    assert cash.deposit() == Deposit(500, 0)


def test_a_refund_opens_the_drawer_while_no_deposit_is_open():
    cash, sim, _ = drawer()
    cash.dispense(0)
    assert sim.counters.drawer_kicks == 0
    cash.dispense(500)
    assert sim.counters.drawer_kicks == 1
    cash.begin(500)
    with pytest.raises(Refused):
        cash.dispense(500)
    with pytest.raises(ValueError, match="give out"):
        cash.dispense(-1)


BEGIN, TAKE, DEPOSIT, FIX, END = (
    lambda cash: cash.begin(500),
    lambda cash: cash.take_from_clerk(500),
    lambda cash: cash.deposit(),
    lambda cash: cash.fix(),
    lambda cash: cash.end(DepositEnd.REPAY),
)


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        ([], [TAKE, DEPOSIT, FIX, END]),
        ([BEGIN], [BEGIN, END]),
        ([BEGIN, FIX], [BEGIN, TAKE]),
        ([BEGIN, FIX, END], [TAKE, DEPOSIT, FIX, END]),
    ],
)
def test_a_step_out_of_order_is_refused_and_changes_nothing(before, refused):
    for step in refused:
        cash, _, _ = drawer()
        for done in before:
            done(cash)
        with pytest.raises(Refused):
            step(cash)
        assert (cash.deposit() if BEGIN in before and END not in before else None) in (None, Deposit(500, 0))


@pytest.mark.parametrize("amount", [0, -1])
def test_amounts_are_positive(amount):
    cash, _, _ = drawer()
    with pytest.raises(ValueError, match="amount due"):
        cash.begin(amount)
    cash.begin(500)
    with pytest.raises(ValueError, match="amount received"):
        cash.take_from_clerk(amount)
    assert cash.deposit() == Deposit(500, 0)


def test_a_dead_printer_does_not_keep_the_fee_from_being_settled():
    cash, sim, link = drawer()
    fixed(cash, 500, 1000)
    link.close()
    assert cash.end(DepositEnd.CHANGE) == 500
    assert isinstance(cash.kick_failure, LinkLost)
    assert sim.counters.drawer_kicks == 0


def test_the_drawer_opens_without_paper_too():
    cash, sim, _ = drawer()
    sim.set_paper("end")
    fixed(cash, 500, 500)
    assert cash.end(DepositEnd.CHANGE) == 0
    assert cash.kick_failure is None
    assert sim.mechanism.is_drawer_open


def test_it_is_a_cash_box_that_counts_nothing():
    box: CashBox = drawer()[0]
    assert box.kind == "clerk_drawer"
    assert box.counter() == 0


def test_a_sensor_must_move_and_gets_a_second_pulse() -> None:
    from tests.wire.clock import Clock

    class Stubborn(VirtualPrinter):
        pulses = 0

        def _kick(self) -> None:
            self.pulses += 1
            if self.pulses > stays_shut:
                super()._kick()

    for stays_shut, failure in ((0, None), (1, None), (2, Refused)):
        clock = Clock()
        sim = Stubborn()
        box = ClerkDrawer(
            EscposPrinter(MemoryLink(sim), MODELS["tm-t88-ja"]),
            has_sensor=True,
            monotonic=clock.monotonic,
            pause=clock.pause,
        )
        box.dispense(500)
        assert box.kick_failure is None if failure is None else isinstance(box.kick_failure, failure)
        assert sim.pulses == min(stays_shut + 1, 2)
        assert box.counts.drawer_good_open_count + box.counts.drawer_failed_open_count == 1


def test_a_drawer_that_is_left_open_is_told_once() -> None:
    from hw.cash.drawer_watch import DrawerEvent, DrawerWatch

    now = [0.0]
    watch = DrawerWatch(lambda: now[0], limit_s=30)
    told = []
    for second, is_open in [
        (0, False),
        (1, True),
        (2, True),
        (30, True),
        (31, True),
        (90, True),
        (91, False),
        (92, True),
    ]:
        now[0] = second
        told.append(watch.see(is_open))
    opened, left, closed = DrawerEvent.OPENED, DrawerEvent.LEFT_OPEN, DrawerEvent.CLOSED
    assert told == [None, opened, None, None, left, None, closed, opened]
    assert not watch.is_left_open
