"""A clerk finds his seat as he likes it, whoever sat there since; a damaged file keeps nobody from his desk."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.liking import Liking, Likings
from kiosk.ui.themes import CONTRAST, STANDARD
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import choose_duty, go, reach, until

HIS = Liking("en", CONTRAST.name, 60.0)
FIRST, SECOND = "011234", "025678"


async def sign_in(pilot: Pilot[None], app: KioskApp, typed: str) -> None:
    await until(pilot, lambda: app.screen.has_class("-locked"), "the lock")
    await pilot.press(*typed, "enter")
    await until(pilot, lambda: not app.screen.has_class("-locked"), "the clerk")


def liking(app: KioskApp) -> Liking:
    seat = app.screen.seat
    return Liking(seat.language, seat.look, seat.patience.clerk_s)


def test_settings_are_those_of_whoever_has_signed_in_also_after_a_restart(
    play: Callable[..., KioskApp], tmp_path: Path
) -> None:
    async def first(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Desk")
        await sign_in(pilot, app, FIRST)
        usual = liking(app)
        await choose_duty(pilot, "g")
        seat = app.screen.seat
        for key, is_set in (
            ("1", lambda: seat.language == HIS.language),
            ("2", lambda: seat.look == HIS.look),
            ("3", lambda: seat.patience.clerk_s == HIS.locks_after_s),
        ):
            await reach(pilot, "Choose")
            await pilot.pause()
            await pilot.press(key)
            await until(pilot, is_set, f"what {key} sets")
        await until(pilot, lambda: seat._keeping.done(), "that it is kept")
        await reach(pilot, "Choose")
        await pilot.pause()
        await pilot.press("escape")
        await reach(pilot, "Desk")
        assert liking(app) == HIS
        app.screen.seat.lock()
        await sign_in(pilot, app, FIRST)
        assert liking(app) == HIS
        await pilot.press("f3")
        await until(pilot, lambda: liking(app) != HIS, "another look, for now")
        other = liking(app)
        app.screen.seat.lock()
        await sign_in(pilot, app, FIRST)
        assert liking(app) == other, "who only comes back finds what he left"
        app.screen.seat.lock()
        await sign_in(pilot, app, SECOND)
        assert liking(app) == usual and usual.look == STANDARD.name and usual.language == "ja"
        await until(pilot, lambda: "最近 終わった手続" in text_on(app), "that the other reads his own language")

    async def next_day(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Desk")
        await sign_in(pilot, app, FIRST)
        assert liking(app) == HIS
        await until(pilot, lambda: "Ended lately" in text_on(app), "the desk in his language")

    for day in (first, next_day):
        counter = ScriptedCounter()
        counter.likings = Likings(tmp_path / "likings.json")
        play(counter, day, seat="clerk", is_demo=False)


def test_who_comes_back_to_a_desk_that_was_his_finds_what_he_left(
    play: Callable[..., KioskApp], tmp_path: Path
) -> None:
    """Also where a desk is open from the start, as in the demo, and he has not signed in before."""

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "Desk"))
        await pilot.press("e")
        await until(pilot, lambda: "No procedure is under way" in text_on(app), "English")
        app.screen.seat.lock()
        await sign_in(pilot, app, FIRST)
        await pilot.pause()
        assert "No procedure is under way" in text_on(app) and app.screen.seat.language == "en"

    counter = ScriptedCounter()
    counter.likings = Likings(tmp_path / "likings.json")
    play(counter, clerk)


def test_what_is_kept_of_one_stays_when_another_changes_his(tmp_path: Path) -> None:
    likings, other = Likings(tmp_path / "likings.json"), Liking("ja", STANDARD.name, 900.0)
    asyncio.run(likings.keep("first", HIS))
    asyncio.run(likings.keep("second", other))
    assert [asyncio.run(likings.of(person)) for person in ("first", "second", "third")] == [HIS, other, None]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"first": {"language": 1}}'])
def test_a_damaged_file_is_set_aside(content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "likings.json"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert asyncio.run(Likings(path).of("first")) is None
    assert path.with_name("likings.json.damaged").read_bytes() == content
    assert str(path) in caplog.text
    asyncio.run(Likings(path).keep("first", HIS))
    assert asyncio.run(Likings(path).of("first")) == HIS


UNKNOWN = (
    *(Liking("xx", STANDARD.name, 60), Liking("ja", "pink", 60)),
    *(Liking("ja", STANDARD.name, 0), Liking("ja", STANDARD.name, 1e9)),
)


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_what_this_program_does_not_know_is_not_put_on(unknown: Liking, tmp_path: Path) -> None:
    likings = Likings(tmp_path / "likings.json")
    asyncio.run(likings.keep("first", unknown))
    assert asyncio.run(likings.of("first")) is None


def test_what_cannot_be_kept_is_logged_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "none" / "likings.json"
    with caplog.at_level(logging.WARNING):
        asyncio.run(Likings(path).keep("first", HIS))
    assert str(path) in caplog.text
