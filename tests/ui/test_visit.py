"""A technician looks into a station of another's, and shows that he is one; whoever is not goes away again."""

import threading
from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.journal.errors import StoreLost
from kiosk.ui.app import KioskApp
from kiosk.ui.idle import Patience
from kiosk.ui.workbench import SelfTest
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
        assert type(app.screen).__name__ == "Bench", "what was typed under the cover is not heard under it"
        look = app.theme
        await pilot.press("f3", "m")
        await reach(pilot, "ViewMenu")
        assert app.theme != look
        await pilot.press("f12")
        await until(pilot, lambda: app.screen is before, "the seat as it was left")
        assert app.theme == look, "how the visitor likes it is no resident's matter"
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


async def sign_in(pilot: Pilot[None], app: KioskApp) -> None:
    await pilot.press("f12", *RIGHT, "enter")
    await until(pilot, lambda: app.current_mode == "technician" and not app.screen.has_class("-locked"), "the bench")


def test_a_tool_whose_visitor_has_gone_gives_the_devices_back_when_it_ends(play: Callable[..., KioskApp]) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def self_test(*_: object) -> tuple[SelfTest, ...]:
        begun.set()
        may_end.wait(60)
        return ()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await sign_in(pilot, app)
        await pilot.press("m")
        await reach(pilot, "ViewMenu")
        await pilot.press("1")
        await reach(pilot, "Pages")
        await pilot.press("f5")
        await until(pilot, begun.is_set, "the test")
        await pilot.press("f12")
        await until(pilot, lambda: app.board.is_maintained and app.current_mode == "resident", "the terminal")
        may_end.set()
        await until(pilot, lambda: not app.board.is_maintained, "the devices")
        await reach(pilot, "Start")

    counter = visitable()
    counter.tools.self_test = self_test
    try:
        play(counter, technician, seat="resident", is_demo=False)
    finally:
        may_end.set()


def test_a_visitors_page_that_needs_the_lost_store_takes_nothing_out_of_service(play: Callable[..., KioskApp]) -> None:
    def lost(*_: object) -> tuple[()]:
        raise StoreLost("the disk is gone")

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await sign_in(pilot, app)
        await pilot.press("m")
        await reach(pilot, "ViewMenu")
        await pilot.press("d")
        await until(pilot, lambda: "the disk is gone" in text_on(app), "why")
        await pilot.press("escape")
        await reach(pilot, "Bench")
        assert app.fault is None

    counter = visitable()
    counter.station_devices = lost
    play(counter, technician, seat="resident", is_demo=False)


def test_a_clerks_desk_is_locked_behind_a_visitor(play: Callable[..., KioskApp]) -> None:
    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Desk")
        await pilot.press(*"011234", "enter")
        await until(pilot, lambda: not app.screen.has_class("-locked"), "the clerk's desk")
        await sign_in(pilot, app)
        await pilot.press("f12")
        await reach(pilot, "Desk")
        assert app.screen.has_class("-locked")

    play(visitable(), technician, seat="clerk", is_demo=False)


def test_a_resident_who_has_gone_is_noticed_behind_a_visitor(play: Callable[..., KioskApp]) -> None:
    clock = HandClock()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("enter")
        await reach(pilot, "Guide")
        app.mind_idleness()
        clock.now_s += 50
        await sign_in(pilot, app)
        for _ in range(5):
            clock.now_s += 10
            app.mind_idleness()
            await pilot.press("down")
        await pilot.press("f12")
        await reach(pilot, "Start")

    play(visitable(), technician, seat="resident", is_demo=False, now=clock)


def test_the_visitors_key_is_no_sign_of_a_resident(play: Callable[..., KioskApp]) -> None:
    touched: list[str] = []

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        app.screen.touched = lambda: touched.append("touched")
        await pilot.press("f12")
        await until(pilot, lambda: app.current_mode == "technician", "the cover")
        assert not touched

    play(visitable(), technician, seat="resident", is_demo=False)


def test_the_cover_speaks_the_residents_language_and_leaves_by_the_key_that_stops_everywhere(
    play: Callable[..., KioskApp],
) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("e")
        await until(pilot, lambda: "Digital certificate" in text_on(app), "English")
        await pilot.press("f12")
        await until(pilot, lambda: "For the technician" in text_on(app), "the cover in English")
        await pilot.press("enter")
        assert "not right" not in text_on(app), "nothing typed is no try"
        await pilot.press("escape")
        await reach(pilot, "Start")

    play(visitable(), resident, seat="resident", is_demo=False)
