"""What the clerk's seat says is so: who is at the terminal, what is left, what can be done about it."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.model.transition import BEFORE_FEE, Stage
from kiosk.ui.app import KioskApp
from kiosk.ui.books import LeftCase
from kiosk.ui.clerk.left import can_be_ended, can_go_on
from kiosk.ui.widgets.key import Key
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, resident
from tests.ui.walk import reach, unhurried, until, walk_to


@pytest.fixture
def run(locale: Path) -> Callable[..., KioskApp]:
    """Has somebody use the app."""

    def play(counter: ScriptedCounter, what: Callable[..., object]) -> KioskApp:
        async def session() -> KioskApp:
            app = KioskApp(lambda: counter, issue=counter.issue, locale=locale, hand_clock=unhurried())
            async with app.run_test(size=(100, 30)) as pilot:
                await what(pilot, app)
                counter.script.let_go()
            return app

        return asyncio.run(session())

    return play


async def to(pilot: Pilot[None], key: str) -> None:
    await reach(pilot, "Desk")
    await pilot.press("m")
    await reach(pilot, "Menu")
    await pilot.press(key)


def test_a_password_change_stands_on_the_desk_and_can_be_stopped_there(run: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await pilot.press("escape")
        assert not app.screen.has_class("-asks-stop"), "there is nothing to stop"
        await pilot.press("f10")
        await reach(pilot, "Start")
        await pilot.press("5")
        await reach(pilot, "ChooseService")
        await pilot.press("1")
        await until(pilot, lambda: app.board.service is not None, "the password change")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        assert "パスワードの変更" in text_on(app) and "お客様は いません" not in text_on(app)
        await until(pilot, lambda: not app.screen.query_one("#stop", Key).disabled, "that it can be stopped")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.has_class("-asks-stop"), "the question")
        await pilot.click("#stop-yes")
        await until(pilot, lambda: app.board.service is None or app.board.service.ending is not None, "its end")

    run(ScriptedCounter(), clerk)


def test_the_desk_counts_what_is_left_as_it_is(run: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()
    case = LeftCase("2026-0001", resident(1), "delivered", "", False)

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await until(pilot, lambda: bool(app.board.left), "the case")
        await walk_to(pilot, "insert-card")
        counter.left = ()  # as its certificate was handed over elsewhere
        number = app.board.case.application.number
        counter.left = (LeftCase(number, resident(1), "filed", "", False),)
        counter.reader.insert()
        await pilot.press("f11")
        await reach(pilot, "CheckIdentity")
        await until(pilot, lambda: app.board.left == (), "that the case at the terminal is not left")

    counter.left = (case,)
    app = run(counter, clerk)
    assert app.fault is None


@pytest.mark.parametrize("stage", [Stage.SETTLED, Stage.CONFIRMED, Stage.RETURNED, *BEFORE_FEE])
def test_a_case_is_ended_before_the_fee_alone(stage: Stage) -> None:
    case = LeftCase("2026-0001", resident(0), stage.value, "", False)
    assert can_be_ended(case) == (stage in BEFORE_FEE)


def test_a_case_of_nobody_in_the_register_does_not_go_on_and_a_password_change_does() -> None:
    assert not can_go_on(LeftCase("2026-0001", None, "delivered", "", False))
    assert can_go_on(LeftCase("P2026-0001", None, "change_filed", "", False, "password_change"))


def test_what_can_only_go_on_says_so_and_ending_asks_back(run: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "LeftCases")
        assert re.search("取りやめは\\s*できません", text_on(app)) and "台帳に ない方です" in text_on(app)
        await pilot.press("d")
        await reach(pilot, "ChooseLeft")
        await pilot.press("1")
        await reach(pilot, "DecideCase")
        assert app.screen.query_one("#decide-abort", Key).disabled
        await pilot.press("escape")
        await to(pilot, "2")
        await reach(pilot, "LeftCases")
        await pilot.press("d")
        await reach(pilot, "ChooseLeft")
        await pilot.press("2")
        await reach(pilot, "DecideCase")
        await pilot.press("3")
        await reach(pilot, "ConfirmAbort")
        await pilot.press("enter")
        await reach(pilot, "Desk")
        await to(pilot, "2")

    counter.left = (
        LeftCase("2026-0001", resident(0), "confirmed", "", False),
        LeftCase("2026-0002", None, "delivered", "", False),
    )
    run(counter, clerk)


def test_somebody_who_was_absent_is_called_again(run: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await pilot.press("q")
        await reach(pilot, "QueueScreen")
        for key, awaited in (
            ("1", lambda: len(app.board.tickets) == 1),
            ("1", lambda: len(app.board.tickets) == 2),
            ("enter", lambda: app.board.calls == 1),
            ("a", lambda: app.board.calls is None),
            ("enter", lambda: app.board.calls == 2),
            ("4", lambda: app.board.calls == 1),
        ):
            await reach(pilot, "QueueScreen")
            await pilot.press(key)
            await until(pilot, awaited, f"what {key} does")
        await reach(pilot, "QueueScreen")
        await until(pilot, lambda: "4：1番" not in text_on(app), "the list without him")

    run(ScriptedCounter(), clerk)
