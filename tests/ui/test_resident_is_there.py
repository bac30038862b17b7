"""A resident who is at the terminal keeps his place there: what the clerk sends meets the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from tests.ui.contact_sheet import type_form
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, a_left_case, resident
from tests.ui.walk import reach, unhurried, until, walk_to

Play = Callable[[Pilot[None], KioskApp], Awaitable[None]]


@pytest.fixture
def play(locale: Path) -> Callable[..., KioskApp]:
    """Runs an app and plays something on it."""

    def run(what: Play, counter: ScriptedCounter | None = None) -> KioskApp:
        at_counter = counter or ScriptedCounter()

        async def session() -> KioskApp:
            app = KioskApp(lambda: at_counter, issue=at_counter.issue, locale=locale, hand_clock=unhurried())
            async with app.run_test(size=(100, 30)) as pilot:
                await what(pilot, app)
                at_counter.script.let_go()
            return app

        return asyncio.run(session())

    return run


async def send_form(pilot: Pilot[None], whose: str = "花") -> None:
    """The clerk takes a form in for the terminal."""
    await pilot.press("f11")
    await reach(pilot, "Desk")
    await pilot.press("m")
    await reach(pilot, "Menu")
    await pilot.press("1")
    await reach(pilot, "FindResident")
    await pilot.press(whose)
    await pilot.pause()
    await pilot.press("enter")


async def is_refused(pilot: Pilot[None]) -> None:
    """The clerk is told why nothing came of it."""
    await reach(pilot, "Decided")
    assert "端末は、いま使われています" in text_on(pilot.app)
    await pilot.press("enter")
    await reach(pilot, "Desk")


async def nowhere(name: str) -> None:
    """No picture is taken."""


def test_a_form_is_not_sent_to_a_terminal_at_which_somebody_is(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "Guide")
        await pilot.press("enter")
        await reach(pilot, "ChooseApplication")
        await pilot.press("3")
        await reach(pilot, "ConfirmItems")
        await send_form(pilot)
        await is_refused(pilot)
        await pilot.press("f10")
        await reach(pilot, "ConfirmItems")
        assert "斎藤　清" in text_on(app) and "花子" not in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "HandleCard")
        assert app.board.case is not None and app.board.case.resident == resident(2)

    play(people)


def test_a_form_that_comes_all_the_same_waits_for_the_next_start(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "Guide")
        await pilot.press("enter")
        await reach(pilot, "ChooseApplication")
        # Of a clerk elsewhere, who took it in when the terminal was still free.
        app.board.offer(resident(1))
        await pilot.press("3")
        await reach(pilot, "ConfirmItems")
        assert "斎藤　清" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "HandleCard")
        assert app.board.case is not None and app.board.case.resident == resident(2)
        assert app.board.offered == resident(1)

    play(people)


def test_a_form_that_was_typed_and_taken_is_not_lost_for_another(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "Guide")
        await pilot.press("enter")
        await reach(pilot, "ChooseApplication")
        await pilot.press("0")
        await type_form(pilot, nowhere, day="3")
        await reach(pilot, "ConfirmForm")
        await pilot.press("enter")
        await reach(pilot, "AtReception")
        app.board.offer(resident(2))
        await pilot.press("f11")
        await reach(pilot, "CompareForm")
        await until(pilot, lambda: "花子" in text_on(app), "whose it is")
        await pilot.press("5")
        await reach(pilot, "Desk")
        await pilot.press("f10")
        await reach(pilot, "HandleCard")
        assert app.board.case is not None and app.board.case.resident == resident(1)

    play(people)


def test_a_second_form_does_not_take_the_place_of_the_first(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await send_form(pilot)
        await reach(pilot, "Desk")
        await send_form(pilot, "斎")
        await is_refused(pilot)
        await pilot.press("f10")
        await reach(pilot, "ConfirmItems")
        assert "花子" in text_on(app)

    play(clerk)


def test_a_left_case_is_not_gone_on_with_while_somebody_else_is_at_the_terminal(
    play: Callable[..., KioskApp],
) -> None:
    counter = ScriptedCounter()
    a_left_case(counter)

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ConfirmItems")
        await pilot.press("f11")
        await reach(pilot, "LeftCases")
        await pilot.press("enter")
        await is_refused(pilot)
        assert app.board.case is None
        await pilot.press("f10")
        await reach(pilot, "ConfirmItems")

    play(people, counter)
