"""An issuance that was interrupted: resumed, finished or taken back, on the same day or another."""

import contextlib
import datetime
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hw.ports import MachineMoney
from kiosk.application_file import ClerkTable
from kiosk.issuance.abort import abort
from kiosk.issuance.effect import outcome_in
from kiosk.issuance.failure import Halted, Refusal, RolledBack
from kiosk.issuance.persons import CLERK_ALONE, OpenDeposit
from kiosk.issuance.station import Station
from kiosk.issuance.steps import TAKE_CARD, CardTaken
from kiosk.journal.database import open_database
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.model.application import Delivery
from kiosk.model.certificate import CertificateState
from kiosk.model.step import Step
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedClerk
from tests.counter_bench import (
    OTHER_RESIDENT,
    RESIDENT,
    CuttingDatabase,
    PowerCut,
    World,
)
from tests.issuance.otherwise import noting_whose
from tests.issuance.rest import (
    Leaves,
    bodies,
    check_rest,
    commits_of_an_issuance,
    cut,
    issued,
    new_world,
    revocation_of,
    step_of_commit,
    unreachable,
)
from tests.sweep import EVERY_NTH, sweep


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path, fresh_authority)


@EVERY_NTH
@pytest.mark.parametrize("delivery", sweep(Delivery, suite=[0]))
def test_a_power_cut_at_every_commit_is_resumed_to_a_clean_end(
    tmp_path: Path, fresh_authority: Path, delivery: Delivery, nth: int
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority, delivery)
    assert commits <= 32
    for cut_at in range(1, commits + 1, nth):
        for is_before in (True, False):
            world = new_world(tmp_path / f"{cut_at}-{is_before}", fresh_authority, delivery=delivery)
            cut(world, cut_at, is_before=is_before)
            closed = world.issue()
            check_rest(world, [closed])


def test_an_issuance_that_is_gone_on_with_is_opened_for_just_its_resident(world: World) -> None:
    asked = list[str]()
    station = noting_whose(world.station(), asked)
    closed = [world.issue(station=station) for _ in range(2)]
    assert (asked, closed[0].serial) == ([RESIDENT], closed[1].serial)


@pytest.mark.parametrize("delivery", sweep(Delivery, suite=[1]))
def test_a_power_cut_at_every_commit_is_taken_back_or_finished_on_another_day(
    tmp_path: Path, fresh_authority: Path, delivery: Delivery
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority, delivery)
    for cut_at in range(1, commits + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority, delivery=delivery)
        cut(world, cut_at, is_before=False)
        world.now += datetime.timedelta(hours=25)
        closed = []
        try:
            closed.append(world.issue())
        except RolledBack as rolled_back:
            assert rolled_back.code in ("K-CASE-001", "K-CA-005")
        check_rest(world, closed)


@EVERY_NTH
def test_a_store_of_an_earlier_day_takes_nothing_back_that_the_world_has_finished(
    tmp_path: Path, fresh_authority: Path, nth: int
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(1, commits + 1, nth):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=False)
        shutil.copy(world.directory / "kiosk.db", world.directory / "yesterday.db")
        closed = world.issue()
        shutil.copy(world.directory / "yesterday.db", world.directory / "kiosk.db")
        before = world.hand.memories[RESIDENT].read().files
        with contextlib.suppress(Halted, RolledBack, Refusal):
            world.issue()
        station = world.station()
        if any(entry.get("step") == "certify" for entry in bodies(world)):
            assert station.authority.status(closed.certificate).state is CertificateState.GOOD
            assert world.hand.memories[RESIDENT].read().files == before
        assert world.till.total_yen() == 500


def test_a_clerk_takes_nothing_back_that_a_store_of_an_earlier_day_has_not_seen_finished(
    tmp_path: Path, fresh_authority: Path
) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "read_back", "done"), is_before=False)
    shutil.copy(world.directory / "kiosk.db", world.directory / "yesterday.db")
    closed = world.issue()
    shutil.copy(world.directory / "yesterday.db", world.directory / "kiosk.db")
    station = world.station()
    (record,) = station.journal.unfinished_cases()
    with pytest.raises(Halted, match="K-STORE-001"):
        abort(record, station, world.persons("1"))
    assert station.authority.status(closed.certificate).state is CertificateState.GOOD
    assert world.till.total_yen() == 500


