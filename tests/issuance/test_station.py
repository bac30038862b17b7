"""What a station says of itself, and which moments it puts under a signature."""

import base64
import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.authority.embedded.directory import DEMO_NAME, SECOND_CLERK
from kiosk.issuance.leave import Leave, ask_for_leave
from kiosk.issuance.persons import IdentityQuestion
from kiosk.issuance.settle import settle
from kiosk.model.step import Step
from kiosk.model.transition import SUSPECT
from tests.counter_bench import RESIDENT, START, World
from tests.issuance.rest import new_world
from tests.issuance.test_settle import clerk_key
from tests.journal.walked_case import walk
from tests.time_zone import standing_in

JUST_AFTER = START + datetime.timedelta(microseconds=999_999)
JAPAN = datetime.timezone(datetime.timedelta(hours=9))


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path, fresh_authority)


def test_the_terminals_reader_comes_first_and_the_windows_where_there_is_one(world: World) -> None:
    station = world.station()
    assert station.readers == (station.reader, station.window)
    assert replace(station, window=None).readers == (station.reader,)


def test_the_day_is_that_of_the_counter_wherever_the_machine_stands(world: World) -> None:
    midnight = datetime.datetime(2026, 4, 1, 15, 0, tzinfo=datetime.UTC)
    found = []
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        with standing_in(zone):
            for world.now in (midnight - datetime.timedelta(microseconds=1), midnight):
                found.append(world.station().today().day)
    assert found == [1, 2] * 3


def test_a_leave_is_signed_by_the_second(world: World) -> None:
    world.now = JUST_AFTER
    station = world.station()
    resident = station.register.find(RESIDENT)
    assert resident is not None
    question = IdentityQuestion("1", resident.items, resident.items, ())
    leave = Leave("revoke", "c" * 32, "card", bytes(32), RESIDENT)
    signed = ask_for_leave(leave, question, station, world.persons("1").clerk)
    assert (signed.terms.issued_at, signed.terms.person) == (START, station.person(RESIDENT))


def test_what_two_clerks_say_is_signed_by_the_second_and_in_utc(world: World) -> None:
    station = replace(world.station(), clock=lambda: JUST_AFTER.astimezone(JAPAN))
    case = walk(station.journal, station.journal.open_case("1", b"{}"), SUSPECT[Step.FEE])
    settle(case, "0", station, clerk_key(world, DEMO_NAME), clerk_key(world, SECOND_CLERK))
    effect = station.journal.effect(case, Step.FEE)
    assert effect is not None and effect.testimony is not None
    terms = json.loads(base64.b64decode(json.loads(effect.testimony)["payload"]))
    assert terms["signed_at"] == START.isoformat()
