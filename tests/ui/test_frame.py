"""What every screen has: the focus that Enter obeys, persons who leave, any size of the glass."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import events
from textual.pilot import Pilot

from hw.ports import PinPolicy
from kiosk.ui.app import KioskApp
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.resident.password import ChoosePassword
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from tests.ui.screen_host import ScreenHost, show, text_on
from tests.ui.scripted_counter import LETTERS, ScriptedCounter
from tests.ui.walk import HandClock, go, reach, until, walk_to


async def pass_time(app: KioskApp, clock: HandClock, seconds: float) -> None:
    """Nobody touches the terminal for so long."""
    app.mind_idleness()
    clock.now_s += seconds
    app.mind_idleness()
    # The question is put on the glass by the screen itself, in its turn.
    async with asyncio.timeout(60):
        while app.screen.has_class("-asks-presence") and f"あと{app.screen._left_s}秒" not in text_on(app):
            await asyncio.sleep(0)


def tap(app: KioskApp, key: Key) -> None:
    """A finger on a key, as the terminal's driver tells the app; a pilot's click goes past the app."""
    x, y = key.region.offset
    for kind in (events.MouseDown, events.MouseUp):
        app.post_message(kind(None, x + 2, y + 2, 0, 0, 1, False, False, False))


def test_a_resident_who_has_left_makes_place_for_the_next(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "ConfirmItems")
        await pass_time(app, clock, 59)
        assert not app.screen.has_class("-asks-presence")
        await pass_time(app, clock, 1)
        assert "まだ いらっしゃいますか。\nあと30秒" in text_on(app)
        await pass_time(app, clock, 30)
        await reach(pilot, "Start")
        assert "幌延　" not in text_on(app)

    assert play_by_clock(ScriptedCounter(), resident).board.ended == []


def test_whoever_is_still_there_only_says_so(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "ConfirmItems")
        for answer in ("enter", "escape", "5", "tap"):
            await pass_time(app, clock, 80)
            assert app.screen.has_class("-asks-presence")
            if answer == "tap":
                tap(app, app.screen.query_one("#stay", Key))
                await pilot.pause()
            else:
                await pilot.press(answer)
            assert type(app.screen).__name__ == "ConfirmItems" and not app.screen.has_class("-asks-presence")
            assert not app.screen.has_class("-asks-stop"), "the touch answers the question and does nothing else"
        await pass_time(app, clock, 59)
        await pilot.press("enter")
        await reach(pilot, "HandleCard")

    play_by_clock(ScriptedCounter(), resident)


def test_nobody_is_hurried_while_a_password_is_typed_or_others_act(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "come-to-window")
        await pass_time(app, clock, 10_000)
        assert type(app.screen).__name__ == "Notice"
        await pilot.press("f11")
        await reach(pilot, "CheckIdentity")
        await pilot.press("1")
        await until(pilot, lambda: bool(app.screen.query("#check-face")), "what to look at")
        await pilot.press("1", "2", "3", "enter")
        await reach(pilot, "Approve")
        await go(pilot, ("enter", "Desk"), ("f10", "ChoosePassword"))
        await pilot.press("A", "B")
        await pass_time(app, clock, 10_000)
        assert "● ●" in text_on(app) and not app.screen.has_class("-asks-presence")

    play_by_clock(ScriptedCounter(), resident)


def test_who_leaves_before_paying_has_the_case_taken_back(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "Agree")
        await pass_time(app, clock, 90)
        await reach(pilot, "TroubleNotice")
        await pass_time(app, clock, 90)
        assert type(app.screen).__name__ == "TroubleNotice", "his card is still inside"
        await pilot.click("#hand")
        await reach(pilot, "Start")

    (case,) = play_by_clock(ScriptedCounter(), resident).board.ended
    assert isinstance(case.ending, Trouble) and case.ending.outcome is Outcome.ROLLED_BACK


def test_personal_data_is_covered_after_a_while_and_shown_again(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "ConfirmItems")
        assert "幌延　花子" in text_on(app)
        app.call_later(app.screen.cover)
        await until(pilot, lambda: any(key.region.area for key in app.screen.query("#show")), "the key")
        assert "幌延" not in text_on(app).replace("幌延町役場", "")
        await pilot.click("#show")
        await until(pilot, lambda: "幌延　花子" in text_on(app), "the items")
        await pilot.press("enter")
        await reach(pilot, "HandleCard")

    play_by_clock(ScriptedCounter(), resident)


def test_enter_presses_the_key_that_says_enter_and_no_other(play_by_clock: Callable[..., KioskApp]) -> None:
    async def anybody(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        for _ in range(len(app.screen.query(Key)) + 1):
            says_enter = [key for key in app.screen.query(Key) if "Enter" in str(key.render())]
            assert says_enter == [app.focused]
            await pilot.press("tab")
        while app.focused is None or app.focused.id != "begin":
            await pilot.press("tab")
        await pilot.press("enter")
        await reach(pilot, "Guide")

    play_by_clock(ScriptedCounter(), anybody)


def test_any_size_of_the_glass_is_survived(play_by_clock: Callable[..., KioskApp]) -> None:
    async def anybody(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        for screen in ("Start", "Guide", "ConfirmItems"):
            if screen != "Start":
                await walk_to(pilot, screen)
            for size in ((1, 1), (3, 200), (500, 2), (100, 30)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
            assert type(app.screen).__name__ == screen and app.fault is None
            before, focused = text_on(app), app.focused
            for size in ((80, 24), (89, 26), (90, 25), (2, 2), (1, 1)):
                await pilot.resize_terminal(*size)
                await until(pilot, lambda: bool(app.screen.query(".too-small")), "the page that says so")
                await pilot.press("enter", "1", "9", "escape", "f3", "f11", "e")
                await pilot.click(offset=(0, 0))
                assert type(app.screen).__name__ == screen
            await pilot.resize_terminal(90, 26)
            await until(pilot, lambda: not app.screen.query(".too-small"), "the screen")
            assert text_on(app) == before and app.focused is focused and not app.screen.has_class("-asks-stop")
            while type(app.screen).__name__ != "Start":
                await pilot.press("escape", "left", "enter")
                await pilot.pause()

    play_by_clock(ScriptedCounter(), anybody)


def test_a_hidden_key_keeps_no_trace_of_a_pasted_password(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        host.post_message(events.Paste("AB01"))
        await pilot.pause()
        assert "AB01" not in host.text and "●" not in host.text

    assert show(lambda seat: ChoosePassword(seat, 3, PinPolicy(4, 16, LETTERS)), locale, use) == []


def test_a_screen_that_leaves_while_the_seat_changes_takes_no_other_seats_screen_along(
    play_by_clock: Callable[..., KioskApp],
) -> None:
    async def anybody(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        start = app.screen
        assert isinstance(start, SeatScreen)
        await pilot.press("f11")
        await reach(pilot, "Desk")
        # Between the answer and this the clerk has come to the front.
        start.seat._going = start
        start.seat._clear(start)
        await pilot.pause()
        assert type(app.screen).__name__ == "Desk"

    play_by_clock(ScriptedCounter(), anybody)
