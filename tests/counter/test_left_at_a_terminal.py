"""What was left at a terminal is decided and settled by clerks at their own station, and by nobody else."""

import dataclasses
import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hw.errors import Refused
from hw.ports import MachineMoney
from kiosk.application_file import ClerkTable
from kiosk.authority.credential import load_credential
from kiosk.authority.embedded.directory import add_station
from kiosk.counter.clerk_key import ClerkKeyFile, load_clerk_key, operator_of, signed_by_two
from kiosk.counter.remote_clerk import (
    RemoteClerk,
    RemoteDecisions,
    RemoteTwoClerks,
)
from kiosk.counter.till import Till
from kiosk.issuance.decide import carry_out
from kiosk.issuance.failure import Suspect
from kiosk.issuance.persons import (
    CannotTell,
    PaperSeen,
)
from kiosk.issuance.settle import NotSuspect, settle_elsewhere
from kiosk.journal.records import CaseElsewhere, CaseRecord
from kiosk.model.decision import CarriedOut, Choice, DecisionKind
from kiosk.model.step import Step, Undo
from kiosk.model.testimony import Finding, Testimony, TestimonyInvalid, TestimonyTerms
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedClerk
from tests.counter.two_stations import TwoStations, issue_at_terminal, two_stations
from tests.issuance.rest import bodies, check_rest, cut, new_world, step_of_commit
from tests.stores import Store


class Unsure(PlayedClerk):
    """Saw nothing."""

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        raise CannotTell

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        raise CannotTell


@pytest.mark.parametrize("step", ["fee", "receipt"])
def test_two_clerks_at_their_station_settle_what_nobody_can_tell_at_a_terminal(
    tmp_path: Path, fresh_authority: Path, store: Store, step: str
) -> None:
    world = new_world(tmp_path / "w", fresh_authority, store)
    town = two_stations(world, Unsure(ClerkTable(tendered_yen=1000), "1", world.till))
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, step, "done"), is_before=True)
    with town.attended(town.desk()):
        remote = town.remote()
        with pytest.raises(Suspect):
            issue_at_terminal(town, remote)
        station = town.terminal(remote)
        (waiting,) = station.journal.suspect_cases()
        # The clerk's station knows of it what is no secret.
        (told,) = town.desk().journal.cases_elsewhere()
        assert (told.station, told.number, told.stage, told.code) == ("demo", "1", waiting.stage, "K-CASE-007")
        settled = settle_elsewhere(waiting, station)
        assert not settled.stage.is_suspect
        closed = issue_at_terminal(town, remote)
        with pytest.raises(NotSuspect):
            settle_elsewhere(settled, station)
        with pytest.raises(Refused, match="nobody has to settle"):
            RemoteTwoClerks(remote).testify(waiting.pseudonym, MachineMoney())
    check_rest(world, [closed])
    if step == "fee":
        # It went in before this station ended, and nobody had noted it.
        assert Till(town.desk().journal).balances() == {("demo", "1"): 500}
    clerks = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in ("demo", "second")]
    (said,) = [body for body in bodies(world) if body["event"] == "witnessed"]
    assert said["operators"].split() == [operator_of(clerk.certificate) for clerk in clerks]


@pytest.fixture
def waiting(tmp_path: Path, fresh_authority: Path) -> tuple[TwoStations, CaseRecord]:
    """A case of the terminal that waits for two clerks because of its fee."""
    world = new_world(tmp_path / "suspect", fresh_authority)
    town = two_stations(world)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "done"), is_before=True)
    unsure = Unsure(ClerkTable(), "1", world.till)
    with pytest.raises(Suspect):
        world.issue(persons=replace(world.persons("1"), clerk=unsure))
    return town, world.station().journal.suspect_cases()[0]


TOMORROW = datetime.date(2026, 4, 2)


class Decides:
    """A clerk who chooses this about the first case that he is shown, once."""

    def __init__(self, kind: DecisionKind, until: datetime.date | None = None, case: str = "") -> None:
        self.made = (kind, until, case)
        self.shown: list[CaseElsewhere] = []
        self.told: list[CarriedOut] = []

    def decide(self, cases: Sequence[CaseElsewhere]) -> Choice:
        self.shown += cases
        kind, until, case = self.made
        return Choice(case or cases[0].pseudonym, kind, until)

    def carried_out(self, carried_out: CarriedOut) -> None:
        self.told.append(carried_out)


@pytest.fixture
def left(tmp_path: Path, fresh_authority: Path, store: Store) -> tuple[TwoStations, CaseRecord]:
    """A case of the terminal that was interrupted with a pending certificate."""
    world = new_world(tmp_path / "left", fresh_authority, store)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "certify", "done"), is_before=False)
    (record,) = world.station().journal.unfinished_cases()
    return two_stations(world), record


def test_the_clerk_at_his_station_ends_what_was_left_at_a_terminal(left: tuple[TwoStations, CaseRecord]) -> None:
    town, record = left
    decides = Decides(DecisionKind.ABORT)
    with town.attended(replace(town.desk(), decisions=lambda _: decides)):
        remote = town.remote()
        decisions, station = RemoteDecisions(remote), town.terminal(remote)
        decision = decisions.decide([record.pseudonym], {record.pseudonym: TOMORROW})
        decisions.tell(carry_out(decision, station, town.persons(remote)))
    clerk = load_clerk_key(town.world.authority_directory / "clerks" / "demo.pem")
    assert (decision.clerk, decision.operator) == (clerk.name, operator_of(clerk.certificate))
    assert decides.shown == [CaseElsewhere(record.pseudonym, "demo", "1", Stage.PENDING, until=TOMORROW)]
    assert decides.told == [CarriedOut(decision, True, "K-CASE-010")]
    town.world.hand.remove()
    check_rest(town.world, [])


