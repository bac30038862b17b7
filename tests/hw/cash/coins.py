"""Cash boxes of every kind, a coin machine with boxes before it one after the other, and what is taken from them."""

import resource
from contextlib import contextmanager

from hw.cash.cctalk.acceptor import CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.cash.cctalk.hopper import CoinHopper
from hw.cash.coin_box import CoinBox
from hw.cash.coin_ledger import CoinLedger
from hw.cash.drawer import ClerkDrawer
from hw.errors import LinkLost
from hw.link.memory import MemoryLink
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.changer import SimulatedChanger
from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.printer.virtual import VirtualPrinter
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


@contextmanager
def no_room_in(path):
    """Files cannot grow beyond what `path` has now and a few bytes more: a line is torn."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
