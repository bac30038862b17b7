"""A card that is pulled out while its password is typed: noticed at once, and nothing of what was typed is left."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from kiosk.failure_book import load_failure_book
from kiosk.model.step import Step
from kiosk.ui.app import KioskApp
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.resident.password import EnterPassword
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import Script, ScriptedCounter
from tests.ui.test_trouble import BEFORE_FEE, BEFORE_PASSWORD, apply, trouble_of
from tests.ui.walk import reach, until


@pytest.mark.parametrize("screen", ["ChoosePassword", "EnterPassword"])
def test_a_card_that_goes_while_a_password_is_typed_is_told_at_once(play: Callable[..., KioskApp], screen: str) -> None:
    is_new = screen == "ChoosePassword"
    skip = BEFORE_PASSWORD if is_new else BEFORE_FEE
    counter = ScriptedCounter(Script(skip=skip - {Step.APPLICATION}, ask_password_again=not is_new))
    typed: list[Any] = []

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "HandleCard")
        await pilot.press("enter")
        await reach(pilot, screen)
        await pilot.press(*"AB0")
        assert isinstance(app.screen, EnterPassword)
        typed.append(app.screen._typed)
        await seen_inside(pilot)
        counter.reader.remove()
        await reach(pilot, "TroubleNotice")
        assert "はじめから お試しください" in text_on(app) and "入れたままに" in text_on(app)
        assert "せいでは" not in text_on(app), "who pulled it out is not told that he did not"

    app = play(counter, resident)
    assert trouble_of(app) == Trouble(Outcome.ROLLED_BACK, "K-CARD-003", False)
    assert len(typed[0]) == 0 and not any(typed[0]._buffer)


async def seen_inside(pilot: Pilot[None]) -> None:
    """The terminal has looked at its reader since the password was asked for."""
    begun = pilot.app._loop.time() if pilot.app._loop is not None else 0.0
    await until(pilot, lambda: pilot.app._loop is None or pilot.app._loop.time() - begun > 1, "a look at the reader")


def test_without_a_card_at_first_nothing_is_taken_for_one_that_went(play: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "ChoosePassword")
        await pilot.press(*"AB01")
        await seen_inside(pilot)
        await pilot.press("enter", *"AB01", "enter")
        await reach(pilot, "Agree")

    play(ScriptedCounter(Script(skip=BEFORE_PASSWORD)), resident)


def test_the_book_says_to_leave_the_card_in() -> None:
    entry = load_failure_book()["K-CARD-003"]
    assert "入れたまま" in entry.text("ja").remedy and "leave the card in" in entry.text("en").remedy
