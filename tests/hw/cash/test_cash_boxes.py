"""The deposit interface, the same for a drawer, a coin acceptor and a cash changer; then what only a coin box does."""

import resource
import threading
from contextlib import contextmanager, nullcontext

import pytest

from hw.cash.cctalk.acceptor import CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.cash.cctalk.hopper import CoinHopper
from hw.cash.coin_box import CoinBox
from hw.cash.coin_ledger import CoinLedger, LedgerDamaged, LedgerUnwritten, UnreadAcceptor
from hw.cash.drawer import ClerkDrawer
from hw.errors import LinkLost, OutcomeUnknown, Refused
from hw.link.memory import MemoryLink
from hw.link.reopening import ReopeningLink
from hw.link.url import link_to
from hw.ports import CashBox, Deposit, DepositEnd, MachineMoney
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.changer import SimulatedChanger
from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.printer.virtual import VirtualPrinter
from tests.hw.printer.printer_bench import serving
from tests.wire.clock import Clock


class Coins:
    """A coin machine, and boxes before it one after the other."""

    def __init__(self, path=None, start=0, **options):
        self.clock = Clock()
        self.machine = VirtualCoinMachine(monotonic=self.clock.monotonic)
        self.machine.acceptor.memory.counter = start
        self.path = path
        self.options = {"patience_s": 2.0, "polls_itself": False} | options

    def box(self, link=None, hopper=False):
        bus = Bus(link or MemoryLink(self.machine), monotonic=self.clock.monotonic, pause=self.clock.pause)
        clock = {"monotonic": self.clock.monotonic, "pause": self.clock.pause}
        return CoinBox(
            CoinAcceptor(bus),
            CoinLedger(self.path),
            hopper=CoinHopper(bus, **clock) if hopper else None,
            **clock,
            **self.options,
        )


def drawer():
    return ClerkDrawer(EscposPrinter(MemoryLink(VirtualPrinter()), MODELS["tm-t88-ja"]))


BOXES = {"drawer": drawer, "coins": lambda: Coins().box(), "changer": SimulatedChanger}


@pytest.fixture(params=BOXES)
def box(request) -> CashBox:
    return BOXES[request.param]()


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


class Cable:
    """A link that is pulled out and plugged in by hand."""

    is_one_way = False

    def __init__(self, machine):
        self._link = MemoryLink(machine)
        self.is_in = True
        self.pull_after = None

    def _pass(self):
        if self.pull_after is not None:
            self.pull_after -= 1
            self.is_in = self.is_in and self.pull_after >= 0
        if not self.is_in:
            raise LinkLost("unplugged")

    def write(self, data, deadline_s):
        self._pass()
        self._link.write(data, deadline_s)

    def read(self, maximum, deadline_s):
        self._pass()
        return self._link.read(maximum, deadline_s)

    def drain_input(self):
        self._pass()
        self._link.drain_input()

    def close(self):
        pass


def test_a_payout_that_nobody_can_tell_of_is_asked_for_before_anything_else_is_paid():
    for pulled in range(1, 200):
        coins = Coins()
        cable = Cable(coins.machine)
        box = coins.box(ReopeningLink(lambda cable=cable: cable), hopper=True)
        box.begin(500)
        box.take_from_clerk(1000)
        box.fix()
        cable.pull_after = pulled
        try:
            back_yen = box.end(DepositEnd.CHANGE)
            is_over = cable.is_in
        except (OutcomeUnknown, LinkLost):
            is_over = False
            cable.pull_after, cable.is_in = None, True
            coins.clock.pause(5)
            back_yen = box.end(DepositEnd.CHANGE)
        assert back_yen + 100 * coins.machine.hopper.memory.dispensed == 500, pulled
        if is_over:
            return
    pytest.fail("the payout never came to its end")


def test_an_acceptor_that_is_away_leaves_the_clerk_and_is_met_when_it_is_back():
    coins = Coins()
    cable = Cable(coins.machine)
    cable.is_in = False
    box = coins.box(ReopeningLink(lambda: cable))
    box.begin(500)
    assert isinstance(box.trouble, LinkLost)
    assert box.await_payment() == Deposit(500, 0)
    box.take_from_clerk(300)
    cable.is_in = True
    box.deposit()
    box.deposit()
    assert box.trouble is None
    assert coins.machine.insert(100)
    assert box.fix() == Deposit(500, 400)
    assert box.end(DepositEnd.REPAY) == 400