def test_a_store_of_an_earlier_day_is_found_out_before_a_key_is_made(world: World) -> None:
    """Else the next receipt would get a number that another one has already."""
    world.issue("1")
    stored = world.directory / "kiosk.db"
    shutil.copy(stored, world.directory / "yesterday.db")
    world.station().authority.revoke(revocation_of(issued(world)[0][1], world))
    world.issue("2")
    shutil.copy(world.directory / "yesterday.db", stored)
    with pytest.raises(Halted, match="K-STORE-001"):
        world.issue("3", OTHER_RESIDENT)
    assert world.hand.memories[OTHER_RESIDENT].read().keys == {}
    assert sum("No. 0000" in sheet.text for sheet in world.printer_core.sheets) == 2


def test_a_journal_begun_afresh_is_not_taken_for_one_of_an_earlier_day(world: World) -> None:
    first = world.issue("1")
    (world.directory / "kiosk.db").unlink()
    station = world.station()
    key = HeadKey(bytes(31) + b"1")
    database = open_database(world.database_url)
    other = Journal(database, "demo", StationKey(bytes(32)), station.clock, head_key=key)
    closed = world.issue("2", OTHER_RESIDENT, station=replace(station, journal=other))
    assert closed.receipt_number == first.receipt_number == 1


@pytest.mark.parametrize("clock_days", [-400, 365 * 6])
def test_a_paid_case_is_finished_whatever_the_clock_says_of_the_clerks_certificate(
    tmp_path: Path, fresh_authority: Path, clock_days: int
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(commits - 4, commits + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=False)
        world.now += datetime.timedelta(days=clock_days)
        assert world.issue().receipt_number == 1
        assert not any(entry["event"] == "not_admitted" for entry in bodies(world))


@EVERY_NTH
def test_the_fee_of_the_day_on_which_it_was_asked_for_is_the_one_that_counts(
    tmp_path: Path, fresh_authority: Path, nth: int
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(1, commits + 1, nth):
        for hours in (0, 25):
            world = new_world(tmp_path / f"{cut_at}-{hours}", fresh_authority)
            cut(world, cut_at, is_before=True)
            asked = any((entry.get("step"), entry["event"]) == ("fee", "intended") for entry in bodies(world))
            world.now += datetime.timedelta(hours=hours)
            station = world.station()
            dearer = replace(station.policy, fee=replace(station.policy.fee, issue_yen=700))
            try:
                world.issue(station=replace(station, policy=dearer))
            except RolledBack:
                assert world.till.total_yen() == 0
            else:
                assert world.till.total_yen() == (500 if asked else 700)


@pytest.mark.parametrize("is_before", sweep([True, False], suite=[0]))
def test_where_nothing_is_charged_nobody_is_asked_for_money_wherever_it_is_interrupted(
    tmp_path: Path, fresh_authority: Path, is_before: bool
) -> None:
    class NoMoney(PlayedClerk):
        def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
            raise AssertionError(f"{due_yen} yen are asked for")

        def count_payment(self, due_yen: int, known: MachineMoney) -> int:
            raise AssertionError("money is looked for")

        def repay(self, amount_yen: int) -> None:
            raise AssertionError(f"{amount_yen} yen are given back")

    def free(world: World, database: CuttingDatabase | None = None) -> Station:
        station = world.station(database)
        return replace(station, policy=replace(station.policy, fee=replace(station.policy.fee, issue_yen=0)))

    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(1, commits + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        persons = replace(world.persons("1"), clerk=NoMoney(ClerkTable(), "1", world.till))
        database = CuttingDatabase(open_database(world.database_url), cut_at, is_before=is_before)
        with pytest.raises(PowerCut):
            world.issue(station=free(world, database), persons=persons)
        if cut_at % 2:
            assert world.issue(station=free(world), persons=persons).receipt_number == 1
        else:
            world.now += datetime.timedelta(hours=25)
            with contextlib.suppress(RolledBack):
                world.issue(station=free(world), persons=persons)
        assert world.till.total_yen() == 0
        assert not [body for body in bodies(world) if body["event"] == "not_admitted"]


def test_a_card_that_lies_at_the_window_after_the_confirmation_is_not_taken_for_returned(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(commits - 4, commits + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=False)
        if world.slot.is_card_present():
            world.hand.remove()
            world.window_hand.insert(RESIDENT)
            check_rest(world, [world.issue()])
            record = next(iter(world.station().journal.cases()))
            taken = outcome_in(world.station().journal.effect(record, Step.TAKE_CARD), TAKE_CARD)
            assert taken == CardTaken("clerk")


def test_a_second_power_cut_during_the_resumption_is_survived_too(tmp_path: Path, fresh_authority: Path) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(2, commits + 1, 3):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        for again_at in (cut_at, 2, 1):
            cutting = CuttingDatabase(open_database(world.database_url), again_at, is_before=True)
            try:
                world.issue(station=world.station(cutting))
            except PowerCut:
                world.now += datetime.timedelta(seconds=1)
        check_rest(world, [world.issue()])


def test_a_case_keeps_its_delivery_when_the_office_changes_it_meanwhile(tmp_path: Path, fresh_authority: Path) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority, Delivery.WINDOW)
    for cut_at in range(2, commits, 2):
        world = new_world(tmp_path / str(cut_at), fresh_authority, delivery=Delivery.WINDOW)
        cut(world, cut_at, is_before=False)
        world.delivery = Delivery.TERMINAL
        check_rest(world, [world.issue()])


@EVERY_NTH
def test_a_card_that_lies_in_the_other_reader_at_the_resumption_is_found_or_asked_for(
    tmp_path: Path, fresh_authority: Path, nth: int
) -> None:
    for delivery in Delivery:
        commits = commits_of_an_issuance(tmp_path / f"count-{delivery}", fresh_authority, delivery)
        for cut_at in range(3, commits + 1, nth):
            world = new_world(tmp_path / f"{delivery}-{cut_at}", fresh_authority, delivery=delivery)
            cut(world, cut_at, is_before=True)
            is_in_terminal = world.slot.is_card_present()
            for hand in (world.hand, world.window_hand):
                hand.remove()
            (world.window_hand if is_in_terminal else world.hand).insert(RESIDENT)
            closed = world.issue()
            for hand in (world.hand, world.window_hand):
                hand.remove()
            check_rest(world, [closed])


def test_another_card_at_the_resumption_is_refused_and_nothing_stays_valid(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(4, commits + 1, 2):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=True)
        world.hand.insert(OTHER_RESIDENT)
        closed = []
        try:
            # Once the certificate is proven to be in its card, the case needs no card any more.
            closed.append(world.issue())
        except RolledBack as rolled_back:
            assert rolled_back.code == "K-CARD-001"
        world.hand.remove()
        check_rest(world, closed)


def test_a_resumption_after_the_clerks_leave_expired_needs_a_new_one(world: World) -> None:
    cut(world, 5, is_before=False)
    world.now += datetime.timedelta(hours=1)
    with pytest.raises(RolledBack, match="K-CASE-001"):
        world.issue()
    check_rest(world, [world.issue()])


def test_no_key_is_made_on_a_leave_from_before_the_computer_was_started_anew(
    tmp_path: Path, fresh_authority: Path
) -> None:
    whole = new_world(tmp_path / "whole", fresh_authority)
    whole.issue()
    entries = [json.loads(entry.body) for entry in whole.station().journal.entries()]
    authorised = next(n for n, entry in enumerate(entries, 1) if entry.get("step") == "authorise")
    key_ready = next(n for n, e in enumerate(entries, 1) if (e.get("step"), e["event"]) == ("generate_key", "done"))
    for cut_at in (authorised, key_ready - 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=False)
        world.boot = b"another boot id "
        with pytest.raises(RolledBack, match="K-CASE-001"):
            world.issue()
        check_rest(world, [world.issue()])
    world = new_world(tmp_path / "made", fresh_authority)
    with pytest.raises(PowerCut):
        world.issue(
            station=world.station(CuttingDatabase(open_database(world.database_url), key_ready, is_before=False))
        )
    world.boot = b"another boot id "
    check_rest(world, [world.issue()])


def test_the_card_of_a_halted_case_is_not_taken_for_the_next_applicants(world: World) -> None:
    world.printer_core.set_paper("end")
    with pytest.raises(Halted):
        world.issue("1")
    world.hand.insert(RESIDENT)
    with pytest.raises(Refusal, match="E18"):
        world.issue("2", OTHER_RESIDENT)
    world.printer_core.set_paper("ok")
    check_rest(world, [world.issue("1"), world.issue("3", OTHER_RESIDENT)])


def test_a_resumed_roll_back_touches_no_other_card(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    finished = world.issue("1", OTHER_RESIDENT)
    world.hand.insert(RESIDENT)
    leaving = Leaves(world, "consent")
    entries = len(list(world.station().journal.entries()))
    for cut_at in range(1, 60):
        database = CuttingDatabase(open_database(world.database_url), cut_at, is_before=True)
        try:
            world.issue("2", station=world.station(database), persons=replace(world.persons("2"), resident=leaving))
        except PowerCut:
            last = world.station().journal.latest_case("2")
            if last is not None and last.stage is Stage.ROLLING_BACK:
                break
    assert len(list(world.station().journal.entries())) > entries
    world.hand.insert(OTHER_RESIDENT)
    with pytest.raises(RolledBack):
        world.issue("2")
    world.hand.remove()
    check_rest(world, [finished])


def test_a_printer_that_cannot_be_asked_does_not_make_a_second_original(tmp_path: Path, fresh_authority: Path) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "receipt", "done")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=True)
    world.printer_core.set_paper("end")
    with pytest.raises(Halted):
        world.issue()
    world.printer_core.set_paper("ok")
    check_rest(world, [world.issue()])


def test_an_authority_that_cannot_be_asked_leaves_nothing_pending_in_the_end(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "certify", "done")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=True)
    station = world.station()
    with pytest.raises(Halted, match="K-CA-001"):
        world.issue(station=replace(station, authority=unreachable(station)))
    with pytest.raises(RolledBack):
        world.issue()
    check_rest(world, [world.issue()])


def test_who_stops_while_his_payment_is_counted_gets_it_back(tmp_path: Path, fresh_authority: Path) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "fee", "done")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=True)

    class Stops(Leaves):
        has_stopped = False

        def _leave(self, *given: object) -> object:
            if self.has_stopped:
                return self._persons.clerk.count_payment(500, MachineMoney())
            self.has_stopped = True
            return super()._leave(*given)

    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue(persons=replace(world.persons("1"), clerk=Stops(world, "count_payment")))
    check_rest(world, [])


def test_a_case_of_another_day_begins_again_with_the_identity_check(tmp_path: Path, fresh_authority: Path) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "write", "intended")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=True)
    world.now += datetime.timedelta(hours=20)
    with pytest.raises(RolledBack, match="K-CASE-001"):
        world.issue()
    check_rest(world, [world.issue()])


def test_a_paid_case_goes_on_though_another_open_case_has_read_its_card(world: World) -> None:
    world.printer_core.set_paper("end")
    with pytest.raises(Halted):
        world.issue("1")
    world.printer_core.set_paper("ok")
    world.hand.insert(RESIDENT)
    database = CuttingDatabase(open_database(world.database_url), 2, is_before=False)
    with pytest.raises(PowerCut):
        world.issue("2", OTHER_RESIDENT, station=world.station(database))
    first = world.issue("1")
    world.hand.remove()
    with pytest.raises(Refusal, match="E06"):
        world.issue("2", OTHER_RESIDENT)
    check_rest(world, [first])
