"""The line to a hopper is lost after it was told to pay, and the port stays away: what it paid is unknown, and kept."""

import pytest

from hw.errors import LinkLost, NotSent, OutcomeUnknown
from hw.link.memory import MemoryLink
from hw.link.reopening import ReopeningLink
from hw.ports import DepositEnd
from tests.hw.cash.coins import Coins

DISPENSE = 167


class Port:
    """A serial port that is pulled out once the answer to a payout has been read; it opens again when it is back."""

    def __init__(self, machine):
        self.machine = machine
        self.is_there = True

    def open(self):
        if not self.is_there:
            raise NotSent("cannot open: no such port")
        return Line(self)


class Line:
    is_one_way = False

    def __init__(self, port):
        self._port = port
        self._link = MemoryLink(port.machine)
        self._is_dispensing = False

    def write(self, data, deadline_s):
        self._require_port()
        self._link.write(data, deadline_s)
        self._is_dispensing = len(data) > 3 and data[3] == DISPENSE

    def read(self, count, deadline_s):
        self._require_port()
        received = self._link.read(count, deadline_s)
        if self._is_dispensing and not received:
            self._port.is_there = False
        return received

    def drain_input(self):
        self._require_port()
        self._link.drain_input()

    def close(self):
        pass

    def _require_port(self):
        if not self._port.is_there:
            raise LinkLost("gone")


def test_what_a_hopper_paid_behind_a_lost_line_is_not_paid_again():
    coins = Coins()
    port = Port(coins.machine)
    box = coins.box(ReopeningLink(port.open), hopper=True)
    box.begin(500)
    box.take_from_clerk(1000)
    box.fix()
    for _ in range(2):  # the second time the port is not even there
        with pytest.raises(OutcomeUnknown, match="told to pay"):
            box.end(DepositEnd.CHANGE)
    assert box.state.payout is not None, "what it was told is kept"
    port.is_there = True
    coins.clock.pause(30)
    assert box.end(DepositEnd.CHANGE) == 0, "the hopper says that it paid, and the clerk pays nothing"
    assert coins.machine.hopper.memory.dispensed == 5
