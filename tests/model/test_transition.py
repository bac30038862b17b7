"""The table of transitions: complete, and unable to skip, impersonate or resurrect."""

import itertools
from pathlib import Path

import pytest

from kiosk.journal.agreement import Told, check_state, read_state
from kiosk.journal.chain import read_entries
from kiosk.journal.database import open_database
from kiosk.journal.records import EffectState
from kiosk.model.step import (
    ACTOR,
    SUPPLEMENT_ACTOR,
    UNDO_ACTOR,
    Act,
    Actor,
    PasswordChangeStep,
    Pause,
    RevocationStep,
    Step,
    Supplement,
    Undo,
    UnlockStep,
    actor_of,
)
from kiosk.model.transition import (
    AFTER,
    ASKED_IN,
    BEFORE_FEE,
    DONE_IN,
    ENDED,
    FIRST_STEP,
    MAY_BE_VALID,
    OPENING,
    OTHER_ENDS,
    SUSPECT,
    TRANSITIONS,
    WAY,
    WITNESSED,
    Cell,
    Event,
    Happening,
    Procedure,
    Stage,
    TransitionRefused,
    next_stage,
    procedure_of,
)
from tests.journal.filled_journal import open_journal
from tests.journal.walked_case import open_for, walk

ACTS: tuple[Act, ...] = (*Step, *Undo, *RevocationStep, *PasswordChangeStep, *UnlockStep, *Pause, *Supplement)
HAPPENINGS: tuple[Happening, ...] = (*ACTS, *Event)
OTHERS = tuple(OTHER_ENDS)


def test_every_cell_leads_somewhere_or_is_refused() -> None:
    led = refused = 0
    for stage, event, actor in itertools.product(Stage, HAPPENINGS, Actor):
        try:
            assert next_stage(stage, event, actor) in Stage
            led += 1
        except TransitionRefused as error:
            assert error.cell == Cell(stage, event, actor)
            refused += 1
    assert led == len(TRANSITIONS)
    assert led + refused == len(Stage) * len(HAPPENINGS) * len(Actor)


def test_the_steps_lead_from_opened_to_closed_in_their_order_and_in_no_other() -> None:
    stage = Stage.OPENED
    for step in Step:
        for other in Step:
            if other is not step:
                with pytest.raises(TransitionRefused):
                    next_stage(stage, other, ACTOR[other])
        stage = next_stage(stage, step, ACTOR[step])
        assert stage is AFTER[step]
    assert stage is Stage.CLOSED


@pytest.mark.parametrize("procedure", OTHERS)
def test_the_other_procedures_go_their_way_in_order_and_in_no_other(procedure: Procedure) -> None:
    stage = OPENING[procedure]
    for step, after in WAY[procedure]:
        assert procedure_of(stage) is procedure
        assert {
            cell.event for cell in TRANSITIONS if cell.stage is stage and not isinstance(cell.event, Event | Supplement)
        } == {step}
        stage = next_stage(stage, step, actor_of(step))
        assert stage is after
    assert stage.is_ended and procedure_of(stage) is procedure


@pytest.mark.parametrize("procedure", OTHERS)
def test_another_procedure_can_be_stopped_until_something_is_done_to_the_world(procedure: Procedure) -> None:
    ends = OTHER_ENDS[procedure]
    assert ends.before == (OPENING[procedure], *(after for _, after in WAY[procedure]))[: len(ends.before)]
    for event, actors, to in (
        (Event.ABANDON, {Actor.RESIDENT, Actor.CLERK, Actor.STATION}, ends.abandoned),
        (Event.REFUSE, {Actor.STATION}, ends.refused),
    ):
        leading = {cell for cell, after in TRANSITIONS.items() if after is to and cell.event is event}
        assert leading == {Cell(stage, event, actor) for stage in ends.before for actor in actors}


def test_a_case_begins_with_the_first_step_of_its_procedure() -> None:
    assert dict(FIRST_STEP) == {
        Stage.OPENED: Step.APPLICATION,
        Stage.REVOCATION_OPENED: RevocationStep.APPLICATION,
        Stage.CHANGE_OPENED: PasswordChangeStep.APPLICATION,
        Stage.UNLOCK_OPENED: UnlockStep.APPLICATION,
    }


