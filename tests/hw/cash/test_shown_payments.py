"""The payer sees what happens to his money, and no payment waits for what shows it."""

import threading

from hw.link.memory import MemoryLink
from hw.ports import DepositEnd
from tests.hw.cash.coins import Coins


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
