"""Whoever stops a case is known with his reason."""

from kiosk.issuance.persons import Abandoned, CannotTell
from kiosk.model.step import Actor


def test_who_it_was_and_why_is_kept() -> None:
    left = Abandoned(Actor.RESIDENT, "left")
    assert (left.by, left.reason) == (Actor.RESIDENT, "left")
    unsure = CannotTell()
    assert (unsure.by, unsure.reason) == (Actor.CLERK, "cannot_tell")
