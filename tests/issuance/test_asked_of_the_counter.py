"""What persons and the cash box are asked in a case, in their order, each with what they are told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.errors import LinkLost
from hw.ports import CashTrouble, DepositEnd, MachineMoney, PrintJob, PrintOutcome
from kiosk.authority.errors import AuthorityRejected
from kiosk.counter.clerk_key import load_clerk_key
from kiosk.issuance.abort import abort
from kiosk.issuance.failure import Halted, RolledBack, Suspect
from kiosk.issuance.persons import CannotTell, CardAction
from kiosk.issuance.settle import settle
from kiosk.journal.database import open_database
from kiosk.journal.records import CaseRecord
from kiosk.model.testimony import PaperSeen
from tests.counter_bench import RESIDENT, CuttingDatabase, PowerCut, World
from tests.issuance.otherwise import But, noting, raising, with_authority, with_clerk, with_printer
from tests.issuance.rest import bodies, check_rest, cut, new_world, step_of_commit

Notes = list[tuple[Any, ...]]
NOTHING_KNOWN = MachineMoney()


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


def case_of(world: World) -> CaseRecord:
    case = world.station().journal.latest_case("1")
    assert case is not None
    return case


def of_money(notes: Notes) -> Notes:
    """What was asked of money, but for a drawer that is looked at."""
    told = {"begin", "take_from_clerk", "end", "dispense", "close_payment", "left_over"}
    asked = {"count_payment", "repay", "give_change"} | told
    return [note for note in notes if note[0] in asked]


def test_in_a_whole_issuance(world: World) -> None:
    notes: Notes = []
    station, persons = noting(world, world.station(), notes)
    closed = world.issue(station=station, persons=persons)
    names = [name for name, *_ in notes if name not in ("deposit", "is_drawer_shut")]
    assert names == [
        *("card", "check_identity", "approve", "choose_password", "consent"),
        *("begin", "take_fee", "await_payment", "take_from_clerk", "fix", "end", "give_change", "close_payment"),
        "card",
    ]
    asked = {name: words for name, *words in notes}
    assert [words for name, *words in notes if name == "card"] == [[CardAction.INSERT], [CardAction.TAKE]]
    resident = station.register.find(RESIDENT)
    assert resident is not None
    for question in (asked["check_identity"][0], asked["approve"][0]):
        assert (question.application_number, question.register_items, question.form_items) == (
            "1",
            resident.items,
            resident.items,
        )
        assert (question.differences, question.certified_items.name) == ((), resident.items.name)
    (summary,) = asked["consent"]
    assert (summary.name, summary.not_after, summary.fee_yen) == (resident.items.name, closed.valid_until, 500)
    case = case_of(world).pseudonym
    assert (asked["begin"], asked["take_fee"][0]) == ([500, case], 500)
    assert (asked["end"], asked["give_change"], asked["close_payment"]) == ([DepositEnd.CHANGE], [500], [case])


def test_when_a_paid_fee_is_given_back(world: World) -> None:
    """What was settled is known: nobody counts."""
    notes: Notes = []
    refusing = with_authority(world, lambda _: {"confirm": raising(AuthorityRejected("badRequest", "no"))})
    station, persons = noting(world, refusing, notes)
    with pytest.raises(RolledBack):
        world.issue(station=station, persons=persons)
    case = case_of(world).pseudonym
    assert of_money(notes) == [
        ("begin", 500, case),
        ("take_from_clerk", 1000),
        ("end", DepositEnd.CHANGE),
        ("give_change", 500),
        ("close_payment", case),
        ("dispense", 500),
        ("repay", 500),
        ("close_payment", case),
    ]
    assert notes[-1] == ("card", CardAction.TAKE)


def test_when_a_clerk_ends_a_case_whose_payment_was_interrupted(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "done"), is_before=True)
    notes: Notes = []
    station, persons = noting(world, world.station(), notes)
    assert isinstance(abort(case_of(world), station, persons), RolledBack)
    case = case_of(world).pseudonym
    assert of_money(notes) == [
        ("left_over", case),
        ("count_payment", 500, NOTHING_KNOWN),
        ("dispense", 500),
        ("repay", 500),
        ("close_payment", case),
    ]


def test_when_nothing_of_an_interrupted_payment_lies_in_the_till(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "intended"), is_before=False)
    notes: Notes = []
    station, persons = noting(world, world.station(), notes)
    assert isinstance(abort(case_of(world), station, persons), RolledBack)
    case = case_of(world).pseudonym
    asked = [("left_over", case), ("count_payment", 500, NOTHING_KNOWN), ("close_payment", case)]
    assert of_money(notes) == asked


@pytest.mark.parametrize(("is_given", "rest_yen"), [(False, 500), (True, 0)])
def test_when_a_refund_was_interrupted(world: World, *, is_given: bool, rest_yen: int) -> None:
    """What lies in the till now is what is still to be given back; the refund is told as a whole."""
    refuses = {"confirm": raising(AuthorityRejected("badRequest", "no"))}
    intended, done = 20, 21
    database = CuttingDatabase(open_database(world.database_url), done if is_given else intended, is_before=is_given)
    with pytest.raises(PowerCut):
        world.issue(station=replace(with_authority(world, lambda _: refuses), journal=world.station(database).journal))
    assert bodies(world)[-1]["event"] == "intended" and bodies(world)[-1]["step"] == "refund"
    world.hand.insert(RESIDENT)
    notes: Notes = []
    station, persons = noting(world, world.station(), notes)
    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue(station=station, persons=persons)
    case = case_of(world).pseudonym
    given = [("dispense", rest_yen), ("repay", rest_yen)] if rest_yen else []
    counted = [("left_over", case), ("count_payment", 500, NOTHING_KNOWN)]
    assert of_money(notes) == [*counted, *given, ("close_payment", case)]
    assert [one["yen"] for one in bodies(world) if (one["event"], one.get("step")) == ("done", "refund")] == [500]
    check_rest(world, [])


def settled_by_two(world: World, whole: Path, authority: Path) -> None:
    """A case whose payment one clerk could not tell of, and two clerks say that 500 yen of it lie in the till."""
    cut(world, step_of_commit(whole, authority, "fee", "done"), is_before=True)
    with pytest.raises(Suspect):
        world.issue(persons=with_clerk(world, count_payment=raising(CannotTell())))
    keys = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in ("demo", "second")]
    settle(case_of(world), "500", world.station(), *keys)


def test_when_two_clerks_have_said_what_was_paid(world: World, tmp_path: Path, fresh_authority: Path) -> None:
    """No one clerk says it otherwise; once money moves again it is no longer true."""
    settled_by_two(world, tmp_path / "whole", fresh_authority)
    notes: Notes = []
    station, persons = noting(world, world.station(), notes)
    failing = But(station.cash, is_drawer_shut=raising(LinkLost("gone")))
    assert isinstance(abort(case_of(world), replace(station, cash=failing), persons), Halted)
    assert of_money(notes) == [("left_over", case_of(world).pseudonym), ("dispense", 500)]
    notes.clear()
    assert isinstance(abort(case_of(world), station, persons), RolledBack)
    case = case_of(world).pseudonym
    assert of_money(notes) == [
        ("left_over", case),
        ("count_payment", 500, NOTHING_KNOWN),
        ("dispense", 500),
        ("repay", 500),
        ("close_payment", case),
    ]
    check_rest(world, [])


def test_when_a_payment_is_gone_on_with(world: World, tmp_path: Path, fresh_authority: Path) -> None:
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "done"), is_before=True)
    world.hand.insert(RESIDENT)
    notes: Notes = []
    station, persons = noting(world, world.station(), notes)
    closed = world.issue(station=station, persons=persons)
    case = case_of(world).pseudonym
    assert of_money(notes) == [
        ("left_over", case),
        ("count_payment", 500, NOTHING_KNOWN),
        ("begin", 500, case),
        ("take_from_clerk", 500),
        ("end", DepositEnd.CHANGE),
        ("give_change", 0),
        ("close_payment", case),
    ]
    check_rest(world, [closed])


@pytest.mark.parametrize(("counted_yen", "times"), [(0, 1), (1, 1), (499, 1), (500, 0)])
def test_the_till_opens_again_only_for_a_certificate_that_can_still_become_valid(
    world: World, tmp_path: Path, fresh_authority: Path, counted_yen: int, times: int
) -> None:
    """Where all of it was found nothing is taken, and the way is forward in any case."""
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "done"), is_before=True)
    world.hand.insert(RESIDENT)
    looks: list[bytes] = []

    def counting(authority: Any) -> dict[str, object]:
        def status(certificate: bytes) -> object:
            looks.append(certificate)
            return authority.status(certificate)

        return {"status": status}

    counted = with_clerk(world, count_payment=lambda due_yen, known: counted_yen)
    world.issue(station=with_authority(world, counting), persons=counted)
    assert len(looks) == times


def test_when_nobody_sees_a_receipt(world: World) -> None:
    """The clerk is asked for each paper by its number, the original and three copies."""
    notes: Notes = []
    silent = with_printer(world, lambda printer: {"print": lambda job: _told_nothing(printer, job)})
    station, persons = noting(world, silent, notes)
    blind: Any = But(persons.clerk, look_at_paper=lambda number: notes.append(("looked", number)) or PaperSeen.NOTHING)
    with pytest.raises(Suspect):
        world.issue(station=station, persons=replace(persons, clerk=blind))
    assert [note for note in notes if note[0] == "looked"] == [("looked", 1)] * 4
    papers = [sheet.text for sheet in world.printer_core.sheets]
    assert [sum(title in text for text in papers) for title in ("手数料領収書", "領収書(写)")] == [1, 3]


def _told_nothing(printer: Any, job: PrintJob) -> PrintOutcome:
    printer.print(job)
    return PrintOutcome.SENT


def test_when_the_drawer_stays_shut(world: World) -> None:
    """The clerk hears it before he is to give money, each time."""
    notes: Notes = []
    refusing = with_authority(world, lambda _: {"confirm": raising(AuthorityRejected("badRequest", "no"))})
    shut: Any = But(refusing.cash, is_drawer_shut=lambda: True)
    station, persons = noting(world, replace(refusing, cash=shut), notes)
    with pytest.raises(RolledBack):
        world.issue(station=station, persons=persons)
    told = [note for note in notes if note[0] in ("mind_cash", "give_change", "repay")]
    mind = ("mind_cash", CashTrouble.DRAWER_SHUT)
    assert told == [mind, ("give_change", 500), mind, ("repay", 500)]
