"""A fee whose change a hopper pays: what becomes of a payout that nobody can tell of, in this case and in the next."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from hw.cash.coin_box import CoinBox
from hw.cash.coin_ledger import LedgerUnwritten
from hw.cash.drawer import ClerkDrawer
from hw.link.memory import MemoryLink
from hw.ports import CashTrouble, DepositEnd, MachineMoney
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.printer.virtual import VirtualPrinter
from kiosk.issuance.failure import RolledBack
from kiosk.issuance.persons import Abandoned, OpenDeposit
from kiosk.model.step import Actor
from tests.counter_bench import OTHER_RESIDENT, RESIDENT, PowerCut
from tests.hw.cash.coins import Coins, no_room_in
from tests.issuance.coin_counter import Counter
from tests.issuance.otherwise import But
from tests.issuance.rest import check_rest, new_world
from tests.wire.clock import Clock


def test_a_clerk_is_told_what_was_perhaps_paid_and_the_next_resident_is_served(
    tmp_path: Path, fresh_authority: Path
) -> None:
    counter = Counter(new_world(tmp_path / "world", fresh_authority))
    with pytest.raises(RolledBack):
        counter.issue("1", RESIDENT)
    assert counter.told == [MachineMoney(perhaps_paid_yen=500)]
    assert counter.payer_yen["1"] == 500  # the other half he had taken out of the tray
    check_rest(counter.world, [counter.issue("2", OTHER_RESIDENT)])
    assert counter.payer_yen["2"] == 500  # whom the clerk gave his change, since no hopper was there


def test_change_is_paid_once_when_the_program_dies_within_the_payout(tmp_path: Path, fresh_authority: Path) -> None:
    counter = Counter(new_world(tmp_path / "world", fresh_authority))
    counter.cable.kills = True
    with pytest.raises(PowerCut):
        counter.issue("1", RESIDENT)
    counter.start()
    counter.world.hand.remove()
    second = counter.issue("2", OTHER_RESIDENT)
    first = counter.issue("1", RESIDENT)
    assert counter.told == [MachineMoney(paid_yen=500)]
    assert counter.coins.machine.hopper.memory.dispensed == 10
    assert counter.box.state.traces == {}
    check_rest(counter.world, [second, first])


@pytest.mark.parametrize("full_until", ["the end", "it is counted"])
def test_money_that_a_full_disk_kept_from_being_noted_goes_back_to_its_payer(
    tmp_path: Path, fresh_authority: Path, full_until: str
) -> None:
    """The clerk has it in his hand, and the machine's ledger takes no line: nobody may take it for never paid."""
    counter = Counter(new_world(tmp_path / "world", fresh_authority))
    counter.cable.has_cut = True  # this machine's line holds
    box, payer_yen, path = counter.box, counter.payer_yen, tmp_path / "world" / "coins.jsonl"

    def take_from_clerk(amount_yen: int) -> None:
        raise LedgerUnwritten("no space left on device")

    def end(how: DepositEnd) -> int:
        if full_until == "the end":
            return box.end(how)
        with no_room_in(path):
            return box.end(how)

    counter.box = cast("CoinBox", But(box, take_from_clerk=take_from_clerk, end=end))
    with pytest.raises(RolledBack):
        counter.issue("1", RESIDENT)
    assert payer_yen == {"1": 0}
    assert [yen for yen in counter.repaid if yen] == [1000]
    counter.start()
    counter.cable.has_cut = True
    check_rest(counter.world, [counter.issue("2", OTHER_RESIDENT)])


@pytest.mark.parametrize("coins_yen", [(500,), (100, 100, 100)])
def test_coins_that_fall_while_the_clerk_is_asked_change_what_he_is_asked(
    coins_yen: tuple[int, ...], tmp_path: Path, fresh_authority: Path
) -> None:
    counter = Counter(new_world(tmp_path / "world", fresh_authority))
    asked_yen: list[int] = []
    left_yen = list(coins_yen)

    def take_fee(due_yen: int, deposit: OpenDeposit) -> int:
        asked_yen.append(due_yen)
        assert deposit.is_due()
        if not left_yen:
            counter.world.till.put("all", due_yen)
            return due_yen
        assert counter.coins.machine.insert(left_yen.pop())
        assert not deposit.is_due()
        return 0

    counter.take_fee = take_fee
    closed = counter.issue("1", RESIDENT)
    assert asked_yen == ([500] if coins_yen == (500,) else [500, 400, 300, 200])
    check_rest(counter.world, [closed])
    assert counter.box.state.unassigned_yen == 0


