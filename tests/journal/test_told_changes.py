"""Each change of a case is one entry that tells exactly this of it, and what is given back is what is stored."""

import json
from collections.abc import Callable

import pytest

from kiosk.journal.database import open_database
from kiosk.journal.journal import Journal, told_stage
from kiosk.journal.records import CaseRecord, EffectState, NumberedReceipt
from kiosk.journal.seal import StationKey
from kiosk.model.step import Actor, RevocationStep, Step, Undo
from kiosk.model.transition import SUSPECT, Cell, Event, Stage, TransitionRefused
from tests.journal.filled_journal import HEAD_KEY, START, STATION_KEY
from tests.journal.walked_case import open_for, walk
from tests.stores import Store

PLACE = ("seq", "station", "at", "head_key")


@pytest.fixture
def journal(store: Store) -> Journal:
    """A station's journal in an empty store."""
    return Journal(open_database(store.url), "demo", StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)


def told(journal: Journal) -> dict[str, object]:
    """The facts of the newest entry, but for its place; a commitment is there, and random."""
    *_, newest = journal.entries()
    facts = {name: fact for name, fact in json.loads(newest.body).items() if name not in PLACE}
    if "commitment" in facts:
        facts["commitment"] = len(str(facts["commitment"]))
    return facts


def opened(journal: Journal, stage: Stage, number: str = "7") -> CaseRecord:
    return walk(journal, open_for(journal, number, stage, b"application"), stage, b"record")


def same_as_stored(journal: Journal, case: CaseRecord) -> bool:
    (stored,) = [one for one in journal.cases() if one.pseudonym == case.pseudonym]
    return (case.number, case.person, case.stage, case.code) == (
        stored.number,
        stored.person,
        stored.stage,
        stored.code,
    )


@pytest.mark.parametrize("yen", [None, 0, 500])
def test_an_intent_tells_of_money_only_what_was_found(journal: Journal, yen: int | None) -> None:
    case = opened(journal, Stage.DELIVERED)
    journal.intend(case, Step.FEE, b"intent", yen=yen)
    money = {} if yen is None else {"yen": yen}
    expected = {"event": "intended", "case": case.pseudonym, "step": "fee", "commitment": 64}
    assert told(journal) == expected | money


@pytest.mark.parametrize("yen", [None, 0, 500])
@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize(
    ("person", "card", "beside"),
    [(None, None, {}), ("p", None, {"beside": "person"}), (None, "c", {"beside": "card"})],
)
def test_an_outcome(
    journal: Journal, person: str | None, card: str | None, beside: dict[str, str], resumed: bool, yen: int | None
) -> None:
    case = opened(journal, Stage.FILED)
    case = journal.complete(case, Step.IDENTITY_CHECK, b"outcome", person=person, card=card, yen=yen, resumed=resumed)
    expected = {"event": "done", "case": case.pseudonym, "step": "identity_check", "commitment": 64}
    auto = {"auto": True} if resumed else {}
    assert told(journal) == expected | auto | beside | ({} if yen is None else {"yen": yen})
    assert case.person == person and same_as_stored(journal, case)
    # Of a person who is known the case goes on being about him.
    later = journal.complete(case, Step.AUTHORISE, b"outcome")
    assert told(journal) == {"event": "done", "case": case.pseudonym, "step": "authorise", "commitment": 64}
    assert later.person == person and same_as_stored(journal, later)


@pytest.mark.parametrize("state", [EffectState.UNKNOWN, EffectState.FAILED])
def test_an_effect_that_was_left(journal: Journal, state: EffectState) -> None:
    case = opened(journal, Stage.DELIVERED)
    journal.intend(case, Step.FEE, b"intent")
    journal.leave(case, Step.FEE, state, "E07")
    assert told(journal) == {"event": state.value, "case": case.pseudonym, "step": "fee", "code": "E07"}


