"""The protocol by which anything is done to the world: what is durable when, what is asked, what is told, by whom."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hw.errors import CardAbsent, LinkLost, OutcomeUnknown
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityUnreachable, CertificateUnacceptable
from kiosk.issuance.effect import Case, Effect, Note, World, intent_in, outcome_in
from kiosk.issuance.failure import LeftUnseen, Refusal
from kiosk.issuance.persons import CannotTell
from kiosk.issuance.report import Phase, StepReport
from kiosk.journal.chain import read_heads
from kiosk.journal.database import open_database
from kiosk.journal.records import EffectState
from kiosk.model.step import Actor, Step, Undo
from kiosk.model.transition import Event, Stage
from tests.journal.filled_journal import open_journal
from tests.journal.walked_case import walk

CONFIRM = Effect(Step.CONFIRM, str, str)
FEE = Effect(Step.FEE, str, str, signs_head=True, yen=len, intended_yen=lambda intent: 10 * len(intent))
REFUND = Effect(Undo.REFUND, str, str)
TAKE_CARD = Note(Step.TAKE_CARD, str)
TICK_S = 0.25


@dataclass
class Bench:
    """One case, and what is told and asked about it."""

    path: Path
    stage: Stage
    reports: list[StepReport] = field(default_factory=list)
    calls: list[tuple[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = open_journal(self.path)
        record = walk(self.journal, self.journal.open_case("1", b"{}"), self.stage)
        ticks, exchanges = itertools.count(), itertools.count(step=3)
        self.case = Case(
            record, self.journal, self.reports.append, lambda: next(exchanges), lambda: 100 + TICK_S * next(ticks)
        )
        self._before = self.journal.size()

    def run(self, effect: Effect[str, str], performed: object, found: object = None, intent: str = "intent") -> str:
        """Runs it; the world answers `performed` when it is done and `found` when it is asked, or raises it."""

        def call(name: str, answer: object) -> Callable[..., Any]:
            def do(*asked: object) -> object:
                self.calls.append((name, *asked))
                if isinstance(answer, Exception):
                    raise answer
                return answer

            return do

        return self.case.run(
            effect, prepare=call("prepare", intent), perform=call("perform", performed), inquire=call("inquire", found)
        )

    def told(self) -> list[dict[str, Any]]:
        """What the journal says since the case stood ready, but for what every entry says."""
        common = {"at", "seq", "station", "case", "commitment"}
        entries = [json.loads(entry.body) for entry in self.journal.entries()][self._before :]
        return [{key: value for key, value in entry.items() if key not in common} for entry in entries]

    def state(self, step: Step | Undo) -> EffectState:
        known = self.journal.effect(self.case.record, step)
        assert known is not None
        return known.state


@pytest.fixture
def bench(tmp_path: Path) -> Callable[[Stage], Bench]:
    return lambda stage: Bench(tmp_path / "kiosk.db", stage)


def told_begun(step: Step, actor: Actor) -> StepReport:
    return StepReport(step, actor, Phase.BEGUN, 0.0, 0, False)


def told_done(step: Step, actor: Actor, *, was_resumed: bool = False) -> StepReport:
    return StepReport(step, actor, Phase.DONE, TICK_S * 1000, 3, was_resumed)


def test_intent_then_effect_then_outcome_and_never_again(bench: Callable[[Stage], Bench], tmp_path: Path) -> None:
    at = bench(Stage.DELIVERED)
    assert at.run(FEE, "paid!", intent="50") == "paid!"
    assert at.calls == [("prepare",), ("perform", "50")]
    assert at.told() == [
        {"event": "intended", "step": "fee", "yen": 20},
        {"event": "done", "step": "fee", "yen": 5},
    ]
    assert [head.head.size for head in read_heads(open_database(tmp_path / "kiosk.db"))] == [at.journal.size()]
    assert at.reports == [told_begun(Step.FEE, Actor.RESIDENT), told_done(Step.FEE, Actor.RESIDENT)]
    assert (at.case.outcome_of(FEE), at.case.intent_of(FEE), at.case.record.stage) == ("paid!", "50", Stage.SETTLED)
    assert not at.case.is_open(Step.FEE) and at.case.was_begun(Step.FEE)
    at.calls.clear()
    at.reports.clear()
    assert at.run(FEE, "again") == "paid!"
    assert (at.calls, len(at.told())) == ([], 2)
    assert at.reports == [StepReport(Step.FEE, Actor.RESIDENT, Phase.DONE, 0.0, 0, True)]


def test_an_effect_without_money_or_head_tells_none(bench: Callable[[Stage], Bench], tmp_path: Path) -> None:
    at = bench(Stage.SETTLED)
    at.run(CONFIRM, "valid")
    assert at.told() == [{"event": "intended", "step": "confirm"}, {"event": "done", "step": "confirm"}]
    assert read_heads(open_database(tmp_path / "kiosk.db")) == []


@pytest.mark.parametrize(
    ("trouble", "code"), [(CardAbsent("gone"), "K-CARD-002"), (AuthorityUnreachable("away"), "K-CA-001")]
)
def test_what_certainly_did_not_happen_has_failed_and_is_done_anew(
    bench: Callable[[Stage], Bench], trouble: Exception, code: str
) -> None:
    at = bench(Stage.SETTLED)
    with pytest.raises(type(trouble)):
        at.run(CONFIRM, trouble)
    assert at.told()[1:] == [{"event": "failed", "step": "confirm", "code": code}]
    assert (at.state(Step.CONFIRM), at.case.is_open(Step.CONFIRM)) == (EffectState.FAILED, False)
    assert (at.case.intent_of(CONFIRM), at.case.last_intent_of(CONFIRM)) == (None, "intent")
    assert at.reports == [told_begun(Step.CONFIRM, Actor.AUTHORITY)]
    at.calls.clear()
    assert at.run(CONFIRM, "valid", intent="anew") == "valid"
    assert at.calls == [("prepare",), ("perform", "anew")], "nobody has to be asked"


def test_trouble_before_the_intent_is_recorded_without_one(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.SETTLED)

    def prepare() -> str:
        raise CardAbsent("gone")

    with pytest.raises(CardAbsent):
        at.case.run(CONFIRM, prepare=prepare, perform=lambda _: "", inquire=lambda _: "")
    assert at.told() == [{"event": "failed", "step": "confirm", "code": "K-CARD-002"}]
    assert not at.case.was_begun(Step.CONFIRM)


UNKNOWN = (
    (OutcomeUnknown("?"), "K-DEVICE-002"),
    (LinkLost("?"), "K-DEVICE-001"),
    (AuthorityOutcomeUnknown("?"), "K-CA-002"),
    (CertificateUnacceptable(b"", "?"), "K-CA-004"),
    (LeftUnseen(Actor.CLERK, "?"), "K-CASE-002"),
    (CannotTell(), "K-CASE-007"),
)


@pytest.mark.parametrize(("trouble", "code"), UNKNOWN, ids=lambda one: type(one).__name__)
def test_what_may_have_happened_is_asked_of_the_world(
    bench: Callable[[Stage], Bench], trouble: Exception, code: str
) -> None:
    at = bench(Stage.SETTLED)
    with pytest.raises(type(trouble)):
        at.run(CONFIRM, trouble)
    assert at.told()[1:] == [{"event": "unknown", "step": "confirm", "code": code}]
    assert at.case.is_open(Step.CONFIRM)
    assert at.case.intent_of(CONFIRM) == "intent"
    at.calls.clear()
    # A question that finds no answer leaves unknown what was, also when it certainly was not sent itself.
    with pytest.raises(AuthorityUnreachable):
        at.run(CONFIRM, "valid", AuthorityUnreachable("away"))
    assert at.told()[2:] == [{"event": "unknown", "step": "confirm", "code": "K-CA-001"}]
    at.reports.clear()
    assert at.run(CONFIRM, "valid", "has been") == "has been"
    assert at.calls == [("inquire", "intent")] * 2
    assert at.told()[3:] == [{"auto": True, "event": "done", "step": "confirm"}]
    assert at.reports[-1] == told_done(Step.CONFIRM, Actor.AUTHORITY, was_resumed=True)


def test_what_has_not_happened_is_done_with_the_same_intent(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.SETTLED)
    with pytest.raises(OutcomeUnknown):
        at.run(CONFIRM, OutcomeUnknown("?"))
    at.calls.clear()
    with pytest.raises(CardAbsent):
        at.run(CONFIRM, CardAbsent("gone"), World.NOT_HAPPENED, intent="another")
    # The world has said what became of it, and this attempt certainly did nothing.
    assert at.told()[2:] == [{"event": "failed", "step": "confirm", "code": "K-CARD-002"}]
    assert at.calls == [("inquire", "intent"), ("perform", "intent")]
    with pytest.raises(OutcomeUnknown):
        at.run(CONFIRM, OutcomeUnknown("?"), intent="another")
    at.calls.clear()
    at.reports.clear()
    assert at.run(CONFIRM, "valid", World.NOT_HAPPENED) == "valid"
    assert at.calls == [("inquire", "another"), ("perform", "another")]
    assert at.told()[-1] == {"event": "done", "step": "confirm"}, "done now, and not found out"
    assert at.reports == [told_begun(Step.CONFIRM, Actor.AUTHORITY), told_done(Step.CONFIRM, Actor.AUTHORITY)]


def test_what_a_person_answers_about_money_is_no_finding_of_the_software(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.DELIVERED)
    with pytest.raises(OutcomeUnknown):
        at.run(FEE, OutcomeUnknown("?"))
    assert at.run(FEE, "", "counted") == "counted"
    assert at.told()[-1] == {"event": "done", "step": "fee", "yen": 7}
    assert at.reports[-1] == told_done(Step.FEE, Actor.RESIDENT, was_resumed=True)


def test_what_is_taken_back_is_told_in_the_journal_and_to_nobody_who_watches(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.ROLLING_BACK)
    assert at.run(REFUND, "given back") == "given back"
    assert at.run(REFUND, "again") == "given back"
    assert at.told() == [{"event": "intended", "step": "refund"}, {"event": "done", "step": "refund"}]
    assert at.reports == []


def test_a_note_records_its_outcome_alone(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.CONFIRMED)

    def gone() -> str:
        raise OutcomeUnknown("?")

    with pytest.raises(OutcomeUnknown):
        at.case.note(TAKE_CARD, gone)
    # It changes nothing, so nothing is unknown.
    assert at.told() == [{"event": "failed", "step": "take_card", "code": "K-DEVICE-002"}]
    at.reports.clear()
    assert at.case.note(TAKE_CARD, lambda: "taken") == "taken"
    assert at.told()[1:] == [{"event": "done", "step": "take_card"}]
    assert at.reports == [told_begun(Step.TAKE_CARD, Actor.RESIDENT), told_done(Step.TAKE_CARD, Actor.RESIDENT)]
    assert at.case.note(TAKE_CARD, gone) == "taken"
    assert at.reports[2:] == [StepReport(Step.TAKE_CARD, Actor.RESIDENT, Phase.DONE, 0.0, 0, True)]


def test_whom_a_step_finds_and_which_card_is_kept_beside_the_case(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.OPENED)
    at.case.note(Note(Step.APPLICATION, str), lambda: "filed")
    at.case.note(Note(Step.IDENTITY_CHECK, str), lambda: "identified", person=lambda outcome: f"p-{outcome}")
    assert at.told()[-1] == {"event": "done", "step": "identity_check", "beside": "person"}
    assert at.case.record.person == "p-identified"


def test_what_happens_to_a_case_is_told_with_code_actor_and_clerk(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.FILED)
    at.case.move(Event.ROLL_BACK, "K-CASE-010", Actor.CLERK, "CN=Clerk")
    at.case.move(Event.END, "K-CASE-010")
    assert at.told() == [
        {"event": "rolling_back", "by": "clerk", "code": "K-CASE-010", "operator": "CN=Clerk"},
        {"event": "rolled_back", "by": "station", "code": "K-CASE-010"},
    ]
    assert at.case.record.stage is Stage.ROLLED_BACK


def test_a_rule_that_stands_against_a_case_is_told_by_its_code(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.FILED)
    refused = at.case.refuse("E01")
    assert isinstance(refused, Refusal) and refused.code == "E01"
    assert at.told() == [{"event": "refused", "by": "station", "code": "E01"}]


def test_who_cannot_tell_is_named_when_two_have_to_say(bench: Callable[[Stage], Bench]) -> None:
    at = bench(Stage.DELIVERED)
    suspect = at.case.suspect("K-CASE-007", Actor.CLERK, "CN=Clerk")
    assert suspect.code == "K-CASE-007"
    assert at.told() == [{"event": "fee_suspect", "by": "clerk", "code": "K-CASE-007", "operator": "CN=Clerk"}]


def test_a_step_that_was_never_begun_has_neither_intent_nor_outcome() -> None:
    assert (intent_in(None, CONFIRM), outcome_in(None, CONFIRM)) == (None, None)