@pytest.mark.parametrize("start", [0, 253])
def test_coins_of_an_interrupted_deposit_belong_to_nobody_until_a_clerk_says_so(tmp_path, start):
    coins = Coins(tmp_path / "coins.jsonl", start=start)
    box = coins.box()
    box.begin(500)
    box.deposit()
    assert coins.machine.insert(100)
    box.deposit()
    assert coins.machine.insert(100)  # and now the program dies, before it has read of this one
    again = coins.box()
    again.recover()
    assert again.unassigned_yen() == 100
    again.begin(500)
    assert again.deposit() == Deposit(500, 0)
    assert again.unassigned_yen() == 200
    again.fix()
    again.end(DepositEnd.REPAY)
    assert again.settle() == 200
    assert coins.box().unassigned_yen() == 0


def test_a_clerk_who_counts_after_an_interruption_accounts_for_every_coin(tmp_path):
    coins = Coins(tmp_path / "coins.jsonl")
    box = coins.box()
    box.begin(500)
    box.deposit()
    assert coins.machine.insert(100)
    box.deposit()
    assert coins.machine.insert(100)
    again = coins.box()
    assert again.settle() == 200  # the second one is read now
    again.begin(500)
    again.take_from_clerk(500)
    again.fix()
    assert again.end(DepositEnd.CHANGE) == 0
    assert again.unassigned_yen() == 0


def cut_within_the_payout(coins, cable, box, payment="first"):
    """A deposit of 1000 yen towards 500 whose change is five coins, the line cut after the hopper was told to pay."""
    box.begin(500, payment)
    box.take_from_clerk(1000)
    box.fix()
    cable.pull_after = 54
    with pytest.raises((OutcomeUnknown, LinkLost)):
        box.end(DepositEnd.CHANGE)
    assert coins.machine.hopper.memory.remaining == 5


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_payout_left_without_an_end_is_asked_for_before_the_clerk_counts(tmp_path, is_restarted):
    coins = Coins(tmp_path / "coins.jsonl")
    cable = Cable(coins.machine)
    box = coins.box(ReopeningLink(lambda: cable), hopper=True)
    cut_within_the_payout(coins, cable, box)
    if is_restarted:
        box = coins.box(hopper=True)
        box.recover()
    cable.pull_after, cable.is_in = None, True
    assert box.left_over("first") == MachineMoney(paid_yen=500)
    assert coins.machine.hopper.memory.dispensed == 5
    box.begin(500, "first")
    box.take_from_clerk(500)  # he was told of the change, and counts what is left
    box.fix()
    assert box.end(DepositEnd.CHANGE) == 0
    assert box.left_over("first") == MachineMoney(paid_yen=500)  # until the caller has written its end down
    box.close_payment("first")
    assert coins.box().state.traces == {}
    assert coins.machine.hopper.memory.dispensed == 5


@pytest.mark.parametrize("is_restarted", [False, True])
def test_the_next_fee_is_taken_whatever_became_of_the_payout_before(tmp_path, is_restarted):
    coins = Coins(tmp_path / "coins.jsonl")
    cable = Cable(coins.machine)
    box = coins.box(ReopeningLink(lambda: cable), hopper=True)
    cut_within_the_payout(coins, cable, box)
    if is_restarted:
        box = coins.box(ReopeningLink(lambda: cable), hopper=True)
    box.begin(500, "second")  # the line is still cut: nobody knows what the hopper paid
    assert box.state.coins_in_doubt == 5
    box.take_from_clerk(700)
    box.fix()
    cable.pull_after, cable.is_in = None, True
    identity = coins.machine.hopper.identity
    coins.machine.hopper.identity = type(identity)(b"Payout", b"SCH2-SIM", 98)  # which knows nothing of it
    assert box.end(DepositEnd.CHANGE) == 200  # by the clerk: to pay anew would wipe out what it knows
    assert isinstance(box.hopper_failure, OutcomeUnknown)
    assert box.left_over("second") == MachineMoney()
    assert box.left_over("first") == MachineMoney(perhaps_paid_yen=500)
    coins.clock.pause(5)
    box.close_payment("first")  # the clerk has said what he saw
    coins.machine.hopper.identity = identity
    assert box.state.coins_in_doubt == 5  # until somebody has counted what the hopper holds
    box.begin(500, "third")
    box.take_from_clerk(700)
    box.fix()
    assert box.end(DepositEnd.CHANGE) == 0
    assert coins.machine.hopper.memory.dispensed == 5 + 2


