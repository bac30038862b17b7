"""Issuances whose store is PostgreSQL end as they do on SQLite."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.journal.database import open_database
from tests.counter_bench import OTHER_RESIDENT, CuttingDatabase, PowerCut
from tests.issuance.rest import check_rest, commits_of_an_issuance, new_world
from tests.stores import Store


def test_every_resident_has_a_certificate_and_a_receipt_of_his_own(
    tmp_path: Path, fresh_authority: Path, postgresql_store: Store
) -> None:
    world = new_world(tmp_path, fresh_authority, postgresql_store)
    both = [world.issue("1"), world.issue("2", OTHER_RESIDENT)]
    assert [c.receipt_number for c in both] == [1, 2]
    assert world.issue("1") == both[0]
    check_rest(world, both)


def test_a_power_cut_of_the_station_at_a_commit_is_resumed_to_a_clean_end(
    tmp_path: Path, fresh_authority: Path, new_postgresql_store: Callable[[], Store]
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(1, commits + 1, 4):
        store = new_postgresql_store()
        world = new_world(tmp_path / str(cut_at), fresh_authority, store)
        database = CuttingDatabase(open_database(world.database_url), cut_at, is_before=cut_at % 2 == 0)
        with pytest.raises(PowerCut):
            world.issue(station=world.station(database))
        check_rest(world, [world.issue()])
        store.remove()