def test_who_stops_after_a_part_gets_just_that_part_back(tmp_path: Path, fresh_authority: Path) -> None:
    counter = Counter(new_world(tmp_path / "world", fresh_authority))
    counter.cable.has_cut = True  # this machine's line holds
    asked_yen: list[int] = []

    def take_fee(due_yen: int, deposit: OpenDeposit) -> int:
        asked_yen.append(due_yen)
        if len(asked_yen) == 2:
            raise Abandoned(Actor.CLERK, "stopped")
        counter.payer_yen["1"] = 300
        counter.world.till.put("all", 300)
        return 300

    counter.take_fee = take_fee
    with pytest.raises(RolledBack):
        counter.issue("1", RESIDENT)
    in_tray_yen = 100 * counter.coins.machine.hopper.memory.dispensed
    assert (asked_yen, counter.payer_yen["1"] - in_tray_yen, sum(counter.repaid)) == ([500, 200], 0, 0)


@pytest.mark.parametrize("pays", [True, False])
def test_a_clerk_hears_once_that_the_machine_may_hold_coins_it_does_not_count(
    pays: bool, tmp_path: Path, fresh_authority: Path
) -> None:
    counter = Counter(new_world(tmp_path / "world", fresh_authority))
    asked_yen: list[int] = []

    def take_fee(due_yen: int, deposit: OpenDeposit) -> int:
        asked_yen.append(due_yen)
        if len(asked_yen) == 1:
            assert deposit.is_due() and counter.minded == []
            acceptor = counter.coins.machine.acceptor
            for _ in range(7):  # the machine buffers five events
                assert acceptor.insert(10, counter.coins.clock.now_s)
                counter.world.till.put("all", 10)
            counter.payer_yen["1"] = 50
            assert not deposit.is_due(), "he is to hear of it before he takes anything"
            return 0
        assert counter.minded == [CashTrouble.COUNTS_DISAGREE]
        assert deposit.is_due(), "what he has read is no news"
        if not pays:
            raise Abandoned(Actor.CLERK, "stopped")
        counter.world.till.put("all", due_yen)
        return due_yen

    counter.take_fee = take_fee
    if pays:
        counter.issue("1", RESIDENT)
    else:
        with pytest.raises(RolledBack):
            counter.issue("1", RESIDENT)
    assert asked_yen == [500, 450]
    assert counter.minded == [CashTrouble.COUNTS_DISAGREE]


class StuckDrawer(VirtualPrinter):
    """A printer whose drawer does not move."""

    def _kick(self) -> None:
        pass


@pytest.mark.parametrize("is_stuck", [True, False])
@pytest.mark.parametrize("pays", [True, False])
def test_a_clerk_hears_that_the_drawer_is_shut_before_he_is_asked_for_change_or_repays(
    pays: bool, is_stuck: bool, tmp_path: Path, fresh_authority: Path
) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    clock = Clock()
    printer = EscposPrinter(MemoryLink(StuckDrawer() if is_stuck else VirtualPrinter()), MODELS["tm-t88-ja"])
    cash = ClerkDrawer(printer, has_sensor=True, monotonic=clock.monotonic, pause=clock.pause)
    heard: list[object] = []

    def take_fee(due_yen: int, deposit: OpenDeposit) -> int:
        if pays:
            world.till.put("all", 1000)
            return 1000
        cash.take_from_clerk(100)  # some of it, before he stops
        raise Abandoned(Actor.CLERK, "stopped")

    persons = world.persons("1", RESIDENT)
    clerk: Any = But(
        persons.clerk, take_fee=take_fee, give_change=heard.append, repay=heard.append, mind_cash=heard.append
    )
    try:
        world.issue("1", RESIDENT, station=world.station(cash=cash), persons=replace(persons, clerk=clerk))
    except RolledBack:
        assert not pays
    told = [CashTrouble.DRAWER_SHUT] if is_stuck else []
    assert heard[: len(told) + 1] == [*told, 500 if pays else 100]


def test_a_box_without_a_drawer_has_none_that_is_shut(tmp_path: Path) -> None:
    box = Coins(tmp_path / "coins.jsonl").box()
    box.begin(500)
    box.take_from_clerk(1000)
    box.fix()
    box.end(DepositEnd.CHANGE)
    assert not box.is_drawer_shut()
