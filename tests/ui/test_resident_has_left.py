"""Who walks away leaves the terminal to the next, and what he had asked of the staff is still asked."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.model.revocation import RevocationCause
from kiosk.ui.app import KioskApp
from kiosk.ui.widgets.banner import Banner
from kiosk.ui.widgets.call_key import CallKey
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, resident
from tests.ui.test_frame import pass_time
from tests.ui.test_resident_is_there import send_form
from tests.ui.walk import HandClock, find_resident, go, reach, take_up_duty, until, walk_to


@pytest.mark.parametrize("keys", [("1",), ("2",)])
def test_a_card_that_nobody_puts_in_is_waited_for_while_somebody_is_there(
    keys: tuple[str, ...], play_by_clock: Callable[..., KioskApp]
) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        await pilot.press(*keys)
        await reach(pilot, "HandleCard")
        await pass_time(app, clock, 60)
        assert "まだ いらっしゃいますか" in text_on(app)
        await pass_time(app, clock, 30)
        await reach(pilot, "Start")
        await send_form(pilot)
        await reach(pilot, "Desk")
        await pilot.press("f10")
        await reach(pilot, "ConfirmItems")

    play_by_clock(ScriptedCounter(), resident)


@pytest.mark.parametrize("wish", ["1", "2"])
def test_a_password_is_not_asked_for_when_the_card_has_gone(wish: str, play_by_clock: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        await pilot.press(wish)
        await reach(pilot, "HandleCard")
        await pilot.press("enter")
        await reach(pilot, "EnterPassword")
        await pilot.press("A", "B")
        await pass_time(app, clock, 10_000)
        assert type(app.screen).__name__ == "EnterPassword", "nobody is hurried with his card inside"
        counter.reader.remove()
        await reach(pilot, "CardNotice")
        assert "カードが 抜けました" in text_on(app)
        await pass_time(app, clock, 10_000)
        await reach(pilot, "Start")

    play_by_clock(counter, resident)


def test_who_says_that_a_form_is_not_his_is_met_by_somebody_who_knows(play_by_clock: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        await send_form(pilot)
        await reach(pilot, "Desk")
        await go(pilot, ("f10", "ConfirmItems"), ("2", "Consult"))
        assert app.board.is_clerk_called and app.board.denied == resident(1)
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await until(pilot, lambda: "花子様の申請書は「違います」" in text_on(app), "what he said")
        await pilot.press("c")
        await until(pilot, lambda: "「違います」" not in text_on(app), "the clerk is on his way")

    assert play_by_clock(ScriptedCounter(), people).board.case is None


def test_a_form_taken_at_the_terminal_that_is_not_right_calls_somebody_too(
    play_by_clock: Callable[..., KioskApp],
) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await walk_to(pilot, "ConfirmItems")
        await pilot.press("2")
        await reach(pilot, "Consult")
        assert app.board.is_clerk_called and app.board.denied is not None

    play_by_clock(ScriptedCounter(), people)


def test_who_wants_a_revocation_and_sits_down_is_still_expected(play_by_clock: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("5", "ChooseService"), ("2", "WishRevocation"), ("2", "AskForClerk"))
        await pass_time(app, clock, 60)
        await pass_time(app, clock, 30)
        await reach(pilot, "Start")
        board = app.board
        assert board.is_clerk_called and board.revocation_wished is RevocationCause.COMPROMISED
        # The next resident changes his password meanwhile.
        await go(pilot, ("5", "ChooseService"), ("1", "RecallPassword"))
        assert board.is_clerk_called and board.revocation_wished is not None and not board.takes_procedure
        await pilot.press("escape", "left", "enter")
        await reach(pilot, "ServiceTrouble")
        await pilot.press("enter")
        await take_up_duty(pilot, "7")
        await find_resident(pilot, "花")
        await reach(pilot, "ChooseCause")
        assert board.is_clerk_called and board.revocation_wished is RevocationCause.COMPROMISED

    play_by_clock(ScriptedCounter(), people)


def test_who_takes_his_wish_back_is_expected_no_more(play_by_clock: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("5", "ChooseService"), ("2", "WishRevocation"), ("1", "AskForClerk"), ("escape", "Start"))
        assert not app.board.is_clerk_called and app.board.revocation_wished is None

    play_by_clock(ScriptedCounter(), people)


def test_who_called_and_left_is_still_expected_and_the_next_has_not_called(
    play_by_clock: Callable[..., KioskApp],
) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        board = app.board
        await reach(pilot, "Start")
        await go(pilot, ("enter", "Guide"), ("f1", "Guide"))
        await until(pilot, lambda: "職員を お呼びしました" in banner(app), "what he has done")
        await pilot.press("escape", "left", "enter")
        await reach(pilot, "Start")
        assert board.is_clerk_called and "職員を お呼びしました" not in banner(app)
        assert not app.screen.query_one(CallKey).is_calling
        await go(pilot, ("f11", "Desk"))
        await until(pilot, lambda: "もう端末に いません" in text_on(app), "who is to be looked for")
        await go(pilot, ("f10", "Start"), ("f1", "Start"))
        await until(pilot, lambda: "職員を お呼びしました" in banner(app), "the next one's own call")
        await go(pilot, ("f11", "Desk"))
        await until(pilot, lambda: "お客様が 職員を 呼んでいます" in text_on(app), "who calls now")
        await pilot.press("c")
        assert not board.is_clerk_called and not board.has_caller_left

    play_by_clock(ScriptedCounter(), people)


def test_who_only_calls_at_the_first_screen_and_goes_leaves_it_as_it_was(
    play_by_clock: Callable[..., KioskApp],
) -> None:
    async def people(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await reach(pilot, "Start")
        await pilot.press("f1", "e")
        await until(pilot, lambda: "Our staff are coming" in banner(app), "his call, in his language")
        screen = app.screen
        await pass_time(app, clock, 89)
        assert app.screen is screen and not screen.has_class("-asks-presence")
        await pass_time(app, clock, 1)
        await until(pilot, lambda: app.screen is not screen, "another first screen")
        await reach(pilot, "Start")
        assert app.board.is_clerk_called and "電子証明書のお手続き" in banner(app)
        screen = app.screen
        await pass_time(app, clock, 1000)
        await pilot.pause()
        assert app.screen is screen, "nothing to be made ready"

    play_by_clock(ScriptedCounter(), people)


def banner(app: KioskApp) -> str:
    """What stands at the top of the glass."""
    return app.screen.query_one(Banner).text


LOOKED_INTO = (("3", "Topic"), ("4", "Comfort"), ("5", "ChooseService"))
BEGUN = (("enter", "Guide"), ("1", "HandleCard"), ("2", "HandleCard"))


async def begin_in_english(pilot: Pilot[None], app: KioskApp, key: str, screen: str) -> None:
    await reach(pilot, "Start")
    await go(pilot, ("e", "Start"))
    await until(pilot, lambda: "Get a digital certificate" in text_on(app), "the page in English")
    await pilot.press(key)
    await reach(pilot, screen)


@pytest.mark.parametrize(("key", "screen"), LOOKED_INTO)
def test_who_only_goes_back_is_still_there_and_keeps_his_language(
    key: str, screen: str, play_by_clock: Callable[..., KioskApp]
) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await begin_in_english(pilot, app, key, screen)
        await pilot.press("escape")
        await reach(pilot, "Start")
        assert "Get a digital certificate" in text_on(app)

    play_by_clock(ScriptedCounter(), resident)


@pytest.mark.parametrize(("key", "screen"), (*LOOKED_INTO, *BEGUN))
def test_after_whoever_has_left_the_next_is_welcomed_at_once(
    key: str, screen: str, play_by_clock: Callable[..., KioskApp]
) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp, clock: HandClock) -> None:
        await begin_in_english(pilot, app, key, screen)
        await pass_time(app, clock, 60)
        await pass_time(app, clock, 30)
        await reach(pilot, "Start")
        await until(pilot, lambda: "電子証明書の発行" in text_on(app), "the page as it welcomes people")

    play_by_clock(ScriptedCounter(), resident)
