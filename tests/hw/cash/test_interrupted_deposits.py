"""No coin is lost or paid twice when a cut line, a restart, another device or a full disk interrupts a payment."""

from contextlib import nullcontext

import pytest

from hw.cash.coin_ledger import CoinLedger, LedgerDamaged, LedgerUnwritten, UnreadAcceptor
from hw.errors import LinkLost, OutcomeUnknown
from hw.link.reopening import ReopeningLink
from hw.ports import Deposit, DepositEnd, MachineMoney
from hw.sim.changer import SimulatedChanger
from hw.sim.coin.virtual import VirtualCoinMachine
from tests.hw.cash.coins import Cable, Coins, no_room_in


def cut_within_the_payout(coins, cable, box, payment="first"):
    """A deposit of 1000 yen towards 500 whose change is five coins, the line cut after the hopper was told to pay."""
    box.begin(500, payment)
    box.take_from_clerk(1000)
    box.fix()
    cable.pull_after = 54
    with pytest.raises((OutcomeUnknown, LinkLost)):
        box.end(DepositEnd.CHANGE)
    assert coins.machine.hopper.memory.remaining == 5


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