def test_another_hopper_does_not_answer_for_a_payout_after_a_restart(tmp_path):
    coins = Coins(tmp_path / "coins.jsonl")
    cable = Cable(coins.machine)
    cut_within_the_payout(coins, cable, coins.box(ReopeningLink(lambda: cable), hopper=True))
    coins.machine.hopper.identity = type(coins.machine.hopper.identity)(b"Payout", b"SCH2-SIM", 98)
    coins.clock.pause(5)
    assert coins.box(hopper=True).left_over("first") == MachineMoney(perhaps_paid_yen=500)


def test_coins_of_an_interrupted_payment_are_told_and_accounted_for_with_it(tmp_path):
    coins = Coins(tmp_path / "coins.jsonl")
    box = coins.box()
    box.begin(500, "first")
    box.deposit()
    assert coins.machine.insert(100)
    box.deposit()
    assert coins.machine.insert(100)  # and now the program dies, before it has read of this one
    again = coins.box()
    assert again.left_over("first") == MachineMoney(coins_yen=100, unassigned_yen=100)
    assert again.left_over("second") == MachineMoney(unassigned_yen=200)
    again.close_payment("second")
    again.close_payment("first")
    assert again.unassigned_yen() == 100


def test_to_look_writes_nothing(tmp_path):
    path = tmp_path / "coins.jsonl"
    coins = Coins(path)
    box = coins.box()
    box.begin(500)
    with path.open("ab") as file:
        file.write(b'{"what": "cle')  # its owner is writing just now
    written = path.read_bytes()
    beside = coins.box()
    beside.identify()
    assert beside.self_check() == 0
    assert beside.state.due_yen == 500
    assert path.read_bytes() == written


def test_an_acceptor_exchanged_before_it_was_read_is_told(tmp_path):
    path = tmp_path / "coins.jsonl"
    coins = Coins(path)
    box = coins.box()
    box.begin(500)
    box.deposit()
    assert coins.machine.insert(100)  # nobody reads of it any more
    old = coins.machine.acceptor.identity.serial
    coins.machine = VirtualCoinMachine(monotonic=coins.clock.monotonic)
    coins.machine.acceptor.identity = type(coins.machine.acceptor.identity)(b"Coin Acceptor", b"SR-SIM", 99)
    again = coins.box()
    again.begin(500)
    assert again.deposit().is_discrepant
    assert again.state.unread == (UnreadAcceptor(old, 0),)
    assert again.left_over("any").is_count_lost
    again.fix()
    again.end(DepositEnd.REPAY)
    coins.machine = VirtualCoinMachine(monotonic=coins.clock.monotonic)  # this one had been closed, and read after
    third = coins.box()
    third.begin(500)
    assert third.state.unread == (UnreadAcceptor(old, 0),)
    third.fix()
    third.end(DepositEnd.REPAY)
    third.settle()
    assert coins.box().state.unread == ()


def test_more_coins_than_the_buffer_holds_are_told_as_lost_and_stop_it(tmp_path):
    coins = Coins(tmp_path / "coins.jsonl")
    box = coins.box()
    box.begin(5000)
    box.deposit()
    for _ in range(7):
        assert coins.machine.acceptor.insert(500, coins.clock.now_s)
    deposit = box.deposit()
    assert deposit == Deposit(5000, 2500, is_discrepant=True)
    assert coins.box()._ledger.state.lost_events == 2
    assert not coins.machine.insert(500)
    assert box.fix().is_discrepant
    box.end(DepositEnd.REPAY)
    box.begin(500)  # the next payer has lost nothing
    assert not box.deposit().is_discrepant
    assert coins.machine.insert(500)
    assert box.deposit() == Deposit(500, 500)
    assert box.state.lost_events == 2


