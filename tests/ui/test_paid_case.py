"""Who has paid is never told that it cost nothing, wherever the case was interrupted, and nobody can stop it."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hw.ports import MachineMoney
from kiosk.application_file import ClerkTable
from kiosk.authority.embedded.directory import DEMO_NAME, SECOND_CLERK
from kiosk.books import StationBooks
from kiosk.counter.clerk_key import load_clerk_key
from kiosk.issuance.failure import Halted, Suspect
from kiosk.issuance.persons import Abandoned, DeliverySummary, Exemption, IdentityQuestion, Persons
from kiosk.issuance.report import Phase, StepReport
from kiosk.issuance.settle import settle
from kiosk.model.application import Application
from kiosk.model.step import Actor, Step, position_of
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedClerk
from kiosk.ui.bell import Bell
from kiosk.ui.books import LeftCase
from kiosk.ui.case import OpenCase
from kiosk.ui.clerk.left import stage_text
from kiosk.ui.ending import Finished, Money, Outcome, Trouble
from kiosk.ui.persons import Approval, ClerkAnswered, Consent, PaymentCount, Repayment, Unsure
from kiosk.ui.resident.flow import _view
from kiosk.ui.resident.wait import Waiting
from kiosk.ui.words import load_words
from tests.counter_bench import World
from tests.issuance.rest import bodies, check_rest, commits_of_an_issuance, cut, new_world
from tests.ui.scripted_counter import NOW, resident


@dataclass
class Watched:
    """A case as the seats see it, and what could be said of it at every step from the fee on."""

    case: OpenCase = field(default_factory=lambda: OpenCase(Application("1", ""), resident(0), Bell()))
    seen: list[tuple[bool, Money]] = field(default_factory=list)

    def __call__(self, report: StepReport) -> None:
        self.case.take(report)
        if Step.FEE in self.case.done:
            self.seen.append((self.case.can_stop, self.case.money))


def paid_cuts(directory: Path, authority: Path) -> list[World]:
    """Every issuance whose process died after the fee was journaled."""
    worlds = []
    for cut_at in range(1, commits_of_an_issuance(directory / "count", authority) + 1):
        world = new_world(directory / str(cut_at), authority)
        cut(world, cut_at, is_before=False)
        if any((entry.get("step"), entry["event"]) == ("fee", "done") for entry in bodies(world)):
            worlds.append(world)
    return worlds


def test_a_paid_case_is_paid_and_cannot_be_stopped_wherever_it_was_cut(tmp_path: Path, fresh_authority: Path) -> None:
    worlds = paid_cuts(tmp_path, fresh_authority)
    assert len(worlds) > len(Step) - list(Step).index(Step.FEE)
    for world in worlds:
        watched = Watched()
        closed = world.issue(report=watched)
        watched.case.take(Finished(closed))
        assert watched.seen and set(watched.seen) == {(False, Money.TAKEN)}


def left_in(world: World) -> LeftCase | None:
    """The case that was left, as the clerk's list has it."""
    station = world.station()
    left = StationBooks(station.journal, station.register).left_cases(station.today())
    return left[0] if left else None


def test_whose_money_lies_in_the_till_is_not_said_to_owe_the_fee_still(
    tmp_path: Path, fresh_authority: Path, locale: Path
) -> None:
    words, told = load_words("ja", locale), set()
    for cut_at in range(3, commits_of_an_issuance(tmp_path / "count", fresh_authority) + 1):
        for is_before in (True, False):
            world = new_world(tmp_path / f"{cut_at}{is_before}", fresh_authority)
            cut(world, cut_at, is_before=is_before)
            left = left_in(world)
            if left is None or not world.till.total_yen():
                continue
            told.add(stage_text(words, left))
            case = OpenCase(Application("1", ""), resident(0), Bell(), world.station().journal.reached("1"))
            assert case.position == position_of(Step.FEE), "neither bar nor desk falls back"
            if left.stage == Stage.DELIVERED:
                told.add(stage_text(words, settled_by_two(world)))
    assert not any("まだ" in one for one in told)
    assert told >= {
        "交付した。手数料は 受け取りの途中",
        "交付した。手数料は 2人で 確かめた",
        "手数料を 受け取った",
    }


