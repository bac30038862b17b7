"""Outside the counter's hours the first screen says so, and begins no new application; what runs goes on."""

import datetime
from collections.abc import Callable

from textual.pilot import Pilot

from kiosk.clock import JAPAN
from kiosk.reception_hours import Hours, ReceptionHours
from kiosk.ui.app import KioskApp
from kiosk.ui.resident.start import Start
from kiosk.ui.words import RESIDENT_LANGUAGES
from tests.ui.fit import flaws
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, a_left_case
from tests.ui.test_resident_is_there import send_form
from tests.ui.walk import LARGE, SMALL, USUAL, go, reach, until, walk_to

DAY = Hours(datetime.time(8, 30), datetime.time(17, 15))
EVENING = datetime.datetime(2026, 11, 20, 18, 0, tzinfo=JAPAN)
MORNING = datetime.datetime(2026, 11, 24, 8, 30, tzinfo=JAPAN)


def counter_at(now: datetime.datetime) -> ScriptedCounter:
    counter = ScriptedCounter()
    counter.hours = ReceptionHours((DAY,) * 5, (datetime.date(2026, 11, 23),))
    counter.clock = lambda: now
    return counter


async def look_at_hours(app: KioskApp) -> None:
    """What a few seconds do."""
    assert isinstance(app.screen, Start)
    await app.screen.look_at_hours()


def test_the_first_screen_says_when_to_come_again_and_begins_nothing(play: Callable[..., KioskApp]) -> None:
    counter = counter_at(EVENING)

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        text = text_on(app)
        assert "ただいま 受付時間外です" in text and "8:30〜17:15" in text and "11月24日（火）8:30〜17:15" in text
        assert not app.screen.query("#begin") and not app.screen.query("#wish-services")
        app.board.calls = 17
        app.board.bell.ring()
        await until(pilot, lambda: "17番" in text_on(app), "the number of one who waited")
        app.board.calls = None
        await pilot.press("5")
        await reach(pilot, "Start")
        await go(pilot, ("3", "Topic"), ("escape", "Start"))
        counter.clock = lambda: MORNING
        await look_at_hours(app)
        await until(pilot, lambda: "受付時間外" not in text_on(app), "the morning")
        await go(pilot, ("enter", "Guide"))

    play(counter, people)


def test_the_words_fit(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        for size in (USUAL, SMALL, LARGE):
            await pilot.resize_terminal(*size)
            for layout in ("usual", "large", "lower"):
                app.screen.seat.arrange(layout)
                app.screen.remove_class("-arranged-usual", "-arranged-large", "-arranged-lower")
                app.screen.add_class(f"-arranged-{layout}")
                for language in RESIDENT_LANGUAGES:
                    app.screen.seat.speak(language)
                    await app.screen.compose_anew()
                    await pilot.pause()
                    assert not flaws(app.screen), f"{size} {layout} {language}"

    play(counter_at(EVENING), people)


def test_what_runs_when_it_closes_goes_on(play: Callable[..., KioskApp]) -> None:
    counter = counter_at(EVENING.replace(hour=17))

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "Agree")
        counter.clock = lambda: EVENING
        await go(pilot, ("enter", "FeeNotice"))
        assert app.board.case is not None and app.board.case.ending is None

    play(counter, people)


def test_the_clerk_may_take_in_and_go_on_all_the_same(play: Callable[..., KioskApp]) -> None:
    async def sends(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await send_form(pilot)
        await go(pilot, ("f10", "ConfirmItems"))

    async def goes_on(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "LeftCases"))
        await pilot.press("enter")
        await until(pilot, lambda: app.board.case is not None, "the case that was left")

    play(counter_at(EVENING), sends)
    counter = counter_at(EVENING)
    a_left_case(counter)
    play(counter, goes_on)
