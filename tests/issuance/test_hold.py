"""Putting an application off, taking it up again, ending what nobody goes on with."""

import datetime
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.ports import MachineMoney
from hw.sim.card.faults import parse_card_faults
from kiosk.application_file import ClerkTable
from kiosk.authority.client import AuthorityClient
from kiosk.authority.errors import AuthorityOutcomeUnknown
from kiosk.counter.clerk_key import load_clerk_key
from kiosk.issuance.abort import NotAbortable, abort
from kiosk.issuance.effect import outcome_in
from kiosk.issuance.failure import GivenUp, Halted, PutOff, RolledBack, Suspect
from kiosk.issuance.hold import NotHeld, hold, resume
from kiosk.issuance.persons import Abandoned, CannotTell
from kiosk.issuance.put_off import HOLD, Held, HoldSlip, held_until
from kiosk.issuance.settle import settle
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.journal.entry import ChainBroken
from kiosk.journal.records import CaseRecord
from kiosk.model.step import Actor, Pause
from kiosk.model.transition import Procedure, Stage
from kiosk.played_persons import PlayedClerk
from tests.counter_bench import RESIDENT, CuttingDatabase, PowerCut, World
from tests.issuance.otherwise import But, always
from tests.issuance.rest import bodies, check_rest
from tests.issuance.served_counter import SERVICES, Issued, persons
from tests.sweep import EVERY_NTH

TODAY = datetime.date(2026, 4, 1)
TOMORROW = TODAY + datetime.timedelta(days=1)


def new_world(directory: Path, authority: Path) -> World:
    directory.mkdir(parents=True, exist_ok=True)
    return World(directory, Path(shutil.copytree(authority, directory / "ca")))


def cut_at(world: World, commit: int, *, is_before: bool = False) -> bool:
    """An issuance that ends at a commit; False when it has fewer."""
    try:
        world.issue(
            station=world.station(CuttingDatabase(open_database(world.database_url), commit, is_before=is_before))
        )
    except PowerCut:
        return True
    return False


def world_in(directory: Path, authority: Path, stage: Stage, *, is_paid: bool = False) -> World:
    """A counter at which an issuance was interrupted in that stage, with the money in the till or not."""
    for commit in range(3, 30):
        world = new_world(directory / str(commit), authority)
        assert cut_at(world, commit, is_before=is_paid)
        case = world.station().journal.latest_case("1")
        if case is not None and case.stage is stage and bool(world.till.total_yen()) is is_paid:
            return world
    raise AssertionError(f"no issuance is ever interrupted when {stage}")


def latest(world: World, number: str = "1") -> CaseRecord:
    case = world.station().journal.latest_case(number)
    assert case is not None
    return case


def held(world: World) -> Held | None:
    """What the latest case says of its day, itself."""
    return outcome_in(world.station().journal.effect(latest(world), Pause.HOLD), HOLD)


def kept_day(world: World) -> datetime.date | None:
    """Until when the case is put off, or will be once it is taken back."""
    station = world.station()
    return held_until(latest(world), station.journal, station.today())


def put_off(world: World, until: datetime.date = TOMORROW) -> HoldSlip:
    return hold("1", until, world.station(), world.persons("1"), "demo")


@pytest.mark.parametrize("act", ["abort", "hold", "resume", "settle"])
def test_nothing_is_decided_on_a_journal_that_was_changed(tmp_path: Path, fresh_authority: Path, act: str) -> None:
    """What it says of money and cards may be anything."""
    world = world_in(tmp_path, fresh_authority, Stage.DELIVERED, is_paid=True)
    if act == "resume":
        put_off(world)
    if act == "settle":
        with pytest.raises(Suspect):
            world.issue(persons=replace(world.persons("1"), clerk=unsure_clerk(world)))
    station, before = world.station(), bodies(world)
    station.audit.broken = ChainBroken("demo", 1, "changed")
    keys = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in ("demo", "second")]
    acts: dict[str, Callable[[], object]] = {
        "abort": lambda: abort(latest(world), station, world.persons("1")),
        "hold": lambda: hold("1", TOMORROW, station, world.persons("1"), "demo"),
        "resume": lambda: resume("1", station),
        "settle": lambda: settle(latest(world), "500", station, *keys),
    }
    with pytest.raises(Halted, match="K-STORE-002"):
        acts[act]()
    assert bodies(world) == before


