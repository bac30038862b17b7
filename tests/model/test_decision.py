"""What one clerk can decide about a case that was left, stage by stage."""

import pytest

from kiosk.model.decision import CarriedOut, Choice, Decision, DecisionKind, can_be_ended, possible_decisions
from kiosk.model.transition import BEFORE_FEE, OTHER_ENDS, Stage

HOLD, RESUME, ABORT = DecisionKind


@pytest.mark.parametrize("stage", Stage)
def test_what_can_be_decided_follows_from_how_far_the_case_is(stage: Stage) -> None:
    if stage is Stage.ON_HOLD:
        expected = {HOLD, RESUME, ABORT}
    elif stage in (*BEFORE_FEE, Stage.ROLLING_BACK):
        expected = {HOLD, ABORT}
    elif any(stage in ends.before for ends in OTHER_ENDS.values()):
        expected = {ABORT}
    else:
        expected = set()
    assert set(possible_decisions(stage)) == expected
    assert can_be_ended(stage) == bool(expected)


def test_decisions_are_words_of_the_line_and_of_the_screens() -> None:
    assert [kind.value for kind in DecisionKind] == ["hold", "resume", "abort"]


def test_what_nobody_has_said_of_a_decision_is_nothing() -> None:
    choice = Choice("0" * 32, ABORT)
    assert choice == Choice("0" * 32, ABORT, until=None)
    told = CarriedOut(Decision(choice, "1", Stage.PENDING, "demo", "op"), is_done=True)
    assert (told.code, told.slip_came_out) == ("", None)
