"""What every screen has: the focus that Enter obeys, persons who leave, any size of the glass."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import events
from textual.pilot import Pilot

from hw.ports import PinPolicy
from kiosk.model.step import Actor
from kiosk.ui.app import KioskApp
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.resident.password import ChoosePassword
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.tower import CARD_LEFT_AFTER_S, TowerSign, sign_for
from kiosk.ui.widgets.call_key import CallKey
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import RESIDENT_LANGUAGES
from tests.ui.bots import RecordedVoice
from tests.ui.fit import flaws
from tests.ui.screen_host import ScreenHost, show, text_on
from tests.ui.scripted_counter import LETTERS, ScriptedCounter
from tests.ui.walk import LARGE, SMALL, USUAL, HandClock, go, reach, until, walk_to


async def pass_time(app: KioskApp, clock: HandClock, seconds: float) -> None:
    """Nobody touches the terminal for so long."""
    app.mind_idleness()
    clock.now_s += seconds
    app.mind_idleness()
    # The question is put on the glass by the screen itself, in its turn.
    async with asyncio.timeout(60):
        while app.screen.has_class("-asks-presence") and not _is_asked(app):
            await asyncio.sleep(0)


def _is_asked(app: KioskApp) -> bool:
    """Whether the glass shows the question with the seconds that are left."""
    question = app.screen._presence_text
    is_put = any(told.text == question for told in app.screen.query("#presence").results(Paragraph))
    return is_put and str(app.screen._left_s) in text_on(app)


def focused_id(app: KioskApp) -> str | None:
    """The id of the key that Enter presses."""
    return None if app.focused is None else app.focused.id


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


def test_a_resident_who_leaves_before_his_card_is_in_blocks_nobody(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "insert-card")
        await pass_time(app, clock, 60)
        assert app.screen.has_class("-asks-presence")
        await pass_time(app, clock, 30)
        await reach(pilot, "TroubleNotice")
        await pass_time(app, clock, 60)
        await pass_time(app, clock, 30)
        await reach(pilot, "Start")

    board = play_by_clock(ScriptedCounter(), resident).board
    assert board.case is None and [case.stopped_by for case in board.ended] == [Actor.RESIDENT]


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
        await reach(pilot, "HandleCard")
        assert "カードを お取りください" in text_on(app) and app.board.case is None, "his card is still inside"
        await pass_time(app, clock, 10_000)
        assert sign_for(app.board, CARD_LEFT_AFTER_S) is TowerSign.CARD_LEFT
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
        clock.now_s += 1
        await pilot.press("enter")
        await until(pilot, lambda: "幌延　花子" in text_on(app), "the items")
        clock.now_s += 0.25
        tap(app, app.screen.query_one("#yes", Key))
        await pilot.pause()
        assert type(app.screen).__name__ == "ConfirmItems", "nobody has read them in so short a time"
        await pilot.press("enter")
        await reach(pilot, "HandleCard")

    play_by_clock(ScriptedCounter(), resident)


def test_somebody_is_called_by_a_key_on_the_glass_that_then_says_so(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "ConfirmItems")
        call = app.screen.query_one(CallKey)
        place, answer = call.region, app.focused
        assert call.label == "職員を呼ぶ" and focused_id(app) == "yes"
        for _ in range(2):
            clock.now_s += 1
            tap(app, call)
            await until(pilot, lambda: call.label == "呼んでいます", "the key's other label")
            await pilot.pause()
            assert app.board.is_clerk_called and call.region == place and "職員を お呼びしました" in text_on(app)
            assert app.focused is answer, "Enter still gives the screen's own answer"
        app.board.answer_call()
        await until(pilot, lambda: call.label == "職員を呼ぶ", "the key's first label: called twice, answered once")
        # Pressed by Enter it keeps the focus: pressed once more in doubt it answers nothing.
        app.screen.set_focus(call)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: app.board.is_clerk_called, "the call")
        assert app.focused is call and type(app.screen).__name__ == "ConfirmItems"

    play_by_clock(ScriptedCounter(), resident)


def test_who_does_not_see_hears_how_to_call_and_that_somebody_was_called(play: Callable[..., KioskApp]) -> None:
    voice = RecordedVoice()

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ConfirmItems")
        await until(pilot, lambda: "F1を押すと、職員を呼ぶ。" in voice.said[-1], "the way to call")
        await pilot.press("f1")
        await until(pilot, lambda: voice.said[-1].startswith("職員を お呼びしました。"), "that they are called")
        assert "F1を" not in voice.said[-1] and "Enterを押すと、" in voice.said[-1]
        app.board.answer_call()
        await until(pilot, lambda: "F1を押すと、職員を呼ぶ。" in voice.said[-1], "the way to call again")
        assert "お呼びしました" not in voice.said[-1]

    play(ScriptedCounter(), resident, voice=voice)


def test_language_and_look_are_two_presses_away(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "ConfirmItems")
        screen = app.screen
        assert isinstance(screen, SeatScreen)
        look = screen.seat.look
        await pilot.click("#comfort")
        await until(pilot, lambda: any(key.region.area for key in screen.query("#look")), "the keys")
        await pilot.click("#look")
        await until(pilot, lambda: screen.seat.look != look, "another look")
        assert screen.asks_comfort, "the next look is one press away"
        await pilot.click("#speak")
        await until(pilot, lambda: "Is everything on your form right?" in text_on(app), "the page in English")
        assert not screen.asks_comfort and focused_id(app) == "yes"

    play_by_clock(ScriptedCounter(), resident)


def test_what_stands_in_place_of_the_keys_fits_and_leaves_the_call_where_it_was(play: Callable[..., KioskApp]) -> None:
    told: list[str] = []

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        # Here one can stop; what is asked is asked in the same words everywhere.
        await walk_to(pilot, "ConfirmItems")
        screen = app.screen
        assert isinstance(screen, SeatScreen)
        for size in (USUAL, SMALL, LARGE):
            await pilot.resize_terminal(*size)
            for language in RESIDENT_LANGUAGES:
                screen.seat.speak(language)
                await screen.compose_anew()
                await pilot.pause()
                place = screen.query_one(CallKey).region
                for ask, answer in ((screen.offer_comfort, "comfort-back"), (screen.action_ask_stop, "stop-no")):
                    (app.board.answer_call if app.board.is_clerk_called else app.board.call_clerk)()
                    app.call_later(ask)
                    await until(pilot, lambda answer=answer: focused_id(app) == answer, "the keys")
                    await pilot.pause()
                    told.extend(f"{size} {language}: {flaw}" for flaw in flaws(screen))
                    calls = {key.label: key.region for key in screen.query(CallKey) if key.region.area}
                    assert list(calls.values()) == [place] and len(calls) == 1
                    assert app.board.is_clerk_called == (screen.words("key.called") in calls)
                    await pilot.press("escape")
                    assert not screen.asks_comfort and not screen.asks_stop
                    # Meanwhile the items may have been covered.
                    assert focused_id(app) in ("yes", "show")

    play(ScriptedCounter(), resident)
    assert not told, "\n".join(told)


def test_enter_never_presses_a_key_that_a_question_stands_on(play_by_clock: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "ConfirmItems")
        await pilot.press("escape")
        await pass_time(app, clock, 80)
        assert app.screen.has_class("-asks-presence", "-asks-stop")
        await pilot.press("enter")
        assert not app.screen.has_class("-asks-presence")
        assert focused_id(app) == "stop-no", "what was asked before is asked again"
        await pilot.press("enter")
        await pilot.pause()
        assert type(app.screen).__name__ == "ConfirmItems" and not app.screen.has_class("-asks-stop")

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
