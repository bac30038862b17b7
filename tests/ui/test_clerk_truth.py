"""What the clerk's seat says is so: who is at the terminal, what is left, what can be done about it."""

import re
from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.model.decision import can_be_ended
from kiosk.model.transition import BEFORE_FEE, Stage
from kiosk.ui.app import KioskApp
from kiosk.ui.books import LeftCase
from kiosk.ui.clerk.left import can_go_on
from kiosk.ui.widgets.key import Key
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, resident
from tests.ui.walk import choose_duty, go, reach, until, walk_to


def test_a_password_change_stands_on_the_desk_and_can_be_stopped_there(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await pilot.press("escape")
        assert not app.screen.has_class("-asks-stop"), "there is nothing to stop"
        await go(pilot, ("f10", "Start"), ("5", "ChooseService"))
        await pilot.press("1")
        await until(pilot, lambda: app.board.service is not None, "the password change")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        assert "パスワードの変更" in text_on(app) and "手続中の方は いません" not in text_on(app)
        await until(pilot, lambda: not app.screen.query_one("#stop", Key).disabled, "that it can be stopped")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.has_class("-asks-stop"), "the question")
        await pilot.click("#stop-yes")
        await until(pilot, lambda: app.board.service is None or app.board.service.ending is not None, "its end")

    play(ScriptedCounter(), clerk)


def test_the_desk_counts_what_is_left_as_it_is(play: Callable[..., KioskApp]) -> None:
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
    app = play(counter, clerk)
    assert app.fault is None


@pytest.mark.parametrize("stage", [Stage.SETTLED, Stage.CONFIRMED, Stage.RETURNED, *BEFORE_FEE])
def test_a_case_is_ended_before_the_fee_alone(stage: Stage) -> None:
    assert can_be_ended(stage) == (stage in BEFORE_FEE)


def test_a_case_of_nobody_in_the_register_does_not_go_on_and_a_password_change_does() -> None:
    assert not can_go_on(LeftCase("2026-0001", None, "delivered", "", False))
    assert can_go_on(LeftCase("P2026-0001", None, "change_filed", "", False, "password_change"))


def test_what_can_only_go_on_says_so_and_ending_asks_back(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "LeftCases")
        assert re.search("取りやめは\\s*できません", text_on(app)) and "台帳に ない方です" in text_on(app)
        await go(pilot, ("d", "ChooseLeft"), ("1", "DecideCase"))
        assert app.screen.query_one("#decide-abort", Key).disabled
        assert re.search("保留にも中止にも\\s*できません", text_on(app)), "before a day is chosen"
        await pilot.press("escape")
        await choose_duty(pilot, "2")
        await reach(pilot, "LeftCases")
        await go(pilot, ("d", "ChooseLeft"), ("2", "DecideCase"), ("3", "ConfirmAbort"), ("enter", "Desk"))
        await choose_duty(pilot, "2")

    counter.left = (
        LeftCase("2026-0001", resident(0), "confirmed", "", False),
        LeftCase("2026-0002", None, "delivered", "", False),
    )
    play(counter, clerk)


def test_somebody_who_was_absent_is_called_again(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "Desk"), ("q", "QueueScreen"))
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

    play(ScriptedCounter(), clerk)