def test_a_certificate_may_be_valid_from_the_fee_on_wherever_the_case_has_not_ended() -> None:
    paid = {AFTER[step] for step in list(Step)[list(Step).index(Step.FEE) :]} | {Stage.RECEIPT_SUSPECT}
    assert set(MAY_BE_VALID) == paid - set(ENDED)


def test_what_nobody_can_find_out_is_given_up_only_where_the_owner_of_the_card_could_say() -> None:
    given_up = {cell: to for cell, to in TRANSITIONS.items() if cell.event is Event.GIVE_UP}
    assert given_up == {
        Cell(before, Event.GIVE_UP, actor): to
        for before, to in (
            (Stage.CHANGE_FILED, Stage.CHANGE_UNKNOWN),
            (Stage.UNLOCK_AUTHORISED, Stage.UNLOCK_UNKNOWN),
        )
        for actor in (Actor.CLERK, Actor.STATION)
    }


def test_the_day_to_return_is_named_by_a_clerk_while_an_application_is_taken_back_and_changes_nothing_else() -> None:
    assert {cell: to for cell, to in TRANSITIONS.items() if cell.event is Pause.RETURN_DAY} == {
        Cell(Stage.ROLLING_BACK, Pause.RETURN_DAY, Actor.CLERK): Stage.ROLLING_BACK,
    }


def test_an_application_is_held_only_while_nothing_was_done_and_ended_or_taken_up_by_a_clerk() -> None:
    assert {cell: to for cell, to in TRANSITIONS.items() if Stage.ON_HOLD in (cell.stage, to)} == {
        Cell(Stage.OPENED, Pause.HOLD, Actor.CLERK): Stage.ON_HOLD,
        Cell(Stage.ON_HOLD, Pause.HOLD, Actor.CLERK): Stage.ON_HOLD,
        Cell(Stage.ON_HOLD, Event.RESUME, Actor.CLERK): Stage.OPENED,
        Cell(Stage.ON_HOLD, Event.ROLL_BACK, Actor.CLERK): Stage.ROLLING_BACK,
    }


def test_every_stage_is_of_one_procedure() -> None:
    assert {procedure_of(stage) for stage in Stage} == set(Procedure)
    for cell, to in TRANSITIONS.items():
        assert procedure_of(cell.stage) is procedure_of(to)


@pytest.mark.parametrize("happening", ACTS)
def test_what_is_done_is_done_by_its_own_actor(happening: Act) -> None:
    assert {cell.actor for cell in TRANSITIONS if cell.event is happening} == {actor_of(happening)}


def test_a_supplement_leaves_the_case_where_it_is() -> None:
    supplements = {cell: to for cell, to in TRANSITIONS.items() if cell.event in set(Supplement)}
    assert {cell.event: cell.stage for cell in supplements} == DONE_IN
    assert all(to is cell.stage for cell, to in supplements.items())


def test_nothing_leaves_an_ended_case_and_only_there_the_records_can_be_destroyed() -> None:
    assert {stage for stage in Stage if stage.is_ended} == set(ENDED)
    at_the_end = {(cell.event, cell.actor) for cell in TRANSITIONS if cell.stage in ENDED}
    assert at_the_end == {(Event.PURGE, Actor.CLERK), (Event.HAND_OVER, Actor.STATION)}
    for event, actor in at_the_end:
        assert all(TRANSITIONS[Cell(stage, event, actor)] is stage for stage in ENDED)
        assert {cell.stage for cell in TRANSITIONS if cell.event is event} == set(ENDED)


def test_the_resident_can_stop_until_he_has_paid_and_not_after() -> None:
    stoppable = {cell.stage for cell in TRANSITIONS if cell.event is Event.ROLL_BACK and cell.actor is Actor.RESIDENT}
    assert stoppable == set(BEFORE_FEE)


def test_a_certificate_that_is_valid_is_never_taken_back() -> None:
    left = {cell.stage for cell in TRANSITIONS if cell.event is Event.ROLL_BACK}
    assert not left & {Stage.CONFIRMED, Stage.RETURNED, Stage.RECEIPTED}


@pytest.mark.parametrize("question", WITNESSED)
def test_only_two_clerks_together_bring_a_suspect_case_back_to_where_it_was_asked_about(question: Step | Undo) -> None:
    suspect = SUSPECT[question]
    assert suspect.is_suspect
    leading = {cell: to for cell, to in TRANSITIONS.items() if suspect in (cell.stage, to)}
    assert leading == {
        Cell(ASKED_IN[question], Event.SUSPECT, Actor.STATION if question is Undo.REVOKE else Actor.CLERK): suspect,
        Cell(suspect, Event.TESTIFY, Actor.TWO_CLERKS): ASKED_IN[question],
    }
    assert Cell(ASKED_IN[question], question, actor_of(question)) in TRANSITIONS


