"""Nobody is hurried while he types a password; when he seems to have gone the clerk looks, and may end it."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from kiosk.model.step import Actor
from kiosk.ui.app import KioskApp
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.tower import CARD_LEFT_AFTER_S, TowerSign, sign_for
from kiosk.ui.words import LANGUAGES, RESIDENT_LANGUAGES
from tests.sweep import sweep
from tests.ui.fit import flaws
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import Script, ScriptedCounter
from tests.ui.test_frame import pass_time
from tests.ui.walk import SMALL, HandClock, find_resident, go, reach, take_up_duty, until, walk_to

ENTRY_S = 180

Way = Callable[[Pilot[None], KioskApp], Awaitable[None]]


async def change(pilot: Pilot[None], app: KioskApp) -> None:
    """The old password is asked for."""
    await reach(pilot, "Start")
    await go(pilot, ("5", "ChooseService"), ("1", "RecallPassword"))


async def change_further(pilot: Pilot[None], app: KioskApp) -> None:
    """The new one is."""
    await change(pilot, app)
    await pilot.press(*"AB01", "enter")
    await reach(pilot, "ChoosePassword")


async def unlock(pilot: Pilot[None], app: KioskApp) -> None:
    """The clerk has given leave."""
    await take_up_duty(pilot, "8")
    await find_resident(pilot, "花")
    await reach(pilot, "CheckIdentity")
    await pilot.press("1", "1", "2", "3", "enter")
    await go(pilot, ("enter", "Desk"), ("f10", "ChoosePassword"))


async def issue(pilot: Pilot[None], app: KioskApp) -> None:
    """The card is about to make its key."""
    await walk_to(pilot, "ChoosePassword")


async def look(pilot: Pilot[None], app: KioskApp) -> None:
    """A resident looks at his own certificate."""
    await reach(pilot, "Start")
    await go(pilot, ("1", "HandleCard"), ("enter", "EnterPassword"))


EVERY_WAY = pytest.mark.parametrize("way", sweep([change, change_further, unlock, issue, look], suite=[1, 3]))


@EVERY_WAY
def test_the_clerk_is_called_looks_and_ends_it(way: Way, play_by_clock: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await way(pilot, app)
        await pilot.press("A", "B")
        entry, board, under_way = app.screen, app.board, app.board.case or app.board.service
        await pass_time(app, clock, ENTRY_S - 1)
        assert not board.is_somebody_calling and not entry.has_class("-asks-presence")
        await pass_time(app, clock, 1)
        assert app.screen is entry, "no time ends what is typed"
        assert sign_for(board, 0) is TowerSign.NEEDS_CLERK and not board.is_clerk_called
        await until(pilot, lambda: "職員が 見にまいります" in text_on(app), "the word that somebody comes")
        assert "呼んでいます" not in text_on(app)
        await go(pilot, ("f11", "Desk"))
        await until(pilot, lambda: "お客様が いないようです" in text_on(app), "why he is called")
        await go(pilot, ("c", "LookAtDeserted"))
        assert "カードが リーダーに 残っているかもしれません" in text_on(app)
        await go(pilot, ("1", "Desk"))
        assert not board.is_somebody_calling
        await pilot.press("f10")
        await until(pilot, lambda: app.screen is not entry, "the end of it")
        assert len(entry._typed) == 0 and board.deserted is None
        if under_way is not None:
            await until(pilot, lambda: under_way.ending is not None, "how it ended")
            assert isinstance(under_way.ending, Trouble) and under_way.ending.outcome is Outcome.ROLLED_BACK

    play_by_clock(counter, people)


@EVERY_WAY
def test_who_comes_back_goes_on_and_nobody_is_called_any_more(way: Way, play_by_clock: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await way(pilot, app)
        await pilot.press("A", "B")
        entry = app.screen
        await pass_time(app, clock, 10 * ENTRY_S)
        assert app.board.is_deserted
        await pilot.press("0")
        assert app.screen is entry and not app.board.is_somebody_calling
        assert len(entry._typed) == 3
        await until(pilot, lambda: "職員が" not in text_on(app), "nobody comes any more")

    play_by_clock(ScriptedCounter(), people)


def test_what_the_clerk_looks_at_goes_away_with_the_call(play_by_clock: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await change(pilot, app)
        service = app.board.service
        await pass_time(app, clock, ENTRY_S)
        await go(pilot, ("f11", "Desk"), ("c", "LookAtDeserted"))
        app.board.come_back()
        await reach(pilot, "Desk")
        await go(pilot, ("c", "Desk"))
        assert service is not None and service.ending is None and not service.is_stopping

    play_by_clock(ScriptedCounter(), people)


def test_who_stops_it_is_in_the_record(play_by_clock: Callable[..., KioskApp], monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[Actor] = []

    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await change(pilot, app)
        assert app.board.service is not None
        line = app.board.service.line
        abandon = line.abandon
        monkeypatch.setattr(line, "abandon", lambda by, reason: (stopped.append(by), abandon(by, reason)))
        await pass_time(app, clock, ENTRY_S)
        app.board.end_deserted()
        app.board.end_deserted()
        await reach(pilot, "ServiceTrouble")

    play_by_clock(ScriptedCounter(), people)
    assert stopped == [Actor.CLERK]


@pytest.mark.parametrize("wish", ["1", "2"])
def test_a_card_whose_owner_has_gone_is_asked_for_until_somebody_takes_it(
    wish: str, play_by_clock: Callable[..., KioskApp]
) -> None:
    counter = ScriptedCounter()

    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        await go(pilot, (wish, "HandleCard"), ("enter", "EnterPassword"))
        await pilot.press("A", "B")
        await pass_time(app, clock, ENTRY_S)
        app.board.end_deserted()
        await reach(pilot, "HandleCard")
        assert "カードを お取りください" in text_on(app)
        assert sign_for(app.board, 0) is TowerSign.TAKE_CARD
        assert sign_for(app.board, CARD_LEFT_AFTER_S) is TowerSign.CARD_LEFT
        await go(pilot, ("f11", "Desk"))
        await until(pilot, lambda: "カードが まだ 端末に 入っています" in text_on(app), "the card")
        counter.reader.remove()
        await go(pilot, ("f10", "Start"))
        assert sign_for(app.board, CARD_LEFT_AFTER_S) is TowerSign.NOTHING

    play_by_clock(counter, people)


def test_where_no_password_is_typed_the_idle_guard_ends_it(play_by_clock: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("5", "ChooseService"), ("1", "ChoosePasswordMeant"))
        service = app.board.service
        for screen in ("ChoosePasswordMeant", "ServiceTrouble"):
            await reach(pilot, screen)
            await pass_time(app, clock, 60)
            assert app.screen.has_class("-asks-presence")
            await pass_time(app, clock, 30)
        await reach(pilot, "Start")
        assert service is not None and isinstance(service.ending, Trouble) and app.board.service is None

    play_by_clock(ScriptedCounter(Script(has_two_passwords=True)), people)


def test_the_words_fit_where_screens_are_smallest(play_by_clock: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await change(pilot, app)
        await pass_time(app, clock, ENTRY_S)
        await pilot.resize_terminal(*SMALL)
        for seat, keys in (("resident", ()), ("clerk", ("f11", "c"))):
            await pilot.press(*keys)
            await reach(pilot, "RecallPassword" if seat == "resident" else "LookAtDeserted")
            screen = app.screen
            assert isinstance(screen, SeatScreen)
            for language in RESIDENT_LANGUAGES if seat == "resident" else LANGUAGES:
                screen.seat.speak(language)
                await screen.compose_anew()
                await pilot.pause()
                assert not flaws(screen), language

    play_by_clock(ScriptedCounter(), people)
