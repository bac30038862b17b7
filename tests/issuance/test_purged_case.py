"""A case whose records were destroyed is over: its number is not used again, and its resident starts afresh."""

import datetime
from pathlib import Path

import pytest

from kiosk.authority.embedded.directory import init
from kiosk.config import SHIPPED, load_config
from kiosk.failure_book import load_failure_book
from kiosk.issuance.failure import Refusal
from kiosk.journal.retention import purge
from kiosk.model.certificate import RevocationReason
from tests.counter_bench import START, World


def test_the_number_of_a_purged_case_is_refused_and_another_is_not(tmp_path: Path) -> None:
    town = load_config(SHIPPED / "kiosk.toml", []).town
    init(tmp_path / "ca", SHIPPED / "policy" / "juki-2011.toml", town, lambda: START)
    world = World(tmp_path, tmp_path / "ca")
    closed = world.issue("1")
    station = world.station()
    station.authority.revoke(station.authority.revoke_message(closed.certificate, RevocationReason.SUPERSEDED).der)
    assert len(purge(station.journal, START + datetime.timedelta(days=1))) == 1
    with pytest.raises(Refusal, match="K-CASE-004"):
        world.issue("1")
    assert "K-CASE-004" in load_failure_book()
    assert world.issue("2").receipt_number == 2
