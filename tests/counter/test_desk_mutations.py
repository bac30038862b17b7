"""The tests of the clerk's station bite: each seeded error of it is caught by the test that it names."""

from pathlib import Path

import pytest

from kiosk.issuance.failure import CaseEnded
from tests.counter import test_desk
from tests.counter.two_stations import two_stations
from tests.crash.mutation import Mutation, applied
from tests.crash.mutations import DESK_MUTATIONS
from tests.issuance import test_ended_cases
from tests.issuance.rest import new_world

CAUGHT = (AssertionError, CaseEnded, pytest.fail.Exception)


@pytest.mark.parametrize("mutation", DESK_MUTATIONS, ids=lambda mutation: mutation.name)
def test_an_error_of_the_clerks_station_is_caught(tmp_path: Path, fresh_authority: Path, mutation: Mutation) -> None:
    module = test_desk if hasattr(test_desk, mutation.catcher) else test_ended_cases
    town = two_stations(new_world(tmp_path, fresh_authority))
    with applied(mutation), pytest.raises(CAUGHT):
        getattr(module, mutation.catcher)(town)
