"""A form of one's own: typed, handed in, taken or sent back by the clerk; the register is not told at the terminal."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.model.resident import Resident
from kiosk.ui.app import KioskApp
from kiosk.ui.board import Board
from tests.ui.contact_sheet import fill_in, type_form
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, resident
from tests.ui.walk import reach, until


async def nowhere(name: str) -> None:
    """No picture is taken."""


def run(counter: ScriptedCounter, locale: Path, what: Callable[[Pilot[None], KioskApp], Awaitable[None]]) -> Board:
    async def session() -> KioskApp:
        app = KioskApp(lambda: counter, issue=counter.issue, locale=locale)
        async with app.run_test(size=(100, 30)) as pilot:
            await what(pilot, app)
            counter.script.let_go()
        return app

    return asyncio.run(session()).board


def test_a_typed_form_is_sent_back_put_right_and_taken(locale: Path) -> None:
    seen: list[str] = []

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        async def look(name: str) -> None:
            if name == "form-again":
                seen.append(text_on(app))

        await fill_in(pilot, look)

    board = run(ScriptedCounter(), locale, people)
    assert board.case is not None and board.case.resident == resident(1)
    assert "★ 昭和28年5月1日" in seen[0], "what to look at"
    assert "28年5月3日" not in seen[0], "what the register says stays at the window"


def test_a_stranger_is_spoken_to_and_nothing_begins(locale: Path) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("enter")
        await reach(pilot, "Guide")
        await pilot.press("enter")
        await reach(pilot, "ChooseApplication")
        await pilot.press("0")
        await type_form(pilot, nowhere, day="3", family="11")
        await reach(pilot, "ConfirmForm")
        await pilot.press("enter")
        await reach(pilot, "AtReception")
        await pilot.press("f11")
        await reach(pilot, "CompareForm")
        await until(pilot, lambda: "違うところ" in text_on(app) or "見つかりません" in text_on(app), "the verdict")
        await pilot.press("5")
        await pilot.pause()
        assert type(app.screen).__name__ == "CompareForm", "it cannot be taken"
        await pilot.press("3")
        await reach(pilot, "Desk")
        await pilot.press("f10")
        await reach(pilot, "Consult")

    board = run(ScriptedCounter(), locale, people)
    assert board.case is None and board.submitted is None


class HeldCode:
    """`kiosk.ui.counter.CodeReader` before which one printed form is held, after a code that is no form's."""

    def __init__(self) -> None:
        self.codes = ["2026-0001-AAAAAAAA", "2026-0001-GOODCODE"]

    def read(self, is_wanted: Callable[[], bool]) -> str | None:
        return self.codes.pop(0) if self.codes else None

    def resident_of(self, code: str) -> Resident | None:
        return resident(2) if code.endswith("GOODCODE") else None


@pytest.mark.parametrize("is_demo", [True, False])
def test_a_printed_form_is_scanned(is_demo: bool, locale: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = ScriptedCounter()
    monkeypatch.setattr(counter, "code_reader", HeldCode)
    if not is_demo:
        monkeypatch.setattr(counter, "simulated_card", lambda: None)

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("enter")
        await reach(pilot, "Guide")
        await pilot.press("enter")
        await reach(pilot, "ConfirmItems")
        assert "斎藤　清" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "HandleCard")

    board = run(counter, locale, people)
    assert board.case is not None and board.case.resident == resident(2)
