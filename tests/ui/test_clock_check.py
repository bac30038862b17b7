"""The technician is told how far the station's clock is from the authority's, and from when on that is wrong."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.station_checks import surroundings
from tests.issuance.rest import new_world


@pytest.mark.parametrize(("ahead_s", "outcome"), [(0, "pass"), (2, "pass"), (-30, "note"), (40, "note"), (90, "fail")])
def test_a_clock_that_is_off_is_noted_and_one_that_is_far_off_fails(
    tmp_path: Path, fresh_authority: Path, ahead_s: int, outcome: str
) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    # An answer bears the time of the machine: the library that writes it takes no other.
    ahead = replace(
        world.station(), clock=lambda: datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead_s)
    )
    (told,) = (check for check in surroundings(ahead, "http://authority") if check.name == "clock.authority")
    assert told.outcome == outcome
    assert ahead_s <= int(told.detail.split()[0]) <= ahead_s + 2, "whole seconds, and what the asking took"