@pytest.mark.parametrize("step", list(SUSPECT))
def test_what_two_clerks_say_and_that_it_was_gone_on_upon(journal: Journal, step: Step | Undo) -> None:
    case = opened(journal, SUSPECT[step])
    assert case.code == "E01" and same_as_stored(journal, case)
    assert not journal.has_heard(bytes(16))
    case = journal.testify(case, step, b"testimony", ("sato", "suzuki"), bytes(16))
    assert journal.has_heard(bytes(16)) and not journal.has_heard(bytes(15) + b"1")
    assert case.code is None and same_as_stored(journal, case)
    said = {"event": "witnessed", "case": case.pseudonym, "step": step.value, "commitment": 64}
    assert told(journal) == {**said, "by": "two_clerks", "operators": "sato suzuki", "nonce": "00" * 16}
    effect = journal.effect(case, step)
    assert effect is not None and (effect.state, effect.testimony) == (EffectState.WITNESSED, b"testimony")
    for _ in range(2):
        journal.take_testimony(case, step)
        assert told(journal) == {"event": "unknown", "case": case.pseudonym, "step": step.value, "by": "two_clerks"}
    assert len([entry for entry in journal.entries() if '"event":"unknown"' in entry.body]) == 1
    effect = journal.effect(case, step)
    assert effect is not None and (effect.state, effect.testimony) == (EffectState.UNKNOWN, b"testimony")


def test_nothing_is_gone_on_upon_where_no_clerk_said_anything(journal: Journal) -> None:
    case = opened(journal, Stage.DELIVERED)
    before = told(journal)
    journal.take_testimony(case, Step.FEE)
    assert told(journal) == before
    journal.intend(case, Step.FEE, b"intent")
    journal.take_testimony(case, Step.FEE)
    assert told(journal)["event"] == "intended"


def test_two_clerks_who_looked_at_one_thing_say_nothing_of_another(journal: Journal) -> None:
    """Another process of the station has gone on meanwhile, and asks about the receipt now."""
    of_the_fee = opened(journal, SUSPECT[Step.FEE])
    case = journal.testify(of_the_fee, Step.FEE, b"testimony", ("sato", "suzuki"), bytes(16))
    journal.take_testimony(case, Step.FEE)
    journal.complete(case, Step.FEE, b"settled", yen=500)
    for step in (Step.CONFIRM, Step.TAKE_CARD):
        journal.complete(case, step, b"done")
    journal.intend(case, Step.RECEIPT, b"intent")
    journal.leave(case, Step.RECEIPT, EffectState.UNKNOWN, "E07")
    journal.move(case, Event.SUSPECT, Actor.CLERK, "E01")
    stale = refused(lambda: journal.testify(of_the_fee, Step.FEE, b"testimony", ("sato", "suzuki"), bytes(16)))
    assert stale == Cell(SUSPECT[Step.RECEIPT], Event.TESTIFY, Actor.TWO_CLERKS)
    assert told(journal)["event"] == "not_admitted"


@pytest.mark.parametrize("operator", [None, "sato"])
def test_what_is_no_step(journal: Journal, operator: str | None) -> None:
    case = opened(journal, Stage.FILED)
    case = journal.move(case, Event.REFUSE, Actor.STATION, "E02", operator)
    by = {} if operator is None else {"operator": operator}
    expected = {"event": "refused", "case": case.pseudonym, "by": "station", "code": "E02"}
    assert told(journal) == expected | by
    assert (case.stage, case.code) == (Stage.REFUSED, "E02") and same_as_stored(journal, case)


def refused(change: Callable[[], object]) -> Cell:
    with pytest.raises(TransitionRefused) as raised:
        change()
    return raised.value.cell


def test_an_attempt_that_is_not_admitted(journal: Journal) -> None:
    case = opened(journal, Stage.DELIVERED)
    cell = refused(lambda: journal.testify(case, Step.FEE, b"", ("sato", "suzuki"), bytes(16)))
    assert cell == Cell(Stage.DELIVERED, Event.TESTIFY, Actor.TWO_CLERKS)
    expected = {"event": "not_admitted", "case": case.pseudonym, "attempt": "testify", "by": "two_clerks"}
    assert told(journal) == expected
    assert same_as_stored(journal, case)