def test_a_reset_is_told_even_when_the_counter_does_not_show_it():
    coins = Coins()
    box = coins.box()
    box.begin(500)
    coins.machine.cycle_power()
    for _ in range(12):
        deposit = box.deposit()
    assert deposit.is_discrepant
    assert coins.machine.insert(100)  # it was told again what to take
    assert box.deposit().received_yen == 100


def test_another_acceptor_starts_from_where_it_stands():
    coins = Coins()
    box = coins.box()
    box.begin(500)
    box.fix()
    box.end(DepositEnd.REPAY)
    other = VirtualCoinMachine(monotonic=coins.clock.monotonic)
    other.acceptor.identity = other.acceptor.identity.__class__(b"Coin Acceptor", b"SR-SIM", 99)
    other.acceptor.memory.counter, other.acceptor.memory.events = 7, [[1, 1]] * 5
    changed = Coins()
    changed.machine = other
    new = changed.box()
    new._ledger = box._ledger
    new.begin(500)
    assert new.deposit() == Deposit(500, 0)
    assert new.unassigned_yen() == 0


def test_alarms_tell_jams_and_what_may_be_fraud():
    coins = Coins()
    box = coins.box()
    box.begin(500)
    for code in (1, 20, 14, 254):
        coins.machine.obey(f"error {code}")
    box.deposit()
    assert box.alarms == [20, 14]


def test_a_torn_last_line_is_forgotten_and_a_damaged_one_is_not(tmp_path):
    path = tmp_path / "coins.jsonl"
    ledger = CoinLedger(path)
    ledger.note(what="begin", due_yen=500, payment="")
    with path.open("ab") as file:
        file.write(b'{"what": "cle')
    again = CoinLedger(path)
    assert again.state.due_yen == 500
    again.note(what="clerk", yen=300)
    assert CoinLedger(path).state.clerk_yen == 300
    assert path.read_bytes().endswith(b"}\n")
    path.write_bytes(b"{}\n")
    with pytest.raises(LedgerDamaged, match="line 1"):
        CoinLedger(path)


@pytest.mark.parametrize(("how", "paid_yen"), [(DepositEnd.CHANGE, 0), (DepositEnd.REPAY, 500)])
def test_coins_of_an_ended_deposit_are_told_until_its_end_is_durable(tmp_path, how, paid_yen):
    coins = Coins(tmp_path / "coins.jsonl")
    box = coins.box(hopper=True)
    coins.machine.hold(100, 100, 100, 100, 100)
    box.begin(500, "first")
    assert box.await_payment().received_yen == 500
    box.fix()
    assert box.end(how) == 0
    again = coins.box()
    assert again.left_over("first") == MachineMoney(coins_yen=500, paid_yen=paid_yen)
    assert again.left_over("second") == MachineMoney()
    assert again.unassigned_yen() == 0
    again.close_payment("first")
    assert coins.box().left_over("first") == MachineMoney()


def test_a_changer_remembers_what_it_did_for_a_payment(tmp_path):
    path = tmp_path / "changer.json"
    changer = SimulatedChanger(path)
    changer.begin(500, "first")
    assert changer.insert(1000)
    assert SimulatedChanger(path).left_over("first") == MachineMoney(coins_yen=1000)
    changer.fix()
    assert changer.end(DepositEnd.CHANGE) == 0
    again = SimulatedChanger(path)
    assert again.left_over("first") == MachineMoney(coins_yen=1000, paid_yen=500)
    assert again.left_over("second") == MachineMoney()
    again.close_payment("first")
    assert SimulatedChanger(path).left_over("first") == MachineMoney()


