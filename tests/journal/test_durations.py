"""How long acts took: only what was done straight after it was intended counts."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.books import StationBooks
from kiosk.clock import JAPAN
from kiosk.issuance.failure import RolledBack
from kiosk.journal.durations import act_durations, usual_s
from kiosk.journal.entry import Entry
from tests.issuance.rest import Leaves, new_world

BEGUN = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC)


def entries(*told: tuple[str, str, str, float]) -> list[Entry]:
    """Of case, step, event and seconds since the beginning."""
    bodies = [
        {"case": case, "step": step, "event": event, "at": (BEGUN + datetime.timedelta(seconds=s)).isoformat()}
        for case, step, event, s in told
    ]
    return [Entry("demo", seq, json.dumps(body), b"", None) for seq, body in enumerate(bodies, 1)]


def test_an_act_takes_from_its_intention_to_its_end_whatever_other_cases_do_meanwhile() -> None:
    (one,) = act_durations(
        entries(
            ("a", "generate_key", "intended", 0),
            ("b", "certify", "intended", 1),
            ("b", "certify", "failed", 2),
            ("a", "generate_key", "done", 12.5),
        )
    )
    assert (one.act, one.seconds, one.at) == ("generate_key", 12.5, BEGUN + datetime.timedelta(seconds=12.5))


@pytest.mark.parametrize(
    ("seconds", "facts"),
    [
        pytest.param(12.0, {"auto": True}, id="found to be done"),
        pytest.param(3600.0, {}, id="done again after a stop"),
        pytest.param(-5.0, {}, id="the clock was set back"),
    ],
)
def test_what_was_interrupted_tells_nothing(seconds: float, facts: dict[str, bool]) -> None:
    begun, done = entries(("a", "certify", "intended", 0), ("a", "certify", "done", seconds))
    body = json.dumps({**json.loads(done.body), **facts})
    again = [begun, replace(done, body=body)]
    assert list(act_durations(again)) == []
    assert usual_s(act_durations(again), "certify") is None


def test_a_station_knows_how_long_the_authority_took(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    world.issue()
    station = world.station()
    today = world.now.astimezone(JAPAN).date()
    told = StationBooks(station.journal, station.register).statistics(today, 2)
    assert told.took == {"certify": (None, 0.0), "confirm": (None, 0.0)}
    assert (told.issued[-1], told.failed[-1]) == ((today, 1), (today, 0))


def test_a_case_that_ended_by_a_code_is_counted_on_its_day_once(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    leaving = Leaves(world, "approve")
    with pytest.raises(RolledBack):
        world.issue(persons=replace(world.persons("1"), clerk=leaving))
    world.issue("2")
    station = world.station()
    today = world.now.astimezone(JAPAN).date()
    told = StationBooks(station.journal, station.register).statistics(today, 2)
    assert (told.issued[-1], told.failed[-1]) == ((today, 1), (today, 1))
    # A technician who comes after a restart finds what ended and why, and not whose it was.
    assert [(one.stage, one.code) for one in told.ended] == [("rolled_back", "K-CASE-002"), ("closed", "")]
    assert {one.at.astimezone(JAPAN).date() for one in told.ended} == {today}