def test_an_attempt_that_another_process_was_faster_with(journal: Journal, store: Store) -> None:
    case = opened(journal, Stage.DELIVERED)
    assert journal.effect(case, Step.FEE) is None
    other = Journal(open_database(store.url), "demo", StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)
    other.intend(case, Step.FEE, b"intent")
    cell = refused(lambda: journal.intend(case, Step.FEE, b"intent"))
    assert cell == Cell(Stage.DELIVERED, Step.FEE, Actor.RESIDENT)
    expected = {"event": "not_admitted", "case": case.pseudonym, "attempt": "fee", "by": "resident"}
    assert told(journal) == expected


def test_a_receipt_is_found_with_its_number_and_its_proof(journal: Journal, store: Store) -> None:
    cases = [opened(journal, Stage.RETURNED, number) for number in ("1", "2")]
    receipts = [journal.number_receipt(case) for case in cases]
    assert told(journal) == {"event": "numbered", "case": cases[1].pseudonym, "receipt": 2}
    for number, (case, receipt) in enumerate(zip(cases, receipts, strict=True), start=1):
        found = journal.numbered(number)
        assert found is not None and (found[0].pseudonym, found[1]) == (case.pseudonym, receipt)
        assert receipt == NumberedReceipt(number, receipt.proof) and receipt.proof.startswith("KJ1:")
    with open_database(store.url).write() as transaction:
        transaction.run("UPDATE receipts SET proof = NULL WHERE number = 1")
    found = journal.numbered(1)
    assert found is not None and found[1] == journal.number_receipt(cases[0]) == NumberedReceipt(1, "")
    assert journal.numbered(3) is None


def test_a_paper_that_was_begun_is_known_until_it_is_known_how_it_ended(journal: Journal) -> None:
    case, other = opened(journal, Stage.RETURNED, "1"), opened(journal, Stage.RETURNED, "2")
    assert not journal.has_open_paper()
    journal.intend(case, Step.RECEIPT, b"")
    assert journal.has_open_paper() and journal.has_open_paper(other) and not journal.has_open_paper(case)
    journal.leave(case, Step.RECEIPT, EffectState.UNKNOWN, "E07")
    assert journal.has_open_paper() and not journal.has_open_paper(case)
    journal.leave(case, Step.RECEIPT, EffectState.FAILED, "E07")
    assert not journal.has_open_paper()
    notice = opened(journal, Stage.REVOCATION_EMPTIED, "3")
    journal.intend(notice, RevocationStep.NOTICE, b"")
    assert journal.has_open_paper(other) and not journal.has_open_paper(notice)


def test_who_may_have_a_valid_certificate_is_told_of_what_is_open_here_too(journal: Journal) -> None:
    def person(number: str, stage: Stage, person: str) -> CaseRecord:
        case = walk(journal, journal.open_case(number, b"application"), Stage.FILED)
        return walk(journal, journal.complete(case, Step.IDENTITY_CHECK, b"", person=person), stage)

    closed = person("1", Stage.CLOSED, "p")
    confirmed = person("2", Stage.CONFIRMED, "p")
    person("3", Stage.IDENTIFIED, "p")
    person("4", Stage.CONFIRMED, "q")
    found = [case.pseudonym for case in journal.certified_cases_of("p")]
    assert found == [closed.pseudonym, confirmed.pseudonym]
    assert journal.certified_cases_of("r") == []
    assert [case.person for case in journal.certified_cases_of("p")] == ["p", "p"]


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        ({"event": "opened"}, Stage.OPENED),
        ({"event": "rolled_back", "by": "station"}, Stage.ROLLED_BACK),
        ({"event": "numbered", "receipt": 1}, None),
        ({"event": "done", "step": "application"}, Stage.FILED),
        ({"event": "done", "step": "hold"}, Stage.ON_HOLD),
        ({"event": "witnessed", "step": "fee"}, Stage.DELIVERED),
        ({"event": "witnessed", "step": "receipt"}, Stage.RETURNED),
        *(({"event": event, "step": "fee"}, None) for event in ("intended", "failed", "unknown")),
    ],
)
def test_only_what_was_done_or_decided_puts_a_case_into_another_stage(
    facts: dict[str, object], stage: Stage | None
) -> None:
    assert told_stage(facts) is stage
