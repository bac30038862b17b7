"""A technician looks into a station of another's, and shows that he is one; whoever is not goes away again."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.idle import Patience
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import HandClock, reach, until

RIGHT = "912468"


def visitable() -> ScriptedCounter:
    counter = ScriptedCounter()
    counter.technician_sign_in = lambda typed: "technician" if bytes(typed) == RIGHT.encode() else None
    return counter


@pytest.mark.parametrize(("seat", "home"), [("resident", "Start"), ("clerk", "Desk")])
def test_a_technician_signs_in_at_a_station_of_anothers_and_leaves_it_as_it_was(
    play: Callable[..., KioskApp], seat: str, home: str
) -> None:
    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, home)
        before = app.screen
        await pilot.press("f12")
        await until(pilot, lambda: "技術担当の方へ" in text_on(app), "that he is asked who he is")
        # Neither the menu nor what is behind the cover can be had before.
        await pilot.press("m", *"919999", "enter")
        await until(pilot, lambda: "違います" in text_on(app), "that it was wrong")
        await pilot.press(*RIGHT, "enter")
        await until(pilot, lambda: not app.screen.has_class("-locked"), "the bench")
        await pilot.press("m")
        await reach(pilot, "Menu")
        await pilot.press("f12")
        await until(pilot, lambda: app.screen is before, "the seat as it was left")
        # The next one has to show again who he is.
        await pilot.press("f12")
        await until(pilot, lambda: "技術担当の方へ" in text_on(app), "that he is asked again")
        await pilot.press("f12")
        await until(pilot, lambda: app.screen is before, "the seat as it was left")

    play(visitable(), technician, seat=seat, is_demo=False)


def test_the_bench_of_a_visit_has_a_key_back(play: Callable[..., KioskApp]) -> None:
    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f12")
        await until(pilot, lambda: "技術担当の方へ" in text_on(app), "that he is asked who he is")
        await pilot.click("#end-visit")
        await reach(pilot, "Start")
        await pilot.press("f12", *RIGHT, "enter")
        await until(pilot, lambda: not app.screen.has_class("-locked"), "the bench")
        await pilot.click("#end-visit")
        await reach(pilot, "Start")

    play(visitable(), technician, seat="resident", is_demo=False)


def test_a_station_is_its_residents_again_when_the_visitor_says_nothing(play: Callable[..., KioskApp]) -> None:
    clock = HandClock()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f12")
        await until(pilot, lambda: "技術担当の方へ" in text_on(app), "that he is asked who he is")
        app.mind_idleness()
        clock.now_s += 29
        app.mind_idleness()
        assert app.current_mode == "technician"
        clock.now_s += 2
        app.mind_idleness()
        await reach(pilot, "Start")
        await pilot.press("f12", *RIGHT, "enter")
        await until(pilot, lambda: not app.screen.has_class("-locked"), "the bench")
        app.mind_idleness()
        clock.now_s += Patience().clerk_s - 1
        app.mind_idleness()
        assert app.current_mode == "technician", "who has signed in may read for as long as a clerk may be away"
        clock.now_s += 2
        app.mind_idleness()
        await reach(pilot, "Start")

    play(visitable(), technician, seat="resident", is_demo=False, now=clock)


def test_a_station_that_knows_no_technician_has_no_such_key(play: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f12", "f11", "f10")
        await pilot.pause()
        assert app.current_mode == "resident"

    play(ScriptedCounter(), resident, seat="resident", is_demo=False)
