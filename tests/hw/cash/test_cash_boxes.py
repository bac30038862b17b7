"""One deposit on a drawer, a coin acceptor and a cash changer: the steps are the same, and no coin too many goes in."""

import threading

import pytest

from hw.cash.cctalk.acceptor import CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.cash.coin_box import CoinBox
from hw.cash.coin_ledger import CoinLedger
from hw.errors import Refused
from hw.link.memory import MemoryLink
from hw.link.url import link_to
from hw.ports import Deposit, DepositEnd
from hw.sim.changer import SimulatedChanger
from hw.sim.coin.virtual import VirtualCoinMachine
from tests.hw.cash.coins import Coins
from tests.hw.printer.printer_bench import serving


def test_a_fee_in_notes_from_the_clerk(box):
    box.begin(500)
    assert box.deposit() == Deposit(500, 0)
    box.take_from_clerk(1000)
    assert box.await_payment() == Deposit(500, 1000)
    assert box.fix() == box.fix() == Deposit(500, 1000)
    back_yen = box.end(DepositEnd.CHANGE)
    assert back_yen == (0 if box.kind == "cash_changer" else 500)  # a changer gives it itself


def test_repayment_and_too_little(box):
    box.begin(500)
    box.take_from_clerk(300)
    box.fix()
    with pytest.raises(Refused):
        box.end(DepositEnd.CHANGE)
    assert box.end(DepositEnd.REPAY) in (300, 0)
    box.begin(500)
    box.fix()
    assert box.end(DepositEnd.REPAY) == 0


STEPS = {
    "begin": lambda box: box.begin(500),
    "take": lambda box: box.take_from_clerk(500),
    "deposit": lambda box: box.deposit(),
    "fix": lambda box: box.fix(),
    "change": lambda box: box.end(DepositEnd.CHANGE),
    "repay": lambda box: box.end(DepositEnd.REPAY),
    "dispense": lambda box: box.dispense(500),
}


ALLOWED = {
    "closed": {"begin", "dispense"},
    "open": {"take", "deposit", "fix"},
    "fixed": {"deposit", "fix", "change", "repay"},
}


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("step", STEPS)
def test_steps_out_of_order_are_refused_and_change_nothing(box, state, step):
    if state != "closed":
        box.begin(500)
        box.take_from_clerk(500)
    if state == "fixed":
        box.fix()
    if step in ALLOWED[state]:
        STEPS[step](box)
        return
    with pytest.raises(Refused):
        STEPS[step](box)
    if state != "closed":
        assert box.fix() == Deposit(500, 500)


def test_amounts_that_are_none(box):
    for step in (lambda: box.begin(0), lambda: box.begin(-1), lambda: box.dispense(-1)):
        with pytest.raises(ValueError, match="yen"):
            step()
    box.begin(1)
    with pytest.raises(ValueError, match="yen"):
        box.take_from_clerk(0)


@pytest.fixture(
    params=["memory", pytest.param("pty", marks=pytest.mark.wire), pytest.param("tcp", marks=pytest.mark.wire)]
)
def wired(request):
    """A coin machine, and a link to it in memory or over a wire, with the computer's own clock."""
    machine = VirtualCoinMachine()
    if request.param == "memory":
        yield machine, MemoryLink(machine)
        return
    with serving(machine, request.param) as url:
        link = link_to(url)
        yield machine, link
        link.close()


def test_coins_and_a_note_pay_together_on_every_kind_of_link(wired):
    machine, link = wired
    box = CoinBox(CoinAcceptor(Bus(link)), CoinLedger(None), patience_s=10)
    machine.hold(100, 100)
    box.begin(500)
    threading.Timer(0.5, box.take_from_clerk, (300,)).start()
    assert box.await_payment() == Deposit(500, 500)
    assert box.fix() == Deposit(500, 500)
    assert box.end(DepositEnd.CHANGE) == 0
    assert machine.acceptor.memory.cash_box_yen == [100, 100]
    assert machine.acceptor.memory.enabled == 0
    assert not machine.insert(100)
    box.close()


def test_it_is_open_only_while_something_is_due_and_lets_in_no_more_than_that():
    coins = Coins()
    box = coins.box()
    assert not coins.machine.insert(500)
    box.begin(500)
    box.deposit()
    assert coins.machine.insert(100)
    box.deposit()
    assert not coins.machine.insert(500)  # 400 are due now
    assert coins.machine.insert(100)
    box.take_from_clerk(300)
    assert not coins.machine.insert(100)
    assert box.fix() == Deposit(500, 500)
    assert box.end(DepositEnd.CHANGE) == 0
    assert not coins.machine.insert(500)


def test_change_comes_from_the_hopper_as_far_as_its_coins_go():
    coins = Coins()
    box = coins.box(hopper=True)
    box.begin(500)
    box.take_from_clerk(1050)
    box.fix()
    assert box.end(DepositEnd.CHANGE) == 50
    assert coins.machine.hopper.memory.dispensed == 5
    coins.machine.hopper.memory.stock = 2
    box.begin(500)
    box.take_from_clerk(1000)
    box.fix()
    assert box.end(DepositEnd.CHANGE) == 300
    assert coins.machine.hopper.memory.dispensed == 7


def test_a_changer_gives_the_fewest_pieces_or_nothing(tmp_path):
    changer = SimulatedChanger(tmp_path / "changer.json")
    before = changer.counts().total_yen
    changer.begin(500)
    assert changer.insert(10_000)
    assert not changer.insert(2_000)
    changer.fix()
    assert not changer.insert(500)
    assert changer.end(DepositEnd.CHANGE) == 0
    assert changer.counts().total_yen == before + 500
    assert SimulatedChanger(tmp_path / "changer.json").counts() == changer.counts()
    with pytest.raises(Refused):
        changer.dispense(3)
    changer.jam()
    assert changer.counts().is_discrepant
    with pytest.raises(Refused):
        changer.dispense(500)
    changer.begin(500)
    assert not changer.insert(500)
    changer.take_from_clerk(1000)
    assert changer.fix().is_discrepant
    assert changer.end(DepositEnd.CHANGE) == 500  # the clerk gives it
