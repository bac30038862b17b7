"""No stroke is lost to a screen that changes while somebody types, and each means what stands when it is heard."""

import asyncio
from collections.abc import Callable, Iterable

import pytest
from textual import events
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.clerk.receive import FindResident
from kiosk.ui.strokes import until_dealt_with
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import reach, take_up_duty, walk_to

TURNS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
"""Of the loop between two strokes: from none to more than a screen takes to be composed again."""


async def strike(app: KioskApp, keys: Iterable[str], turns: int) -> None:
    """As a driver hands them on: nobody waits for what a stroke does."""
    for key in keys:
        app.post_message(events.Key(key, None if len(key) > 1 else key))
        for _ in range(turns):
            await asyncio.sleep(0)
    await until_dealt_with([app])
    while not app.strokes.are_heard:
        await asyncio.sleep(0)


def test_every_digit_of_a_birth_date_is_heard(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "1")
        await reach(pilot, "FindResident")
        screen = app.screen
        assert isinstance(screen, FindResident)
        for turns in TURNS:
            await strike(app, "19310503", turns)
            assert screen._asked == "19310503", f"{turns} turns between two strokes"
            await strike(app, ["backspace"] * 8, turns)
            assert screen._asked == "", f"{turns} turns between two strokes"

    play(ScriptedCounter(), clerk)


@pytest.mark.parametrize("turns", (0, 1, 3, 8))
def test_enter_takes_whoever_is_found_by_all_that_was_typed(play: Callable[..., KioskApp], turns: int) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "1")
        await reach(pilot, "FindResident")
        await pilot.press("藤")
        await strike(app, ["backspace", "清", "enter"], turns)
        await reach(pilot, "Desk")
        assert app.board.offered is not None and app.board.offered.items.name == "斎藤　清"

    play(ScriptedCounter(), clerk)


@pytest.mark.parametrize("turns", (0, 3))
def test_what_comes_after_enter_changes_no_amount(play: Callable[..., KioskApp], turns: int) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "EnterAmount")
        await strike(app, [*"1000", "enter", "5"], turns)
        await reach(pilot, "GiveMoney")
        assert "おつり 500円" in text_on(app)

    play(ScriptedCounter(), clerk)