@pytest.mark.parametrize(
    ("kind", "case"), [(DecisionKind.RESUME, ""), (DecisionKind.ABORT, "f" * 32), (DecisionKind.HOLD, "f" * 32)]
)
def test_nothing_is_decided_but_what_can_be_about_what_was_asked(
    left: tuple[TwoStations, CaseRecord], kind: DecisionKind, case: str
) -> None:
    town, record = left
    with (
        town.attended(replace(town.desk(), decisions=lambda _: Decides(kind, case=case))),
        pytest.raises(Refused, match="cannot be decided"),
    ):
        RemoteDecisions(town.remote()).decide([record.pseudonym], {})


def test_a_terminal_has_nothing_decided_about_what_is_not_left_or_not_its_own(
    left: tuple[TwoStations, CaseRecord],
) -> None:
    town, record = left
    closed = town.world.issue()
    decides = Decides(DecisionKind.ABORT)
    with town.attended(replace(town.desk(), decisions=lambda _: decides)):
        for wanted in ([record.pseudonym], ["f" * 32], []):
            with pytest.raises(Refused, match="nothing can be decided"):
                RemoteDecisions(town.remote()).decide(wanted, {})
    assert decides.shown == []
    check_rest(town.world, [closed])


def test_where_nobody_decides_nothing_is_decided(left: tuple[TwoStations, CaseRecord]) -> None:
    town, record = left
    with town.attended(town.desk()), pytest.raises(Refused, match="nobody decides"):
        RemoteDecisions(town.remote()).decide([record.pseudonym], {})


@dataclasses.dataclass(frozen=True)
class Finds:
    """Two clerks who say this."""

    finding: Finding

    def look(self, question: object, known: MachineMoney) -> Finding:
        return self.finding


@pytest.mark.parametrize(
    ("finding", "error", "reason"),
    [
        (Finding("500", "demo"), TestimonyInvalid, "one clerk twice"),
        (Finding("500", "nobody"), Refused, "no key"),
        (Finding("whole", "second"), Refused, "no answer"),
    ],
)
def test_a_terminal_takes_the_word_of_two_clerks_alone(
    waiting: tuple[TwoStations, CaseRecord], finding: Finding, error: type[Exception], reason: str
) -> None:
    town, record = waiting

    def key_of(name: str) -> ClerkKeyFile:
        try:
            return load_clerk_key(town.world.authority_directory / "clerks" / f"{name}.pem")
        except ValueError as missing:
            raise Refused("no key of his") from missing

    with town.attended(replace(town.desk(), witnesses=lambda *_: Finds(finding), key_of=key_of)):
        station = town.terminal(town.remote())
        with pytest.raises(error, match=reason):
            settle_elsewhere(record, station)
        assert station.journal.suspect_cases() != []


def test_a_word_about_another_case_or_question_settles_nothing(waiting: tuple[TwoStations, CaseRecord]) -> None:
    """Whatever the clerk's station sends."""
    town, record = waiting
    clerks = [load_clerk_key(town.world.authority_directory / "clerks" / f"{name}.pem") for name in ("demo", "second")]
    true = TestimonyTerms(record.pseudonym, "demo", Step.FEE, "500", bytes(16), town.world.now)
    for changes in ({"case": "f" * 32}, {"station": "annex"}, {"question": Undo.REFUND}):
        signed = signed_by_two(replace(true, **changes), clerks[0], clerks[1])

        class Says:
            """Has just this to say."""

            def testify(self, _: str, known: MachineMoney, signed: Testimony = signed) -> Testimony:
                return signed

        station = town.world.station(two_clerks=Says())
        with pytest.raises(TestimonyInvalid, match="another case"):
            settle_elsewhere(record, station)
        assert len(station.journal.suspect_cases()) == 1


def test_the_drawer_is_said_to_hold_what_was_found_but_for_the_coins_in_the_terminals_machine(
    waiting: tuple[TwoStations, CaseRecord],
) -> None:
    town, record = waiting
    till = Till(town.desk().journal)
    for known, drawer_yen in ((MachineMoney(coins_yen=300), 200), (MachineMoney(), 500)):
        with town.attended(town.desk()):
            RemoteTwoClerks(town.remote()).testify(record.pseudonym, known)
            assert till.balances()["demo", "1"] == drawer_yen
            for again in (MachineMoney(), known):
                RemoteClerk(town.remote(), record.number).count_payment(500, again)
                assert till.balances()["demo", "1"] == 500 - again.coins_yen


def test_nothing_is_signed_about_a_case_of_another_terminal(waiting: tuple[TwoStations, CaseRecord]) -> None:
    town, record = waiting
    second = town.world.authority_directory
    credential = load_credential(add_station(second, town.world.authority, "annex"))
    town.credentials["annex"] = credential
    with town.attended(town.desk()):
        annex = RemoteTwoClerks(replace(town.remote(), line=town.line("annex")))
        for case in (record.pseudonym, "f" * 32):
            with pytest.raises(Refused, match="another station's"):
                annex.testify(case, MachineMoney())
