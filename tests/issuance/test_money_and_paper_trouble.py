"""What goes otherwise with the fee and the receipt of one issuance, and what the payer has then."""

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.errors import TextDoesNotFit
from hw.ports import DepositEnd, MachineMoney, PrintOutcome, QrCode
from kiosk.authority.errors import AuthorityRejected
from kiosk.issuance.failure import (
    RolledBack,
    Suspect,
)
from kiosk.issuance.persons import Abandoned, OpenDeposit
from kiosk.journal.database import open_database
from kiosk.model.step import Actor, Undo
from kiosk.model.testimony import PaperSeen
from kiosk.model.transition import Stage
from tests.counter_bench import OTHER_RESIDENT, RESIDENT, CuttingDatabase, PowerCut, World
from tests.issuance.otherwise import But, raising, with_authority, with_clerk, with_printer
from tests.issuance.rest import check_rest, cut, new_world, step_of_commit


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


def test_what_was_paid_before_an_interruption_counts_and_only_the_rest_is_asked_for(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "intended"), is_before=False)
    world.till.put("1", 200)
    clerk = world.persons("1").clerk
    due: list[int] = []

    def take_fee(due_yen: int, deposit: OpenDeposit) -> int:
        due.append(due_yen)
        return clerk.take_fee(due_yen)

    closed = world.issue(persons=with_clerk(world, take_fee=take_fee))
    assert due == [300]
    check_rest(world, [closed])


def test_coins_are_taken_until_the_fee_is_complete(world: World) -> None:
    due: list[int] = []

    def take_fee(due_yen: int, deposit: OpenDeposit) -> int:
        due.append(due_yen)
        world.till.put("1", 200)
        return 200

    closed = world.issue(persons=with_clerk(world, take_fee=take_fee))
    assert due == [500, 300, 100]
    check_rest(world, [closed])


def test_who_cannot_count_an_interrupted_payment_gives_nothing_back(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "intended"), is_before=False)
    clerk = world.persons("1").clerk
    tries = itertools.count()

    def count_payment(due_yen: int, known: MachineMoney) -> int:
        if not next(tries):
            raise Abandoned(Actor.CLERK, "left")
        return clerk.count_payment(due_yen, known)

    repaid: list[int] = []
    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue(persons=with_clerk(world, count_payment=count_payment, repay=repaid.append))
    assert repaid == []
    check_rest(world, [])


@pytest.mark.parametrize(("margin_min", "opens"), [(24 * 60, True), (24 * 60 + 1, False)])
def test_the_till_opens_only_with_enough_time_left_to_confirm(world: World, margin_min: int, opens: bool) -> None:
    station = world.station()
    deadlines = replace(station.policy.deadlines, fee_margin_min=margin_min)
    hurried = replace(station, policy=replace(station.policy, deadlines=deadlines))
    if opens:
        check_rest(world, [world.issue(station=hurried)])
    else:
        with pytest.raises(RolledBack, match="K-CA-005"):
            world.issue(station=hurried)
        check_rest(world, [])


def test_a_fee_is_given_back_when_the_authority_does_not_confirm(world: World) -> None:
    refuses = {"confirm": raising(AuthorityRejected("badRequest", "no"))}
    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue(station=with_authority(world, lambda _: refuses))
    assert world.till.total_yen() == 0
    check_rest(world, [])


def test_a_proof_that_does_not_fit_the_paper_is_left_off(world: World) -> None:
    def is_narrow(printer: Any) -> dict[str, object]:
        def render(paper: Any, job_id: str) -> object:
            if any(isinstance(line, QrCode) for line in paper):
                raise TextDoesNotFit("a QR code")
            return printer.render(paper, job_id)

        return {"render": render}

    check_rest(world, [world.issue(station=with_printer(world, is_narrow))])


