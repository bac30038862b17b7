"""The program dies anywhere while a fee is paid into a coin machine: who pays is charged once, or gets all of it back.

Anywhere is before and after every frame to the machine, every line of its ledger and every commit of the store.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hw.cash.coin_ledger import CoinLedger
from hw.link.reopening import ReopeningLink
from hw.ports import MachineMoney
from kiosk.issuance.failure import CaseEnded, Halted, RolledBack
from kiosk.issuance.persons import Abandoned, OpenDeposit
from kiosk.journal.database import open_database
from kiosk.model.application import Closed
from kiosk.model.step import Actor
from tests.counter_bench import RESIDENT, CuttingDatabase, PowerCut, World
from tests.hw.cash.coins import Cable, Coins
from tests.issuance.otherwise import But
from tests.issuance.rest import check_rest, new_world
from tests.sweep import rows

NEVER = 1_000_000
_MOST_STARTS = 4


@dataclass
class Deaths:
    """Where the program dies: before (even) or after (odd) the n-th thing that it does, counted from 0."""

    at: int = NEVER
    passed: int = 0

    def around(self, act: Callable[[], object]) -> None:
        """Does one thing that changes something outside."""
        for is_after in (False, True):
            if is_after:
                act()
            self.passed += 1
            if self.passed == self.at + 1:
                raise PowerCut


class DyingCable(Cable):
    """The line to the machine, at which the program can die."""

    def __init__(self, machine: Any, deaths: Deaths) -> None:
        super().__init__(machine)
        self._deaths = deaths

    def write(self, data: bytes, deadline_s: float) -> None:
        """A frame."""
        self._deaths.around(lambda: super(DyingCable, self).write(data, deadline_s))


class Payer:
    """A resident at a machine with a hopper; what he gave and got, by whomever, is `paid_yen`."""

    def __init__(self, world: World, deaths: Deaths, way: str) -> None:
        self.world = world
        self.paid_yen = 0
        self._coins = Coins(world.directory / "coins.jsonl")
        self._coins.machine.on_taken = self._pay
        self._coins.machine.on_paid = lambda yen: self._pay(-yen)
        self._cable = DyingCable(self._coins.machine, deaths)
        self._take_fee = {"note": self._hand_note, "coins": self._insert, "stops": self._stop}[way]
        self._start()

    def _start(self) -> None:
        self.box = self._coins.box(ReopeningLink(lambda: self._cable), hopper=True)
        self.box.recover()

    def _pay(self, yen: int) -> None:
        self.paid_yen += yen
        self.world.till.put("all", yen)

    def _hand_note(self, due_yen: int, deposit: OpenDeposit) -> int:
        self._pay(1000)
        return 1000

    def _insert(self, due_yen: int, deposit: OpenDeposit) -> int:
        assert deposit.is_due()
        for _ in range(due_yen // 100):
            assert self._coins.machine.insert(100)
        assert not deposit.is_due()
        return 0

    def _stop(self, due_yen: int, deposit: OpenDeposit) -> int:
        if due_yen == 500:
            assert self._coins.machine.insert(100)
            self._coins.machine.insert(100)
            return 0
        raise Abandoned(Actor.CLERK, "stopped")

    def _count(self, due_yen: int, known: MachineMoney) -> int:
        # What the hopper was told comes out, whoever has died meanwhile.
        self._coins.clock.pause(5)
        self._coins.machine.feed(b"")
        return self.paid_yen

    @property
    def unread_yen(self) -> int:
        """Coins that the machine took while no program ran."""
        path = self._coins.path
        lines = map(json.loads, path.read_text().splitlines() if path.exists() else [])
        return sum(sum(line["coins_yen"]) for line in lines if line.get("is_stray"))

    @property
    def dispensed(self) -> int:
        """How many coins the hopper has paid."""
        return self._coins.machine.hopper.memory.dispensed

    def issue(self, database: CuttingDatabase | None = None) -> Closed:
        """One start of the program."""
        persons = self.world.persons("1", RESIDENT)
        clerk: Any = But(
            persons.clerk,
            take_fee=self._take_fee,
            give_change=lambda yen: self._pay(-yen),
            repay=lambda yen: self._pay(-yen),
            count_payment=self._count,
            mind_cash=lambda trouble: None,
        )
        station = self.world.station(database, cash=self.box)
        return self.world.issue("1", RESIDENT, station=station, persons=replace(persons, clerk=clerk))

    def go_on(self) -> CaseEnded | Closed:
        """Starts the program again until the case has ended."""
        for _ in range(_MOST_STARTS):
            self.world.hand.remove()
            self._start()
            try:
                return self.issue()
            except Halted:
                continue
            except CaseEnded as ended:
                return ended
        raise AssertionError("the case never ends")


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deaths]:
    """Also at every line of a ledger."""
    deaths, write = Deaths(), CoinLedger._write

    def dying(ledger: CoinLedger, path: Path, line: bytes) -> None:
        deaths.around(lambda: write(ledger, path, line))

    monkeypatch.setattr(CoinLedger, "_write", dying)
    yield deaths


def check(payer: Payer, ended: CaseEnded | Closed, way: str) -> None:
    """Nobody has lost a yen."""
    if isinstance(ended, Closed):
        assert payer.paid_yen == 500
        check_rest(payer.world, [ended])
    else:
        assert isinstance(ended, RolledBack)
        assert payer.paid_yen == 0
        check_rest(payer.world, [])
    assert way == "stops" or isinstance(ended, Closed)
    # What the machine's ledger says is what the day's count goes by.
    state = payer.box.state
    assert (state.traces, state.coins_in_doubt, state.paid_coins) == ({}, 0, payer.dispensed)
    # Coins that fell when nobody read them may be anybody's until that count, whatever the clerk knew of them.
    assert state.unassigned_yen == payer.unread_yen


def undisturbed(directory: Path, authority: Path, deaths: Deaths, way: str) -> tuple[int, int]:
    """How many places there are at machine and ledger together, and at the store's commits."""
    payer = Payer(new_world(directory, authority), deaths, way)
    counting = CuttingDatabase(open_database(payer.world.database_url), NEVER, is_before=True)
    begun = deaths.passed
    try:
        ended: CaseEnded | Closed = payer.issue(counting)
    except CaseEnded as rolled_back:
        ended = rolled_back
    check(payer, ended, way)
    return deaths.passed - begun, counting.commits


PARTS = 12
"""The places in so many parts, of which the ordinary suite has one a way."""


@pytest.mark.parametrize(
    ("way", "part"),
    rows(
        ((way, part) for way in ("note", "coins", "stops") for part in range(PARTS)),
        suite={0, PARTS + 1, 2 * PARTS + 2},
    ),
)
def test_wherever_the_program_dies_the_payer_loses_nothing(
    way: str, part: int, tmp_path: Path, fresh_authority: Path, deaths: Deaths
) -> None:
    at_machine, commits = undisturbed(tmp_path / "undisturbed", fresh_authority, deaths, way)
    for place in range(part, at_machine + 2 * commits, PARTS):
        world = new_world(tmp_path / str(place), fresh_authority)
        deaths.at = NEVER
        payer = Payer(world, deaths, way)
        deaths.at, deaths.passed = place, 0
        cut, is_after = divmod(place - at_machine, 2)
        database = (
            CuttingDatabase(open_database(world.database_url), cut + 1, is_before=not is_after)
            if place >= at_machine
            else None
        )
        with pytest.raises(PowerCut):
            payer.issue(database)
        deaths.at = NEVER
        check(payer, payer.go_on(), way)
