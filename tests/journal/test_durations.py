"""How long acts took: only what was done straight after it was intended counts, and the newest entries are enough."""

import datetime
import json
from pathlib import Path

from kiosk.journal.durations import act_durations, usual_s
from kiosk.journal.entry import Entry
from kiosk.model.step import Step
from tests.issuance.rest import new_world

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


def test_what_was_interrupted_tells_nothing() -> None:
    again = entries(
        ("a", "generate_key", "done", 0),
        ("a", "generate_key", "intended", 1),
        ("a", "generate_key", "unsure", 2),
        ("a", "generate_key", "done", 600),
    )
    assert list(act_durations(again)) == []
    assert usual_s(act_durations(again), "generate_key") is None


def test_a_station_knows_how_long_its_cards_take_from_its_newest_entries(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    world.issue()
    journal = world.station().journal
    every = list(journal.entries())
    assert journal.newest_entries(5) == every[-5:]
    assert journal.newest_entries(len(every) + 5) == every
    acts = [one.act for one in act_durations(every)]
    assert acts.count(Step.GENERATE_KEY) == acts.count(Step.CERTIFY) == 1
