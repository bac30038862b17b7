"""The simulated cash changer in a demo: hands put money in while the counter waits, and see what comes of it."""

import threading

import pytest

from hw.ports import Deposit, DepositEnd
from hw.sim.changer import SimulatedChanger
from hw.sim.panel import hand_at
from tests.wire.clock import Clock

GENEROUS_S = 30.0


def test_a_note_put_in_while_the_counter_waits_pays_and_brings_change():
    changer = SimulatedChanger(patience_s=GENEROUS_S)
    hand = hand_at("changer", changer)
    before_yen = changer.counts().total_yen
    changer.begin(500)
    assert "takes money" in hand.look()
    putting = threading.Thread(target=hand.do, args=("1000",))
    putting.start()
    assert changer.await_payment() == Deposit(500, 1000)
    putting.join()
    changer.fix()
    assert changer.end(DepositEnd.CHANGE) == 0  # it pays the change itself
    assert changer.counts().total_yen == before_yen + 500
    assert "takes nothing" in hand.look()


def test_the_payers_time_ends_and_a_jam_ends_it_at_once():
    clock = Clock()
    changer = SimulatedChanger(patience_s=5.0, monotonic=clock.monotonic, pause=clock.pause)
    changer.begin(500)
    assert changer.await_payment() == Deposit(500, 0)
    assert clock.now_s >= 5
    changer.obey("jam")
    assert changer.await_payment().is_discrepant
    assert "jammed" in changer.look()


@pytest.mark.parametrize("order", ["", "note", "-5"])
def test_hands_do_only_what_can_be_done(order):
    with pytest.raises(ValueError, match="none of"):
        SimulatedChanger().obey(order)