def unsure_clerk(world: World) -> PlayedClerk:
    """Can tell nothing of what was before."""
    return PlayedClerk(ClerkTable(tendered_yen=1000, cannot_tell=True), "1", world.till)


def test_an_application_at_every_stage_before_the_fee_is_put_off_and_issued_when_he_returns(
    tmp_path: Path, fresh_authority: Path
) -> None:
    stages = set()
    for commit in range(1, 30):
        world = new_world(tmp_path / str(commit), fresh_authority)
        if not cut_at(world, commit):
            break
        before = latest(world).stage
        stages.add(before)
        try:
            slip = put_off(world)
        except NotHeld:
            assert before not in HELD_IN
            continue
        assert before in HELD_IN
        assert (slip.until, slip.came_out) == (TOMORROW, True)
        assert "令和8年4月2日" in world.printer_core.sheets[-1].text and "保留票" in world.printer_core.sheets[-1].text
        journal = world.station().journal
        assert (latest(world).stage, kept_day(world)) == (Stage.ON_HOLD, TOMORROW)
        assert journal.unfinished_cases() == [] and world.till.total_yen() == 0
        with pytest.raises(Halted, match="K-CASE-009"):
            world.issue()
        world.now += datetime.timedelta(days=1)
        assert resume("1", world.station()).stage is Stage.OPENED
        assert world.issue().receipt_number == 1
        entries = [entry.body for entry in world.station().journal.entries()]
        assert not any('"not_admitted"' in body for body in entries)
    assert stages >= HELD_IN - {Stage.ROLLING_BACK}


HELD_IN = {
    Stage.OPENED,
    Stage.FILED,
    Stage.IDENTIFIED,
    Stage.AUTHORISED,
    Stage.KEY_READY,
    Stage.REQUESTED,
    Stage.PENDING,
    Stage.WRITTEN,
    Stage.DELIVERED,
    Stage.ROLLING_BACK,
}


def test_what_was_taken_back_because_something_was_missing_can_be_put_off(
    tmp_path: Path, fresh_authority: Path
) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    cut_at(world, 8)
    world.now += datetime.timedelta(hours=25)
    with pytest.raises(RolledBack):
        world.issue()
    put_off(world, TOMORROW + datetime.timedelta(days=2))
    assert latest(world).stage is Stage.ON_HOLD