def test_every_stage_can_be_reached_and_every_open_one_can_end() -> None:
    reached = set(OPENING.values())
    while more := {to for cell, to in TRANSITIONS.items() if cell.stage in reached} - reached:
        reached |= more
    assert reached == set(Stage)
    ending = set(ENDED)
    while more := {cell.stage for cell, to in TRANSITIONS.items() if to in ending} - ending:
        ending |= more
    assert ending == set(Stage)


def test_what_the_table_does_not_have_is_a_journaled_refusal_that_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    journal, attempts = open_journal(path), 0
    for stage in Stage:
        case = walk(journal, open_for(journal, stage, stage), stage)
        for step in ACTS:
            if Cell(stage, step, actor_of(step)) not in TRANSITIONS:
                for change in (journal.intend, journal.complete):
                    with pytest.raises(TransitionRefused):
                        change(case, step, b"")
                    attempts += 1
        for event, actor in itertools.product(Event, Actor):
            if Cell(stage, event, actor) not in TRANSITIONS:
                with pytest.raises(TransitionRefused):
                    journal.move(case, event, actor, "E01")
                attempts += 1
        found = journal.latest_case(stage)
        assert found is not None and found.stage is stage
    database = open_database(f"sqlite:///{path}")
    state = read_state(database)
    told = Told(state.ends)
    entries = list(told.listen(read_entries(database)))
    assert sum('"event":"not_admitted"' in entry.body for entry in entries) == attempts
    check_state(told, state)


def test_a_refused_event_is_told_with_who_caused_it_and_where_the_case_stands() -> None:
    with pytest.raises(TransitionRefused, match=r"^fee by clerk is not possible when opened$") as refused:
        next_stage(Stage.OPENED, Step.FEE, Actor.CLERK)
    assert refused.value.cell == Cell(Stage.OPENED, Step.FEE, Actor.CLERK)


def test_two_processes_on_one_case_do_not_do_a_step_twice(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    here, there = open_journal(path), open_journal(path)
    walk(here, here.open_case("1", b""), Stage.DELIVERED)
    seen_here, seen_there = here.latest_case("1"), there.latest_case("1")
    assert seen_here is not None and seen_there is not None
    here.complete(seen_here, Step.FEE, b"500")
    with pytest.raises(TransitionRefused):
        there.complete(seen_there, Step.FEE, b"500")


def test_an_effect_that_two_processes_saw_alike_is_begun_by_one_of_them_only(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    here, there = open_journal(path), open_journal(path)
    case = walk(here, here.open_case("1", b""), Stage.DELIVERED)
    for state in (None, EffectState.FAILED, EffectState.UNKNOWN):
        if state is not None:
            here.leave(case, Step.FEE, state, "K-CASE-002")
        assert here.effect(case, Step.FEE) == there.effect(case, Step.FEE)
        here.intend(case, Step.FEE, b"500")
        for change in (
            lambda: there.intend(case, Step.FEE, b"500"),
            lambda: there.complete(case, Step.FEE, b"500"),
            lambda: there.leave(case, Step.FEE, EffectState.FAILED, "K-CASE-002"),
        ):
            with pytest.raises(TransitionRefused):
                change()
    here.complete(case, Step.FEE, b"500")


def test_what_takes_a_case_back_is_not_undone_by_a_process_that_comes_late(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    here, there = open_journal(path), open_journal(path)
    case = walk(here, here.open_case("1", b""), Stage.ROLLING_BACK)
    here.intend(case, Undo.REFUND, b"500")
    there.effect(case, Undo.REFUND)
    here.complete(case, Undo.REFUND, b"500")
    with pytest.raises(TransitionRefused):
        there.leave(case, Undo.REFUND, EffectState.FAILED, "K-DEVICE-001")


def test_who_acts_is_said_of_every_step_and_undo() -> None:
    assert set(ACTOR) == set(Step) and set(UNDO_ACTOR) == set(Undo) and set(SUPPLEMENT_ACTOR) == set(Supplement)
