"""What a clerk elsewhere decides about a case that was left: carried out once, told truly, gone on with after a cut."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.authority.client import AuthorityClient
from kiosk.issuance.decide import carry_out, days_of_holds, undecided_cases
from kiosk.issuance.put_off import Held
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.model.decision import CarriedOut, Choice, Decision, DecisionKind, can_be_ended
from kiosk.model.transition import Stage
from tests.counter_bench import CuttingDatabase, PowerCut, World
from tests.issuance.rest import bodies, check_rest
from tests.issuance.served_counter import SERVICES, issue_once, persons
from tests.issuance.test_hold import TOMORROW, cut_at, held, latest, new_world, world_in

OPERATOR = "0123456789abcdef0123456789abcdef"


def decided(world: World, kind: DecisionKind, until: datetime.date | None = None) -> Decision:
    """By a clerk who has just looked at the case."""
    case = latest(world)
    return Decision(Choice(case.pseudonym, kind, until), case.number, case.stage, "demo", OPERATOR)


def carried_out(world: World, decision: Decision, station: Station | None = None) -> CarriedOut:
    return carry_out(decision, station or world.station(), world.persons("1"))


def test_a_case_is_ended_by_a_clerk_whom_the_journal_names(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.WRITTEN)
    assert [case.number for case in undecided_cases(world.station().journal)] == ["1"]
    decision = decided(world, DecisionKind.ABORT)
    assert carried_out(world, decision) == CarriedOut(decision, True, "K-CASE-010")
    assert [b["operator"] for b in bodies(world) if b["event"] == Stage.ROLLING_BACK] == [OPERATOR]
    assert undecided_cases(world.station().journal) == ()
    check_rest(world, [])


@pytest.mark.parametrize("name", SERVICES)
def test_another_procedure_is_ended_by_a_clerk_whom_the_journal_names(
    tmp_path: Path, fresh_authority: Path, name: str
) -> None:
    world = issue_once(tmp_path / "issued", fresh_authority).world(tmp_path / "w")
    with pytest.raises(PowerCut):
        cutting = CuttingDatabase(open_database(world.database_url), 2, is_before=False)
        SERVICES[name](world, world.station(cutting), persons(world, "1"))
    (case,) = [case for case in undecided_cases(world.station().journal)]
    decision = Decision(Choice(case.pseudonym, DecisionKind.ABORT), case.number, case.stage, "demo", OPERATOR)
    assert carried_out(world, decision) == CarriedOut(decision, True, "K-CASE-010")
    assert bodies(world)[-1]["operator"] == OPERATOR


def test_a_case_is_put_off_and_taken_up_again(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.KEY_READY)
    decision = decided(world, DecisionKind.HOLD, TOMORROW)
    assert carried_out(world, decision) == CarriedOut(decision, True, "", True)
    assert latest(world).stage is Stage.ON_HOLD
    assert held(world) == Held(TOMORROW, "demo")
    assert [b["operator"] for b in bodies(world) if b["event"] == Stage.ROLLING_BACK] == [OPERATOR]
    decision = decided(world, DecisionKind.RESUME)
    assert carried_out(world, decision) == CarriedOut(decision, True)
    assert [b["operator"] for b in bodies(world) if b["event"] == Stage.OPENED and "by" in b] == [OPERATOR]
    world.hand.remove()
    check_rest(world, [world.issue()])


@pytest.mark.parametrize("until", [None, TOMORROW - datetime.timedelta(days=1)])
def test_no_case_is_put_off_until_no_day_to_come(
    tmp_path: Path, fresh_authority: Path, until: datetime.date | None
) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.AUTHORISED)
    decision = decided(world, DecisionKind.HOLD, until)
    assert carried_out(world, decision) == CarriedOut(decision, False)
    assert latest(world).stage is Stage.AUTHORISED


def test_a_case_that_has_gone_on_since_the_clerk_looked_is_left_alone(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.PENDING)
    decision = decided(world, DecisionKind.ABORT)
    closed = world.issue()
    for stale in (
        decision,
        replace(decision, number="2"),
        replace(decision, stage=Stage.CLOSED, choice=Choice("f" * 32, DecisionKind.ABORT)),
        replace(decision, stage=Stage.CLOSED),
    ):
        assert carried_out(world, stale) == CarriedOut(stale, False)
    check_rest(world, [closed])


def test_the_clerk_is_told_why_a_case_cannot_be_ended_now(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.PENDING)
    station = world.station()
    nobody = AuthorityClient(
        "http://127.0.0.1:1", station.authority._credential, station.authority._trust, clock=station.clock
    )
    for kind, until in ((DecisionKind.ABORT, None), (DecisionKind.HOLD, TOMORROW)):
        decision = decided(world, kind, until)
        told = carried_out(world, decision, replace(station, authority=nobody))
        assert told == CarriedOut(decision, False, "K-CA-001", is_day_kept=until is not None)
    assert latest(world).stage is Stage.ROLLING_BACK
    decision = decided(world, DecisionKind.ABORT)
    assert carried_out(world, decision).is_done
    check_rest(world, [])


def test_a_decision_that_is_cut_at_any_commit_is_made_again_and_nothing_is_lost(
    tmp_path: Path, fresh_authority: Path
) -> None:
    """With the money in the till. The terminal dies, the clerk sees how far the case is, and decides anew."""

    def put_off(world: World, commit: int, *, is_before: bool) -> int:
        database = CuttingDatabase(open_database(world.database_url), commit, is_before=is_before)
        assert carried_out(world, decided(world, DecisionKind.HOLD, TOMORROW), world.station(database)).is_done
        return database.commits

    left = world_in(tmp_path / "left", fresh_authority, Stage.DELIVERED, is_paid=True)
    paid_at = int(left.directory.name)
    commits = put_off(left, 0, is_before=True)
    assert commits >= 6
    for commit in range(1, commits + 1):
        for is_before in (True, False):
            world = new_world(tmp_path / f"{commit}-{is_before}", fresh_authority)
            assert cut_at(world, paid_at, is_before=True)
            with pytest.raises(PowerCut):
                put_off(world, commit, is_before=is_before)
            if can_be_ended(latest(world).stage):
                assert carried_out(world, decided(world, DecisionKind.ABORT)).is_done
            world.hand.remove()
            check_rest(world, [])


def test_a_counter_where_nothing_was_left_has_nothing_to_decide(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    assert undecided_cases(world.station().journal) == ()
    world.issue()
    assert undecided_cases(world.station().journal) == ()


def test_until_when_cases_are_put_off_is_known_of_those_alone(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.WRITTEN)
    station = world.station()
    assert days_of_holds(undecided_cases(station.journal), station) == {}
    assert carried_out(world, decided(world, DecisionKind.HOLD, TOMORROW)).is_done
    station = world.station()
    assert days_of_holds(undecided_cases(station.journal), station) == {latest(world).pseudonym: TOMORROW}
