"""A resident whom two clerks exempt from the fee: nobody asks him for money, and the journal says who they were."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kiosk.application_file import ClerkTable
from kiosk.books import StationBooks
from kiosk.counter.clerk_key import load_clerk_key, operator_of, signed_by_two
from kiosk.issuance.failure import RolledBack
from kiosk.issuance.persons import CLERK_ALONE, Exemption, IdentityQuestion, OpenDeposit
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.model.policy import ExemptionGround, FeeRules
from kiosk.model.step import Step
from kiosk.model.testimony import Testimony, TestimonyTerms
from kiosk.played_persons import PlayedClerk
from kiosk.ui.books import JournalQuery
from tests.counter_bench import OTHER_RESIDENT, CuttingDatabase, PowerCut, World
from tests.issuance.otherwise import revoke_clerk
from tests.issuance.rest import bodies, check_rest, commits_of_an_issuance, issued, new_world, step_of_commit
from tests.sweep import sweep

GROUNDS = (ExemptionGround("disaster", "災害による減免"), ExemptionGround("office_error", "町の誤りのため"))

BY_TWO = Exemption("disaster", "second")


@dataclass(frozen=True)
class Exempting(PlayedClerk):
    """A clerk who exempts from the fee, and is asked for no money then."""

    exemption: Exemption = BY_TWO

    def approve(self, question: IdentityQuestion) -> Exemption | None:
        assert question.exemptions == GROUNDS
        return self.exemption

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        raise AssertionError(f"{due_yen} yen are asked for")


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


def with_grounds(world: World, database: CuttingDatabase | None = None, **changes: Any) -> Station:
    station = world.station(database, **changes)
    return replace(station, policy=replace(station.policy, fee=FeeRules(500, GROUNDS)))


def exempt(world: World, station: Station, exemption: Exemption = BY_TWO) -> Any:
    clerk = Exempting(ClerkTable(), "1", world.till, exemption=exemption)
    return world.issue(station=station, persons=replace(world.persons("1"), clerk=clerk))


def clerks_of(world: World) -> list[str]:
    keys = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in ("demo", "second")]
    return [operator_of(key.certificate) for key in keys]


def test_nothing_is_paid_and_the_journal_says_on_which_ground_and_by_whom(world: World) -> None:
    closed = exempt(world, with_grounds(world))
    assert world.till.total_yen() == 0
    (fee,) = [body for body in bodies(world) if body.get("step") == "fee" and body["event"] == "done"]
    assert (fee["yen"], fee["exempted"], fee["operators"].split()) == (0, True, clerks_of(world))
    assert not [body for body in bodies(world) if "disaster" in str(body)], "the ground is his own business"
    (sheet,) = [sheet.text for sheet in world.printer_core.sheets]
    assert "手数料は免除しました。" in sheet and "¥0" in sheet and "災害" not in sheet and "領収しました" not in sheet
    assert closed.receipt_number == 1
    station = world.station()
    books = StationBooks(station.journal, station.register)
    takings = books.takings(station.today(), 0)
    assert (takings.issued, takings.exempted, takings.due_yen) == (1, 1, 0)
    lines = books.journal(JournalQuery()).lines
    (fee,) = [line for line in lines if line.is_exempted]
    assert fee.step == "fee" and len(fee.operators.split()) == 2, "who has said so is read there"
    (number,) = [case.number for case in station.journal.cases()]
    assert {line.case for line in lines} - {""} == {number}


def test_whoever_pays_as_usual_reads_nothing_of_it(world: World) -> None:
    check_rest(world, [world.issue(station=with_grounds(world))])
    assert "免除" not in world.printer_core.sheets[0].text
    assert not [body for body in bodies(world) if "exempted" in body]


@pytest.mark.parametrize("is_before", sweep([True, False], suite=[1]))
def test_wherever_it_is_interrupted_it_stays_so(tmp_path: Path, fresh_authority: Path, is_before: bool) -> None:
    for cut_at in range(1, commits_of_an_issuance(tmp_path / "count", fresh_authority) + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        database = CuttingDatabase(open_database(world.database_url), cut_at, is_before=is_before)
        with pytest.raises(PowerCut):
            exempt(world, with_grounds(world, database))
        exempt(world, with_grounds(world))
        assert world.till.total_yen() == 0
        assert sum("exempted" in body for body in bodies(world)) == 1


@pytest.mark.parametrize(
    ("exemption", "reason"),
    [
        (Exemption("disaster", "demo"), "one clerk twice"),
        (Exemption("friendship", "second"), "on the ground 'friendship'"),
        (Exemption("No word", "second"), "'No word' is no answer"),
    ],
)
def test_what_the_policy_or_the_second_clerk_does_not_bear_out_is_taken_back_before_a_key_is_made(
    world: World, exemption: Exemption, reason: str
) -> None:
    with pytest.raises(RolledBack, match="K-CASE-006") as taken_back:
        exempt(world, with_grounds(world), exemption)
    assert reason in str(taken_back.value.__cause__)
    assert ("generate_key", "intended") not in [(body.get("step"), body["event"]) for body in bodies(world)]
    assert issued(world) == []


def test_a_second_clerk_whose_certificate_is_revoked_exempts_nobody(world: World) -> None:
    revoke_clerk(world, load_clerk_key(world.authority_directory / "clerks" / "second.pem"))
    with pytest.raises(RolledBack, match="K-CASE-006"):
        exempt(world, with_grounds(world))
    assert ("generate_key", "intended") not in [(body.get("step"), body["event"]) for body in bodies(world)]
    assert not [body for body in bodies(world) if "exempted" in body] and world.till.total_yen() == 0


def before_the_fee(world: World, directory: Path, authority: Path) -> None:
    """The process of an exempted resident dies before the fee."""
    commit = step_of_commit(directory, authority, "fee", "intended")
    database = CuttingDatabase(open_database(world.database_url), commit, is_before=True)
    with pytest.raises(PowerCut):
        exempt(world, with_grounds(world, database))


def test_a_ground_that_is_taken_out_of_the_policy_before_the_fee_is_one_no_more(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    before_the_fee(world, tmp_path / "whole", fresh_authority)
    with pytest.raises(RolledBack, match="K-CASE-006"):
        exempt(world, world.station())
    assert world.till.total_yen() == 0


def test_a_second_clerk_who_is_revoked_before_the_fee_exempts_nobody(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    before_the_fee(world, tmp_path / "whole", fresh_authority)
    revoke_clerk(world, load_clerk_key(world.authority_directory / "clerks" / "second.pem"))
    with pytest.raises(RolledBack, match="K-CASE-006"):
        exempt(world, with_grounds(world))
    assert world.till.total_yen() == 0


@pytest.mark.parametrize(
    "changes", [{}, {"case": "f" * 32}, {"station": "annex"}, {"question": Step.FEE, "answer": "0"}]
)
def test_what_two_clerks_said_of_something_else_exempts_nobody(world: World, changes: dict[str, Any]) -> None:
    class SaysOtherwise:
        """Two clerks at a station of their own, with a word on this or on something else."""

        def exempt(self, pseudonym: str) -> Testimony:
            keys = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in ("demo", "second")]
            said = TestimonyTerms(pseudonym, "demo", Step.AUTHORISE, "disaster", bytes(16), world.now)
            return signed_by_two(replace(said, **changes), *keys)

    station = with_grounds(world, two_clerks=SaysOtherwise())
    if not changes:
        assert exempt(world, station).receipt_number == 1
        return
    with pytest.raises(RolledBack, match="K-CASE-006"):
        exempt(world, station)
    assert issued(world) == []


def test_without_a_ground_in_the_policy_or_without_a_fee_nobody_is_asked(world: World) -> None:
    asked = list[IdentityQuestion]()

    class Noting(PlayedClerk):
        def approve(self, question: IdentityQuestion) -> Exemption | None:
            asked.append(question)
            return super().approve(question)

    def clerk(number: str) -> Noting:
        return Noting(ClerkTable(tendered_yen=500, exemption="disaster"), number, world.till)

    station = world.station()
    free = replace(station, policy=replace(station.policy, fee=FeeRules(0, GROUNDS)))
    world.issue(station=free, persons=replace(world.persons("1"), clerk=clerk("1")))
    # As it is delivered: no ordinance is known.
    world.issue("2", OTHER_RESIDENT, persons=replace(world.persons("2", OTHER_RESIDENT), clerk=clerk("2")))
    assert [question.exemptions for question in asked] == [(), ()]
    assert world.till.total_yen() == 500
