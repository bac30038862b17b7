"""One issuance through the screens with everything behind them real: use case, authority, store, simulated devices."""

import asyncio
from pathlib import Path

from textual.pilot import Pilot

from kiosk.config import load_config, locate_config
from kiosk.configured_counter import ConfiguredCounter
from kiosk.ui.app import KioskApp
from kiosk.ui.ending import Finished
from kiosk.ui.technician.menu import LETTERS, View
from kiosk.ui.technician.pages import Pages
from tests.ui.screen_host import text_on
from tests.ui.walk import PASSWORD, by_keyboard, go, leave, opened, reach, until, walk


def test_the_demo_issues_a_certificate_and_prints_its_receipt(locale: Path, tmp_path: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
    seen: dict[str, str] = {}

    async def run() -> KioskApp:
        async with opened(lambda: counter, locale) as pilot:
            app = pilot.app

            async def visit(name: str) -> None:
                if name == "Bench":
                    # It looks at devices and papers in a thread of its own.
                    await until(pilot, lambda: "手数料領収書" in text_on(app), "the receipt")
                seen[name] = text_on(app)

            await walk(pilot, by_keyboard, visit)
            await try_out(pilot, seen)
            await inspect(pilot, seen)
            await pilot.press("escape", "left", "enter")
            await leave(app)
        return app

    app = asyncio.run(run())
    (case,) = app.board.ended
    assert isinstance(case.ending, Finished)
    assert case.ending.closed.serial in seen["desk-of-the-day"]
    assert "手数料領収書" in seen["Bench"], "the receipt as printed"
    assert case.ending.closed.serial not in seen["Bench"], "by its numbers a technician could find the resident"
    assert case.resident.items.name in seen["Agree"]
    assert case.resident.items.name not in seen["desk-of-the-day"]
    assert "有効です" in seen["own"] and case.ending.closed.serial in seen["own"]
    assert "受け付けました" in seen["honest"]
    for meddled in ("tampered", "impersonated"):
        assert "受け付けられません" in seen[meddled]
    assert "あと4回" in seen["wrong"], "the card's own count"
    assert "入れたパスワードは 違いました" in seen["wrong"]
    items = case.resident.items
    personal = {items.name, items.name.replace("\u3000", ""), items.address, PASSWORD}
    personal |= {str(items.birth_date), case.resident.code, case.application.number}
    inspected = "\n".join(text for name, text in seen.items() if name.startswith("inspected-"))
    assert "printer > 10 04" in inspected and "juki-2011" in inspected and "合格" in inspected
    assert not [text for text in personal if text in inspected]
    assert app.return_code == 0


async def inspect(pilot: Pilot[None], seen: dict[str, str]) -> None:
    """The technician looks at everything that he can, with the resident's card in the reader."""
    await pilot.press("f12")
    await reach(pilot, "Bench")
    await pilot.press("i")
    for letter, view in zip(LETTERS, View, strict=True):
        await pilot.press("m")
        await reach(pilot, "ViewMenu")
        await pilot.press(letter)
        await reach(pilot, "Hands" if view is View.HANDS else "Pages")
        if view in _WITH_A_TOOL:
            await pilot.press("f4")
            await until(pilot, lambda: type(pilot.app.screen).__name__ == "Pages", "the tool's end")
        if view is View.LINES:
            await until(pilot, lambda: "printer >" in text_on(pilot.app), "the lines")
        pages = pilot.app.screen
        for page in range(_PAGES_READ if isinstance(pages, Pages) else 1):
            seen[f"inspected-{view}-{page}"] = text_on(pilot.app)
            await pilot.press("pagedown")
        await pilot.press("escape")
        await reach(pilot, "Bench")
    await pilot.press("r")


_WITH_A_TOOL = (View.HEALTH, View.CONFORMITY, View.BUNDLE)
_PAGES_READ = 6


async def try_out(pilot: Pilot[None], seen: dict[str, str]) -> None:
    """The resident looks at his new certificate, signs a sample with a real card, and meddles with it."""
    await go(pilot, ("f10", "Start"), ("1", "HandleCard"), ("enter", "EnterPassword"))
    await pilot.press(*PASSWORD, "enter")
    await reach(pilot, "ShowCertificate")
    seen["own"] = text_on(pilot.app)
    await go(pilot, ("enter", "HandleCard"), ("enter", "Start"), ("2", "HandleCard"), ("enter", "EnterPassword"))
    await pilot.press(*"WRONG1", "enter")
    await until(pilot, lambda: "あと4回" in text_on(pilot.app), "the second question")
    seen["wrong"] = text_on(pilot.app)
    await pilot.press(*PASSWORD, "enter")
    for number, name, mark in ((1, "honest", "そのまま"), (2, "tampered", "9部"), (3, "impersonated", "別人")):
        await reach(pilot, "TryOut")
        await pilot.press(str(number))
        await until(pilot, lambda mark=mark: mark in text_on(pilot.app) or mark == "そのまま", name)
        await reach(pilot, "TryOut")
        seen[name] = text_on(pilot.app)
    await go(pilot, ("escape", "HandleCard"), ("enter", "Start"))
