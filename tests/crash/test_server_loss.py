"""A server lost in the middle of a commit, in a reduced set; the long run is `python -m tests.crash.server_loss`."""

from collections.abc import Iterator

import pytest

from tests.counter_bench import make_authority
from tests.crash.server_loss import (
    AcknowledgedEntryLost,
    BeforeAnswer,
    Bench,
    Fate,
    Moment,
    fail_over_often,
    is_of_confirmation,
    kill_often,
)
from tests.postgres import Template


@pytest.fixture(scope="module")
def bench(postgresql: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("servers")
    yield Bench(postgresql, make_authority(folder / "authority"), folder)


def test_a_server_killed_in_a_commit_loses_nothing_and_the_issuance_is_finished(bench: Bench) -> None:
    assert kill_often(bench, 6, "test").total() == 6


def test_a_standby_that_takes_over_during_the_confirmation_has_all_that_was_acknowledged(bench: Bench) -> None:
    assert sum(is_of_confirmation(what) for what in bench.commits) == 2
    assert fail_over_often(bench, 1, "test").total() == 1


def test_a_standby_takes_over_when_the_authority_has_confirmed_and_the_station_has_not_heard(bench: Bench) -> None:
    intended = bench.commits.index("intended confirm")
    assert bench.commits[intended + 1] == "done confirm"
    assert bench.failover(BeforeAnswer()) is Fate.ACKNOWLEDGED


def test_a_standby_that_was_not_waited_for_is_found_out(bench: Bench) -> None:
    with pytest.raises(AcknowledgedEntryLost):
        bench.failover(Moment(12, 0.0), is_synchronous=False)