def settled_by_two(world: World) -> LeftCase:
    """The clerk could not tell whether the money was this resident's, and two have said so."""
    unsure = PlayedClerk(ClerkTable(tendered_yen=1000, cannot_tell=True), "1", world.till)
    with pytest.raises(Suspect):
        world.issue(persons=replace(world.persons("1"), clerk=unsure))
    keys = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in (DEMO_NAME, SECOND_CLERK)]
    station = world.station()
    (suspect,) = station.journal.suspect_cases()
    settle(suspect, "500", station, *keys)
    left = left_in(world)
    assert left is not None
    return left


def test_a_case_that_goes_on_does_not_fall_back_to_its_first_step(tmp_path: Path, fresh_authority: Path) -> None:
    for world in paid_cuts(tmp_path, fresh_authority):
        watched = Watched()

        def report(told: StepReport, watched: Watched = watched) -> None:
            watched(told)
            assert isinstance(told.step, Step) and watched.case.position >= position_of(told.step)

        world.issue(report=report)


@pytest.mark.parametrize("is_elsewhere", [False, True])
@pytest.mark.parametrize(
    ("counted", "told"),
    [(0, Money.UNTOUCHED), (1000, Money.RETURNED), (Unsure.CANNOT_TELL, Money.RETURNED)],
)
def test_nobody_is_told_that_he_got_back_what_was_not_there(counted: object, told: Money, is_elsewhere: bool) -> None:
    """After an interruption the clerk counts; the case is taken back then, and what was there given back."""
    case = OpenCase(Application("1", ""), resident(0), Bell())
    question = PaymentCount(500, MachineMoney())
    case.take(question)
    if is_elsewhere:
        case.take(ClerkAnswered(question, counted))
    else:
        assert case.answer(question, counted)
    case.take(Trouble(Outcome.ROLLED_BACK, "K-CASE-002", None))
    assert case.money is told


@pytest.mark.parametrize("is_told_by", ["clerk", "consent", "clerk elsewhere"])
def test_who_is_exempted_is_told_nothing_of_money(is_told_by: str) -> None:
    case = OpenCase(Application("1", ""), resident(0), Bell())
    items = resident(0).items
    approval = Approval(IdentityQuestion("1", items, items, ()))
    if is_told_by == "consent":
        case.take(Consent(DeliverySummary(items.name, NOW, 0, items.name)))
    elif is_told_by == "clerk":
        case.take(approval)
        assert case.answer(approval, Exemption("disaster", "second"))
    else:
        case.take(ClerkAnswered(approval, Exemption("disaster", "second")))
    case.take(StepReport(Step.FEE, Actor.RESIDENT, Phase.BEGUN))
    assert _view(case) is Waiting.WORK, "nobody tells him to pay"
    case.take(StepReport(Step.FEE, Actor.RESIDENT, Phase.DONE))
    assert not case.can_stop
    case.take(Trouble(Outcome.ROLLED_BACK, "K-CA-005", False))
    assert case.money is Money.UNTOUCHED, "nothing is given back that was not taken"


class GoneHome:
    """Resident or clerk, who answers nothing any more."""

    def __getattr__(self, name: str) -> object:
        def leave(*_: object) -> None:
            raise Abandoned(Actor.RESIDENT, name)

        return leave


def test_whoever_stops_a_paid_case_all_the_same_is_not_told_to_begin_anew(
    tmp_path: Path, fresh_authority: Path
) -> None:
    gone: Any = GoneHome()
    halted = 0
    for world in paid_cuts(tmp_path, fresh_authority):
        watched = Watched()
        try:
            world.issue(report=watched, persons=Persons(gone, gone))
        except Halted as ended:
            halted += 1
            assert ended.code == "K-CASE-012"
            watched.case.take(Trouble(Outcome.HALTED, ended.code, False))
            is_confirmed = Step.CONFIRM in watched.case.done
            assert watched.case.money is (Money.TAKEN if is_confirmed else Money.BEING_CHECKED)
        check_rest(world, [world.issue()])
    assert halted


def test_what_is_given_back_was_taken_though_the_case_came_in_half_way() -> None:
    case = OpenCase(Application("1", ""), resident(0), Bell())
    case.take(Repayment(500))
    assert not case.can_stop
    case.take(Trouble(Outcome.ROLLED_BACK, "K-CA-005", False))
    assert case.money is Money.RETURNED