def test_another_day_and_another_slip_can_be_given(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    cut_at(world, 2)
    put_off(world)
    later, case = TOMORROW + datetime.timedelta(days=7), latest(world).pseudonym
    slip = put_off(world)
    assert (latest(world).pseudonym, slip.until, slip.came_out) == (case, TOMORROW, True)
    lines = [line.split() for line in world.printer_core.sheets[-1].text.splitlines()]
    assert ["受付番号", "1"] in lines and ["担当", "demo"] in lines
    assert ["料金", "いただいていません"] in lines and ["電話"] in lines
    world.printer_core.set_paper("end")
    assert put_off(world, later).came_out is None
    assert kept_day(world) == later
    assert [case.number for case in world.station().journal.held_cases()] == ["1"]


def test_a_slip_is_no_tail_of_a_paper_that_was_left_within(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    cut_at(world, 2)
    world.printer_core.feed(b"half of another paper\n")
    station = world.station()
    with_open_paper: Any = But(station.journal, has_open_paper=always(True))
    hold("1", TOMORROW, replace(station, journal=with_open_paper), world.persons("1"), "demo")
    half, slip = (sheet.text for sheet in world.printer_core.sheets)
    assert "half of another paper" in half
    assert "half of another paper" not in slip


@pytest.mark.parametrize("day", [TODAY, TODAY - datetime.timedelta(days=1)])
def test_nobody_is_asked_to_return_on_a_day_that_is_not_to_come(
    tmp_path: Path, fresh_authority: Path, day: datetime.date
) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    cut_at(world, 2)
    with pytest.raises(NotHeld, match="not after today"):
        put_off(world, day)


def test_what_was_never_filed_or_has_ended_well_is_not_put_off(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    with pytest.raises(NotHeld, match="for a certificate was filed"):
        put_off(world)
    with pytest.raises(NotHeld, match="not on hold"):
        resume("1", world.station())
    world.issue()
    with pytest.raises(NotHeld, match="closed"):
        put_off(world)
    with pytest.raises(NotHeld, match="not on hold"):
        resume("1", world.station())


def test_a_clerk_ends_what_is_on_hold_once_the_day_has_passed(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    cut_at(world, 5)
    put_off(world)
    assert isinstance(abort(latest(world), world.station(), world.persons("1")), RolledBack)
    assert latest(world).stage is Stage.ROLLED_BACK


@EVERY_NTH
def test_a_power_cut_while_it_is_put_off_is_no_harm(tmp_path: Path, fresh_authority: Path, nth: int) -> None:
    for commit in range(1, 20, nth):
        world = world_in(tmp_path / f"before-{commit}", fresh_authority, Stage.WRITTEN)
        cutting = CuttingDatabase(open_database(world.database_url), commit, is_before=False)
        try:
            hold("1", TOMORROW, world.station(cutting), world.persons("1"), "demo")
        except PowerCut:
            put_off(world)
        else:
            break
        assert latest(world).stage is Stage.ON_HOLD
    else:
        pytest.fail("it never ends")


class Unsure(PlayedClerk):
    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        raise CannotTell


def test_what_two_clerks_have_to_settle_first_is_not_put_off(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.DELIVERED, is_paid=True)
    who = world.persons("1")
    assert isinstance(who.clerk, PlayedClerk)
    unsure = Unsure(who.clerk.table, who.clerk.payer, who.clerk.till)
    with pytest.raises(Suspect):
        hold("1", TOMORROW, world.station(), type(who)(who.resident, unsure), "demo")
    assert latest(world).stage is Stage.REFUND_SUSPECT
    with pytest.raises(NotHeld):
        put_off(world)


class Gone(PlayedClerk):
    """Does not count now."""

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        raise Abandoned(Actor.CLERK, "not_now")


def put_off_without_counting(world: World, until: datetime.date = TOMORROW) -> None:
    """The clerk names the day; what the resident has paid has to be given back first, which is done another time."""
    clerk = Gone(ClerkTable(tendered_yen=1000), "1", world.till)
    with pytest.raises(Halted):
        hold("1", until, world.station(), replace(world.persons("1"), clerk=clerk), "demo")
    assert latest(world).stage is Stage.ROLLING_BACK
    assert kept_day(world) == until


def assert_on_hold(world: World, until: datetime.date) -> None:
    assert (latest(world).stage, held(world)) == (Stage.ON_HOLD, Held(until, "demo"))
    assert kept_day(world) == until
    assert "保留票" in world.printer_core.sheets[-1].text and world.till.total_yen() == 0


def test_the_day_is_kept_where_taking_back_has_to_wait(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.DELIVERED, is_paid=True)
    put_off_without_counting(world)
    put_off_without_counting(world, TOMORROW + datetime.timedelta(days=1))
    with pytest.raises(RolledBack, match="K-CASE-010"):
        world.issue()
    assert_on_hold(world, TOMORROW + datetime.timedelta(days=1))
    with pytest.raises(Halted, match="K-CASE-009"):
        world.issue()
    resume("1", world.station())
    assert kept_day(world) is None
    world.hand.insert(RESIDENT)
    check_rest(world, [world.issue()])


def test_the_day_is_kept_where_two_clerks_have_to_settle_first(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.DELIVERED, is_paid=True)
    with pytest.raises(Suspect):
        hold("1", TOMORROW, world.station(), replace(world.persons("1"), clerk=unsure_clerk(world)), "demo")
    assert kept_day(world) == TOMORROW
    keys = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in ("demo", "second")]
    settle(latest(world), "500", world.station(), *keys)
    with pytest.raises(RolledBack):
        world.issue()
    assert_on_hold(world, TOMORROW)


def test_who_ends_what_was_to_be_put_off_ends_it(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.DELIVERED, is_paid=True)
    put_off_without_counting(world)
    assert isinstance(abort(latest(world), world.station(), world.persons("1"), "CN=Clerk"), RolledBack)
    assert latest(world).stage is Stage.ROLLED_BACK
    assert kept_day(world) is None
    struck = [body for body in bodies(world) if body.get("step") == Pause.RETURN_DAY]
    assert [body.get("operator") for body in struck] == [None, "CN=Clerk"], "who put it off had not named himself"
    assert len(world.station().journal.cases()) == 1 and not world.printer_core.sheets


def stages_of_cuts(
    prepare: Callable[[Path], World], act: Callable[[World, Station], object], first: int
) -> list[Stage]:
    """Cuts an act after each of its commits; from the `first` on the day is known, and one more run puts it off."""
    stages: list[Stage] = []
    for commit in range(1, 30):
        world = prepare(Path(str(commit)))
        cutting = CuttingDatabase(open_database(world.database_url), commit, is_before=False)
        try:
            act(world, world.station(cutting))
        except PowerCut:
            stages.append(latest(world).stage)
        except PutOff:
            break
        else:
            break
        if commit < first:
            continue
        assert kept_day(world) == TOMORROW
        if latest(world).stage is not Stage.ON_HOLD:
            with pytest.raises(PutOff):
                world.issue()
        assert held(world) == Held(TOMORROW, "demo")
    return stages


def test_a_power_cut_while_it_is_taken_back_loses_no_day(tmp_path: Path, fresh_authority: Path) -> None:
    """The clerk has said it once it is durable, which is the second commit."""
    written_at = int(world_in(tmp_path / "left", fresh_authority, Stage.WRITTEN).directory.name)

    def written(name: Path) -> World:
        world = new_world(tmp_path / name, fresh_authority)
        assert cut_at(world, written_at)
        return world

    stages = stages_of_cuts(
        written, lambda world, station: hold("1", TOMORROW, station, world.persons("1"), "demo"), first=2
    )
    assert stages == [*[Stage.ROLLING_BACK] * (len(stages) - 1), Stage.ON_HOLD]


def test_a_power_cut_while_it_is_finished_loses_no_day(tmp_path: Path, fresh_authority: Path) -> None:
    paid_at = int(world_in(tmp_path / "left", fresh_authority, Stage.DELIVERED, is_paid=True).directory.name)

    def begun(name: Path) -> World:
        world = new_world(tmp_path / name, fresh_authority)
        assert cut_at(world, paid_at, is_before=True)
        put_off_without_counting(world)
        return world

    stages = stages_of_cuts(begun, lambda world, station: world.issue(station=station), first=1)
    assert stages == [*[Stage.ROLLING_BACK] * (len(stages) - 1), Stage.ON_HOLD]


def test_what_was_taken_back_is_opened_anew_and_put_off_at_once(tmp_path: Path, fresh_authority: Path) -> None:
    """No cut leaves an application that begins, where the clerk has said that it is put off."""

    def taken_back(name: Path) -> World:
        world = new_world(tmp_path / name, fresh_authority)
        cut_at(world, 8)
        assert isinstance(abort(latest(world), world.station(), world.persons("1")), RolledBack)
        return world

    stages = stages_of_cuts(
        taken_back, lambda world, station: hold("1", TOMORROW, station, world.persons("1"), "demo"), first=1
    )
    assert stages == [Stage.ON_HOLD]


@pytest.mark.parametrize(("days", "is_put_off"), [(0, True), (1, False), (7, False)])
def test_a_kept_day_that_has_come_puts_nobody_off(
    tmp_path: Path, fresh_authority: Path, days: int, *, is_put_off: bool
) -> None:
    """Who comes himself before it is put off still, and a clerk takes him up; who comes on it or later files anew."""
    world = world_in(tmp_path, fresh_authority, Stage.DELIVERED, is_paid=True)
    put_off_without_counting(world)
    world.now += datetime.timedelta(days=days)
    assert kept_day(world) == (TOMORROW if is_put_off else None)
    with pytest.raises(RolledBack) as ended:
        world.issue()
    assert isinstance(ended.value, PutOff) is is_put_off
    assert latest(world).stage is (Stage.ON_HOLD if is_put_off else Stage.ROLLED_BACK)
    if is_put_off:
        resume("1", world.station())
    world.hand.insert(RESIDENT)
    check_rest(world, [world.issue()])


def test_what_was_paid_only_goes_forward(tmp_path: Path, fresh_authority: Path) -> None:
    world = world_in(tmp_path, fresh_authority, Stage.SETTLED, is_paid=True)
    with pytest.raises(NotAbortable):
        abort(latest(world), world.station(), world.persons("1"))


NUMBERS = {"change": "P-1", "unlock": "U-1", "revoke": "R-1"}


def assert_told(world: World, number: str, code: str) -> None:
    """The journal says last how the case ended, why, and who decided it."""
    last = bodies(world)[-1]
    told = (last["event"], last["by"], last["code"], last["operator"])
    assert told == (latest(world, number).stage, "clerk", code, "CN=Clerk")


@pytest.mark.parametrize("name", SERVICES)
def test_another_procedure_is_ended_before_it_did_anything(tmp_path: Path, issued: Issued, name: str) -> None:
    world = issued.world(tmp_path / "w")
    cutting = CuttingDatabase(open_database(world.database_url), 2, is_before=False)
    with pytest.raises(PowerCut):
        SERVICES[name](world, world.station(cutting), persons(world, "1"))
    with pytest.raises(NotHeld, match="for a certificate"):
        hold(NUMBERS[name], TOMORROW, world.station(), persons(world, "1"), "demo")
    ended = abort(latest(world, NUMBERS[name]), world.station(), persons(world, "1"), "CN=Clerk")
    assert isinstance(ended, RolledBack)
    assert ended.code == "K-CASE-010"
    assert_told(world, NUMBERS[name], "K-CASE-010")
    with pytest.raises(NotAbortable):
        abort(latest(world, NUMBERS[name]), world.station(), persons(world, "1"))
    assert not any(world.station().journal.unfinished_cases(procedure) for procedure in Procedure)


@pytest.mark.parametrize(("name", "ins"), [("change", 0x24), ("unlock", 0x2C)])
def test_what_only_the_owner_could_say_is_given_up_by_the_clerk(
    tmp_path: Path, issued: Issued, name: str, ins: int
) -> None:
    counted = issued.world(tmp_path / "counted")
    SERVICES[name](counted, counted.station(), persons(counted, "1"))
    number = [n for n, exchange in enumerate(counted.hand.cards[RESIDENT].log, 1) if exchange.ins == ins][-1]
    world = issued.world(tmp_path / "w")
    world.hand.cards[RESIDENT]._faults = parse_card_faults(f"pull@{number}")
    with pytest.raises(Halted):
        SERVICES[name](world, world.station(), persons(world, "1"))
    ended = abort(latest(world, NUMBERS[name]), world.station(), persons(world, "1"), "CN=Clerk")
    assert isinstance(ended, GivenUp)
    assert ended.code == "K-CASE-010"
    assert_told(world, NUMBERS[name], "K-CASE-010")
    assert latest(world, NUMBERS[name]).stage in (Stage.CHANGE_UNKNOWN, Stage.UNLOCK_UNKNOWN)


def test_a_revocation_under_way_at_the_authority_is_not_ended(tmp_path: Path, issued: Issued) -> None:
    class Silent(AuthorityClient):
        def revoke(self, der: bytes) -> None:
            super().revoke(der)
            raise AuthorityOutcomeUnknown("no answer")

    world = issued.world(tmp_path / "w")
    station = world.station()
    station.authority.__class__ = Silent
    with pytest.raises(Halted, match="K-CA-002"):
        SERVICES["revoke"](world, station, persons(world, "1"))
    with pytest.raises(NotAbortable, match="under way"):
        abort(latest(world, "R-1"), world.station(), persons(world, "1"))
    SERVICES["revoke"](world, world.station(), persons(world, "1"))
