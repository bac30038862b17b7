"""A resident who is at the terminal keeps his place there: what the clerk sends meets the next one."""

from collections.abc import Callable

from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.widgets.key import Key
from tests.ui.contact_sheet import type_form
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, a_left_case, resident
from tests.ui.walk import choose_duty, find_resident, go, reach, unseen, until, walk_to


async def send_form(pilot: Pilot[None], whose: str = "花") -> None:
    """The clerk takes a form in for the terminal."""
    await pilot.press("f11")
    await choose_duty(pilot, "1")
    await find_resident(pilot, whose)


async def is_refused(pilot: Pilot[None]) -> None:
    """The clerk is told why nothing came of it."""
    await reach(pilot, "Decided")
    assert "端末は、いま使われています" in text_on(pilot.app)
    await pilot.press("enter")
    await reach(pilot, "Desk")


def test_a_form_is_not_sent_to_a_terminal_at_which_somebody_is(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChooseApplication")
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

    play(ScriptedCounter(), people)


def test_a_form_that_comes_all_the_same_waits_for_the_next_start(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChooseApplication")
        # Of a clerk elsewhere, who took it in when the terminal was still free.
        app.board.offer(resident(1))
        await pilot.press("3")
        await reach(pilot, "ConfirmItems")
        assert "斎藤　清" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "HandleCard")
        assert app.board.case is not None and app.board.case.resident == resident(2)
        assert app.board.offered == resident(1)

    play(ScriptedCounter(), people)


def test_a_form_that_was_typed_and_taken_is_not_lost_for_another(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChooseApplication")
        await pilot.press("0")
        await type_form(pilot, unseen, day="3")
        await reach(pilot, "ConfirmForm")
        await pilot.press("enter")
        await reach(pilot, "AtReception")
        app.board.offer(resident(2))
        await pilot.press("f11")
        await reach(pilot, "CompareForm")
        await until(pilot, lambda: "花子" in text_on(app), "whose it is")
        await go(pilot, ("5", "Desk"), ("f10", "HandleCard"))
        assert app.board.case is not None and app.board.case.resident == resident(1)

    play(ScriptedCounter(), people)


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

    play(ScriptedCounter(), clerk)


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

    play(counter, people)


async def name_cause(pilot: Pilot[None]) -> None:
    """The office was informed that somebody has moved."""
    await choose_duty(pilot, "7")
    await find_resident(pilot, "太郎")
    await reach(pilot, "ChooseCause")
    await pilot.press("3")
    await until(pilot, lambda: not pilot.app.screen.query_one("#begin", Key).disabled, "the cause")
    await pilot.press("enter")


def test_no_second_clerk_signs_for_a_revocation_that_cannot_begin(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ConfirmItems")
        await pilot.press("f11")
        await name_cause(pilot)
        await until(pilot, lambda: type(app.screen).__name__ not in ("ChooseCause", "Desk"), "the answer")
        await is_refused(pilot)

    play(ScriptedCounter(), people)


def test_a_second_clerk_is_not_asked_any_more_once_a_resident_has_sat_down(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await name_cause(pilot)
        await reach(pilot, "SecondClerk")
        await go(pilot, ("f10", "Start"), ("enter", "Guide"), ("f11", "Decided"))
        await is_refused(pilot)
        assert app.board.service is None

    play(ScriptedCounter(), people)
