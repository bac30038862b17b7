"""A day's money as the books tell it is what lies in the drawer, also where a fee was taken and never journaled."""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.errors import Refused
from kiosk.books import StationBooks
from kiosk.issuance.failure import Halted, RolledBack
from kiosk.issuance.hold import hold
from kiosk.issuance.persons import Abandoned, OpenDeposit
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord, EffectRecord, EffectState
from kiosk.model.step import Act, Actor, Step, Undo
from kiosk.ui.books import DayTakings, JournalLine, JournalQuery, JournalView
from tests.counter_bench import OTHER_RESIDENT, World
from tests.issuance.otherwise import But, events, raising
from tests.issuance.rest import new_world
from tests.stores import Store

TENDERED_YEN = 1000
STATION_LOST = Abandoned(Actor.CLERK, "station_lost")


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path, store: Store) -> World:
    return new_world(tmp_path, fresh_authority, store)


def takings(world: World, after: int = 0) -> DayTakings:
    station = world.station()
    return StationBooks(station.journal, station.register).takings(station.today(), after)


def money(told: DayTakings) -> tuple[int, int, int, int]:
    return told.issued, told.fees_yen, told.refunds, told.refunds_yen


def takes_and_is_lost(world: World, **otherwise: object) -> Any:
    """Persons of whom the clerk takes the fee, and whose station is gone before it says so."""
    persons = world.persons("1")
    clerk: Any = persons.clerk

    def take_fee(due_yen: int, deposit: OpenDeposit) -> int:
        clerk.take_fee(due_yen)
        raise STATION_LOST

    return replace(persons, clerk=But(clerk, take_fee=take_fee, **otherwise))


def test_money_that_was_taken_and_never_journaled_as_a_fee_is_told_as_taken_before_it_is_given_back(
    world: World,
) -> None:
    with pytest.raises(RolledBack):
        world.issue(persons=takes_and_is_lost(world))
    assert money(takings(world)) == (1, TENDERED_YEN, 1, TENDERED_YEN)


def test_a_count_of_the_drawer_between_finding_and_giving_back_finds_the_money_in_it(world: World) -> None:
    def is_lost(_: int) -> None:
        raise STATION_LOST

    with pytest.raises(Halted):
        world.issue(persons=takes_and_is_lost(world, repay=is_lost))
    handed_over = takings(world)
    assert money(handed_over) == (1, TENDERED_YEN, 0, 0)
    with pytest.raises(RolledBack):
        world.issue()
    assert money(takings(world, handed_over.until_seq)) == (0, 0, 1, TENDERED_YEN)
    assert money(takings(world)) == (1, TENDERED_YEN, 1, TENDERED_YEN)


def test_who_counts_again_after_a_refund_that_failed_tells_what_he_found_last(world: World) -> None:
    station = world.station()
    refuses = But(station.cash, dispense=_refused)
    with pytest.raises(Halted):
        world.issue(persons=takes_and_is_lost(world), station=replace(station, cash=refuses))
    before = takings(world)
    assert money(before) == (1, TENDERED_YEN, 0, 0)
    found = replace(world.persons("1"), clerk=But(world.persons("1").clerk, count_payment=lambda *_: 0))
    with pytest.raises(RolledBack):
        world.issue(persons=found)
    assert money(takings(world, before.until_seq)) == (0, 0, 1, TENDERED_YEN), "taken back in the books alone"
    assert money(takings(world)) == (0, 0, 0, 0)
    assert any(f'"step":"{Undo.REFUND}"' in body for body in events(world))


def _refused(_: int) -> None:
    raise Refused("it is jammed")


def test_an_entry_is_found_by_its_number_day_application_receipt_and_however_old_it_is(world: World) -> None:
    closed = world.issue("2026-0007")
    world.now += datetime.timedelta(days=40)
    world.issue("2026-0008", OTHER_RESIDENT)
    books = StationBooks(world.station().journal, world.station().register)
    every = books.journal(JournalQuery())
    assert (every.found, every.count, every.broken) == (len(every.lines), len(every.lines), "")

    def found(text: str, skipped: int = 0, newest: int = 1_000) -> JournalView:
        return books.journal(JournalQuery(text, skipped, newest))

    first = [line for line in every.lines if line.case == "2026-0007"]
    assert list(found("2026-0007").lines) == first
    assert {line.receipt for line in found(f"{closed.receipt_number:06d}").lines} == {closed.receipt_number}
    number = closed.receipt_number
    for written in (f"No. {number:06d}", f"No.{number}", f"no {number}", f"第{number}号", f"第 {number} 号"):
        assert {line.receipt for line in found(written).lines} == {number}, written
    day = f"{first[0].at:%Y-%m-%d}"
    assert list(found(day).lines) == [line for line in every.lines if f"{line.at:%Y-%m-%d}" == day]
    assert found("nobody").lines == () and found("nobody").count == every.count
    # Piece by piece, from the newest on, everything is seen once.
    seen: list[JournalLine] = []
    while len(seen) < every.found:
        piece = found("", len(seen), 7).lines
        assert len(piece) == min(7, every.found - len(seen))
        seen = [*piece, *seen]
    assert tuple(seen) == every.lines
    assert found("", every.found, 7).lines == ()


def test_who_is_to_return_is_no_case_that_should_have_ended(world: World) -> None:
    station = world.station()
    station.journal.open_case("1", b"{}")
    assert (takings(world).left, takings(world).held) == (1, 0)
    hold("1", station.today() + datetime.timedelta(days=1), station, world.persons("1"), "demo")
    assert (takings(world).left, takings(world).held) == (0, 1)


def test_of_a_case_that_was_left_nothing_is_opened_but_whose_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Halted):
        world.issue(persons=takes_and_is_lost(world, repay=raising(STATION_LOST)))
    opened: list[Act] = []
    effect = Journal.effect

    def noted(journal: Journal, case: CaseRecord, step: Act) -> EffectRecord | None:
        opened.append(step)
        return effect(journal, case, step)

    station = world.station()
    monkeypatch.setattr(Journal, "effect", noted)
    (left,) = StationBooks(station.journal, station.register).left_cases(station.today())
    assert (opened, left.fee) == ([Step.APPLICATION], EffectState.UNKNOWN)
