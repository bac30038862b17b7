"""Keys that are named on the glass do what stands on them, with Caps Lock or without."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.widgets.key import Key
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import reach, until, walk_to


@pytest.mark.parametrize("letter", ["m", "M"])
@pytest.mark.parametrize(("seat_key", "ground", "menu"), [("f11", "Desk", "Menu"), ("f12", "Bench", "ViewMenu")])
def test_the_menu_opens_by_the_letter_that_stands_on_its_key(
    play: Callable[..., KioskApp], seat_key: str, ground: str, menu: str, letter: str
) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press(seat_key)
        await reach(pilot, ground)
        assert app.screen.query_one("#menu", Key).keyboard_key == "M"
        await pilot.press(letter)
        await reach(pilot, menu)

    play(ScriptedCounter(), people)


def test_capital_letters_work_at_the_desk_and_at_the_bench(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await pilot.press("Q")
        await reach(pilot, "QueueScreen")
        await pilot.press("f12")
        await reach(pilot, "Bench")
        await pilot.press("I")
        await until(pilot, lambda: counter.reader.is_inserted, "the card inside")

    counter = ScriptedCounter()
    play(counter, people)


def test_who_is_sure_stops_by_the_key_that_stands_there(play: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ConfirmItems")
        await pilot.press("f8")
        await pilot.pause()
        assert type(app.screen).__name__ == "ConfirmItems", "nobody was asked"
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.screen.query("#stop-yes")), "the question")
        assert app.screen.query_one("#stop-yes", Key).keyboard_key == "F8"
        await pilot.press("f8")
        await reach(pilot, "Start")

    play(ScriptedCounter(), resident)
