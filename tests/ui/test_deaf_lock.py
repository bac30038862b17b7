"""A locked seat that hears nobody for a while says so, and for how long; it does not call the right PIN wrong."""

import os
from collections.abc import Callable

from textual.pilot import Pilot

from kiosk.counter.roster import DEAF_S, WRONG_IN_A_ROW, CounterSignIn, RosteredPerson, kept_pin
from kiosk.ui.app import KioskApp
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import HandClock, reach, until


def test_the_right_pin_after_too_many_wrong_ones_is_told_to_wait(play: Callable[..., KioskApp]) -> None:
    clock, counter = HandClock(), ScriptedCounter()
    clerks = [RosteredPerson("01", "demo", kept_pin(b"1234", os.urandom))]
    counter.sign_in = CounterSignIn(clerks, None, clock)

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Desk")
        await until(pilot, lambda: app.screen.has_class("-locked"), "the lock")
        for _ in range(WRONG_IN_A_ROW):
            await pilot.press(*"019999", "enter")
            await until(pilot, lambda: "違います" in text_on(app), "that it was wrong")
        await pilot.press(*"011234", "enter")
        await until(pilot, lambda: "あと60秒" in text_on(app), "how long nobody is heard")
        assert "違います" not in text_on(app)
        clock.now_s += DEAF_S - 12.5
        await until(pilot, lambda: "あと13秒" in text_on(app), "how time passes")
        clock.now_s += 13
        await until(pilot, lambda: "職員番号と暗証番号" in text_on(app), "that it hears again")
        await pilot.press(*"011234", "enter")
        await until(pilot, lambda: not app.screen.has_class("-locked"), "the clerk")

    play(counter, clerk, seat="clerk", is_demo=False, now=clock)