@pytest.mark.parametrize(
    ("outcomes", "seen", "copies"),
    [
        ([PrintOutcome.UNKNOWN], [PaperSeen.WHOLE], 0),
        ([PrintOutcome.UNKNOWN, PrintOutcome.CONFIRMED], [PaperSeen.PARTLY], 1),
        ([PrintOutcome.UNKNOWN] * 2, [PaperSeen.NOTHING, PaperSeen.WHOLE], 1),
        ([PrintOutcome.UNKNOWN] * 3, [PaperSeen.NOTHING, PaperSeen.PARTLY, PaperSeen.WHOLE], 2),
    ],
)
def test_a_paper_that_only_a_person_can_see_is_looked_at_and_every_further_print_is_a_copy(
    world: World, outcomes: list[PrintOutcome], seen: list[PaperSeen], copies: int
) -> None:
    told, looks = iter(outcomes), iter(seen)

    def does_not_tell(printer: Any) -> dict[str, object]:
        def print_and_tell(job: Any) -> PrintOutcome:
            outcome: PrintOutcome = printer.print(job)
            # What cuts off a part of an earlier print is no receipt, and nobody is asked about it.
            return next(told) if job.preview.strip() else outcome

        return {"print": print_and_tell}

    numbers: list[int] = []

    def look_at_paper(number: int) -> PaperSeen:
        numbers.append(number)
        return next(looks)

    closed = world.issue(
        station=with_printer(world, does_not_tell), persons=with_clerk(world, look_at_paper=look_at_paper)
    )
    assert set(numbers) == {closed.receipt_number}
    assert sum("手数料領収書" in sheet.text for sheet in world.printer_core.sheets) == 1
    assert sum("領収書(写)" in sheet.text for sheet in world.printer_core.sheets) == copies
    check_rest(world, [closed])


def test_a_printer_whose_papers_nobody_finds_is_not_fed_without_end(world: World) -> None:
    def does_not_tell(printer: Any) -> dict[str, object]:
        def print_unseen(job: Any) -> PrintOutcome:
            printer.print(job)
            return PrintOutcome.UNKNOWN

        return {"print": print_unseen}

    nothing = with_clerk(world, look_at_paper=lambda number: PaperSeen.NOTHING)
    with pytest.raises(Suspect, match="K-CASE-007"):
        world.issue(station=with_printer(world, does_not_tell), persons=nothing)
    assert sum("領収書(写)" in sheet.text for sheet in world.printer_core.sheets) == 3


@pytest.mark.thorough
def test_a_power_cut_at_every_commit_of_a_withdrawal_is_resumed_and_money_comes_back_once(
    tmp_path: Path, fresh_authority: Path
) -> None:
    """The authority does not confirm what was paid for: refund, revocation and erasure, each cut before and after."""
    refuses = {"confirm": raising(AuthorityRejected("badRequest", "no"))}
    reached: set[str] = set()
    for cut_at, is_before in itertools.product(range(14, 60), (True, False)):
        world = new_world(tmp_path / f"{cut_at}-{is_before}", fresh_authority)
        database = CuttingDatabase(open_database(world.database_url), cut_at, is_before=is_before)
        station = replace(with_authority(world, lambda _: refuses), journal=world.station(database).journal)
        try:
            world.issue(station=station)
        except PowerCut:
            case = world.station().journal.latest_case("1")
            assert case is not None
            if case.stage is Stage.ROLLING_BACK:
                world.hand.insert(RESIDENT)
                reached |= {undo for undo in Undo if world.station().journal.effect(case, undo)}
            with pytest.raises(RolledBack):
                world.issue(station=with_authority(world, lambda _: refuses))
            check_rest(world, [])
        except RolledBack:
            break
    assert reached == set(Undo)


def test_what_an_interrupted_print_left_hanging_is_no_head_of_the_next_receipt(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "receipt", "intended")
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, commit, is_before=False)
    world.printer_core.feed(b"half a receipt\n")
    second = world.issue("2", OTHER_RESIDENT)
    papers = [sheet.text for sheet in world.printer_core.sheets]
    (its_own,) = (text for text in papers if f"No. {second.receipt_number:06d}" in text)
    assert "half a" not in its_own and any("half a" in text for text in papers)
    check_rest(world, [world.issue("1"), second])


def test_change_that_a_machine_gave_out_itself_stands_on_the_receipt(world: World) -> None:
    station = world.station()

    def end(how: DepositEnd) -> int:
        station.cash.end(how)
        return 0  # nothing is left for the clerk to hand back

    handed: list[int] = []
    persons = with_clerk(world, give_change=handed.append)
    world.issue(station=replace(station, cash=But(station.cash, end=end)), persons=persons)
    assert handed == [0]
    (receipt,) = (sheet.text for sheet in world.printer_core.sheets if "手数料領収書" in sheet.text)
    assert re.search(r"お預り +¥1,000", receipt) and re.search(r"お釣り +¥500", receipt)
