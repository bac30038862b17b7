"""Whoever stops a case is known with his reason."""

import pytest

from kiosk.issuance.failure import LeftUnseen, before_a_persons_eyes
from kiosk.issuance.persons import Abandoned, CannotTell
from kiosk.model.step import Actor


def test_who_it_was_and_why_is_kept() -> None:
    left = Abandoned(Actor.RESIDENT, "left")
    assert (left.by, left.reason) == (Actor.RESIDENT, "left")
    unsure = CannotTell()
    assert (unsure.by, unsure.reason) == (Actor.CLERK, "cannot_tell")


def test_whoever_stops_before_money_or_paper_keeps_his_reason_and_leaves_unseen_what_was() -> None:
    with pytest.raises(LeftUnseen) as raised, before_a_persons_eyes():
        raise Abandoned(Actor.CLERK, "stopped")
    assert (raised.value.by, raised.value.reason) == (Actor.CLERK, "stopped")
    with pytest.raises(CannotTell), before_a_persons_eyes():
        raise CannotTell
