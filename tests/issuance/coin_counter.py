"""A counter whose fee goes through a coin machine, and whose program can be started again on what is left."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hw.link.reopening import ReopeningLink
from hw.ports import CashTrouble, MachineMoney
from kiosk.issuance.persons import OpenDeposit
from tests.counter_bench import PowerCut, World
from tests.hw.cash.coins import Cable, Coins
from tests.issuance.otherwise import But

_DISPENSE = 167


class CutAtPayout(Cable):
    """When the hopper has just been told to pay, it is pulled out once, or else the program dies."""

    has_cut = False
    kills = False

    def write(self, data: bytes, deadline_s: float) -> None:
        super().write(data, deadline_s)
        if data[3] == _DISPENSE and not self.has_cut:
            self.has_cut = True
            if self.kills:
                raise PowerCut
            self.is_in = False


class Counter:
    """A counter with a coin machine, and a clerk who takes a note of 1000 yen and believes what the screen tells."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.coins = Coins(world.directory / "coins.jsonl")
        self.cable = CutAtPayout(self.coins.machine)
        self.coins.machine.on_taken = lambda yen: world.till.put("all", yen)
        self.coins.machine.on_paid = lambda yen: world.till.put("all", -yen)
        self.told: list[MachineMoney] = []
        self.payer_yen: dict[str, int] = {}
        self.minded: list[CashTrouble] = []
        self.repaid: list[int] = []
        self.take_fee: Callable[[int, OpenDeposit], int] | None = None
        self.start()

    def start(self) -> None:
        """The program starts, on what is left."""
        self.box = self.coins.box(ReopeningLink(lambda: self.cable), hopper=True)
        self.box.recover()

    def issue(self, number: str, resident: str) -> Any:
        """One issuance, or the rest of one."""

        def put(yen: int) -> int:
            self.payer_yen[number] = self.payer_yen.get(number, 0) + yen
            self.world.till.put("all", yen)
            return yen

        def repay(yen: int) -> None:
            self.repaid.append(yen)
            put(-yen)

        def count(due_yen: int, known: MachineMoney) -> int:
            self.told.append(known)
            self.coins.clock.pause(5)
            self.coins.machine.feed(b"")  # what it was told to pay comes out, also while its line is cut
            in_tray_yen = 100 * self.coins.machine.hopper.memory.dispensed if known.perhaps_paid_yen else 0
            return self.payer_yen[number] - known.paid_yen - in_tray_yen

        persons = self.world.persons(number, resident)
        clerk: Any = But(
            persons.clerk,
            take_fee=self.take_fee or (lambda due_yen, deposit: put(1000)),
            give_change=lambda yen: put(-yen),
            repay=repay,
            mind_cash=self.minded.append,
            count_payment=count,
        )
        station = self.world.station(cash=self.box)
        return self.world.issue(number, resident, station=station, persons=replace(persons, clerk=clerk))