@contextmanager
def no_room_in(path):
    """Files cannot grow beyond what `path` has now and a few bytes more: a line is torn."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_told_and_no_coin_is_lost_or_paid_twice(tmp_path):
    path = tmp_path / "coins.jsonl"
    coins = Coins(path)
    box = coins.box(hopper=True)
    box.begin(500, "first")
    assert box.deposit().received_yen == 0
    assert coins.machine.insert(100)
    with no_room_in(path):
        assert box.deposit().received_yen == 0
        assert isinstance(box.trouble, LedgerUnwritten)
        assert not coins.machine.insert(100)  # which nobody could write down
        with pytest.raises(LedgerUnwritten):
            box.take_from_clerk(100)
    assert box.deposit().received_yen == 100
    assert box.trouble is None
    box.take_from_clerk(1000)
    box.fix()
    with no_room_in(path), pytest.raises(OutcomeUnknown):
        box.end(DepositEnd.CHANGE)
    assert coins.machine.hopper.memory.dispensed == 0  # no payout was begun that nobody could write down
    assert box.end(DepositEnd.CHANGE) == 0
    assert coins.box().left_over("first") == MachineMoney(coins_yen=100, paid_yen=600)


@pytest.mark.parametrize("full_from", ["paid", "end"])
def test_a_disk_that_fills_up_within_a_payout_has_nothing_paid_twice(tmp_path, full_from):
    class FillsUp(CoinLedger):
        is_full = True

        def note(self, **entry):
            with no_room_in(tmp_path / "coins.jsonl") if self.is_full and entry["what"] == full_from else nullcontext():
                super().note(**entry)

    coins = Coins()
    box = coins.box(hopper=True)
    box._ledger = FillsUp(tmp_path / "coins.jsonl")
    box.begin(500, "first")
    box.take_from_clerk(1000)
    box.fix()
    with pytest.raises(OutcomeUnknown):
        box.end(DepositEnd.CHANGE)
    box._ledger.is_full = False
    assert box.end(DepositEnd.CHANGE) == 0
    assert coins.machine.hopper.memory.dispensed == 5


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


def test_the_payer_sees_what_happens_to_his_money():
    from hw.cash.shown import ShownCashBox
    from hw.display import CustomerDisplay
    from hw.sim.display.virtual import VirtualDisplay

    for language, words in (("ja", ("ﾃｽｳﾘｮｳ", "ｵｱｽﾞｶﾘ", "ｵﾂﾘ")), ("en", ("Fee", "Received", "Change"))):
        sim, coins = VirtualDisplay(), Coins()
        box = ShownCashBox(coins.box(hopper=True), CustomerDisplay(MemoryLink(sim)), language)

        def seen(sim=sim):
            return [line.split() for line in sim.screen.lines]

        box.begin(500)
        assert seen() == [[words[0], "¥500"], [words[1], "¥0"]]
        box.deposit()
        assert coins.machine.insert(100)
        box.deposit()
        assert seen()[1] == [words[1], "¥100"]
        box.take_from_clerk(1000)
        box.fix()
        assert box.end(DepositEnd.CHANGE) == 0  # the hopper paid it
        assert seen()[1] == [words[2], "¥600"]


def test_no_payment_waits_for_a_display_that_hangs_and_the_newest_frame_is_shown(box):
    from hw.cash.shown import NewestFrame, ShownCashBox

    class Hanging:
        """Takes its first frame, and then nothing until it is let go."""

        def __init__(self):
            self.frames = []
            self.has_begun, self.goes_on, self.has_shown = threading.Event(), threading.Event(), threading.Event()

        def show(self, upper, lower=""):
            self.has_begun.set()
            assert self.goes_on.wait(60)
            self.frames.append((upper.split()[-1], lower.split()[-1]))
            if len(self.frames) == 2:
                self.has_shown.set()

    display = Hanging()
    shown = ShownCashBox(box, NewestFrame(display), "en")
    shown.begin(500)
    assert display.has_begun.wait(60)
    shown.take_from_clerk(200)
    shown.take_from_clerk(300)
    shown.fix()
    assert display.frames == []
    display.goes_on.set()
    assert display.has_shown.wait(60)
    assert display.frames == [("¥500", "¥0"), ("¥500", "¥500")]


def test_a_dead_display_takes_nothing_from_a_payment(box):
    from hw.cash.shown import ShownCashBox
    from hw.display import CustomerDisplay
    from hw.sim.display.virtual import VirtualDisplay

    link = MemoryLink(VirtualDisplay())
    link.close()
    display = CustomerDisplay(link)
    shown = ShownCashBox(box, display)
    shown.begin(500)
    shown.take_from_clerk(500)
    assert display.line_errors == 2
    shown.fix()
    assert shown.end(DepositEnd.CHANGE) == 0
