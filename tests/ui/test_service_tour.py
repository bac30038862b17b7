"""Every text of what the counter does besides issuing fits its place; the resident has keys and words for his part."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.voice import sentence
from kiosk.ui.widgets.keyboard import KeyCap
from tests.ui.fit import flaws as flaws_of
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import Script, ScriptedCounter, a_left_case
from tests.ui.service_tour import change, decisions, second_password, services, wish
from tests.ui.walk import Shoot, reach, unhurried

USUAL, SMALL, LARGE = (100, 30), (90, 26), (132, 43)


@pytest.mark.parametrize(("language", "size"), [("ja", USUAL), ("en", SMALL), ("ja", LARGE)])
@pytest.mark.parametrize("tour", [services, decisions])
def test_every_text_fits(
    tour: Callable[[Pilot[None], Shoot], Awaitable[None]], language: str, size: tuple[int, int], locale: Path
) -> None:
    counter = ScriptedCounter()
    if tour is decisions:
        a_left_case(counter)
    flaws: list[str] = []

    async def run() -> None:
        app = KioskApp(lambda: counter, language, issue=counter.issue, locale=locale, hand_clock=unhurried())
        async with app.run_test(size=size) as pilot:

            async def visit(name: str) -> None:
                await pilot.pause()
                flaws.extend(f"{name} at {app.size}: {flaw}" for flaw in flaws_of(app.screen))

            await tour(pilot, visit)

    asyncio.run(run())
    assert not flaws, "\n".join(flaws)


@pytest.mark.parametrize(("layout", "size"), [("2", SMALL), ("3", USUAL)])
def test_the_residents_part_fits_in_easy_japanese_and_every_arrangement(
    layout: str, size: tuple[int, int], locale: Path
) -> None:
    counter = ScriptedCounter()
    flaws: list[str] = []
    said: dict[str, str] = {}

    async def run() -> None:
        app = KioskApp(lambda: counter, issue=counter.issue, locale=locale, hand_clock=unhurried())
        async with app.run_test(size=size) as pilot:

            async def visit(name: str) -> None:
                await pilot.pause()
                flaws.extend(f"{name}: {flaw}" for flaw in flaws_of(app.screen))
                said[name] = sentence(app.screen, app.screen.words)

            await _arrange(pilot, layout)
            await change(pilot, visit)
            await _arrange(pilot, layout)
            await wish(pilot, visit)

    asyncio.run(run())
    assert not flaws, "\n".join(flaws)
    assert "パスワードを かえる" in said["services"] and "しょうめいしょを やめる" in said["services"]
    assert "今の パスワード" in said["old-password"]
    assert "なくした・しられた" in said["wish"]
    assert all(said.values())


@pytest.mark.parametrize("size", [SMALL, USUAL, LARGE])
@pytest.mark.parametrize("language", ["ja", "en", "ja@easy"])
def test_the_second_password_is_asked_for_in_its_own_words_and_by_digits(
    language: str, size: tuple[int, int], locale: Path
) -> None:
    counter = ScriptedCounter(Script(has_two_passwords=True))
    flaws: list[str] = []
    seen: dict[str, str] = {}

    async def run() -> None:
        app = KioskApp(lambda: counter, language, issue=counter.issue, locale=locale, hand_clock=unhurried())
        async with app.run_test(size=size) as pilot:

            async def visit(name: str) -> None:
                await pilot.pause()
                flaws.extend(f"{name}: {flaw}" for flaw in flaws_of(app.screen))
                seen[name] = text_on(app.screen)
                if name != "which-password":
                    keys = {cap.render().plain for cap in app.screen.query(KeyCap)}
                    assert {key for key in keys if len(key) == 1 and key.isascii()} == set("0123456789")

            await second_password(pilot, visit)

    asyncio.run(run())
    assert not flaws, "\n".join(flaws)
    if language == "ja":
        assert "ロックされています" in seen["which-password"] and "あと5回まで" in seen["which-password"]
        assert "利用者証明用" in seen["old-pin"] and "利用者証明用" in seen["new-pin"]


async def _arrange(pilot: Pilot[None], layout: str) -> None:
    """Easy Japanese, usual colours, an arrangement."""
    await reach(pilot, "Start")
    await pilot.press("4")
    for answer in ("2", "1", layout):
        await reach(pilot, "Comfort")
        await pilot.press(answer)
        await pilot.pause()
    await reach(pilot, "Start")
