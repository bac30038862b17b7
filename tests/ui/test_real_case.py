"""One issuance through the screens with everything behind them real: use case, authority, store, simulated devices."""

import asyncio
from pathlib import Path

from kiosk.config import load_config, locate_config
from kiosk.demo import ConfiguredCounter
from kiosk.ui.app import KioskApp
from kiosk.ui.ending import Finished
from tests.ui.screen_host import text_on
from tests.ui.walk import by_keyboard, leave, until, walk


def test_the_demo_issues_a_certificate_and_prints_its_receipt(locale: Path, tmp_path: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
    seen: dict[str, str] = {}

    async def run() -> KioskApp:
        app = KioskApp(counter, locale=locale)
        async with app.run_test(size=(100, 30)) as pilot:

            async def visit(name: str) -> None:
                if name == "Bench":
                    # It looks at devices and papers in a thread of its own.
                    await until(pilot, lambda: "500" in text_on(app), "the receipt")
                seen[name] = text_on(app)

            await walk(pilot, by_keyboard, visit)
            await pilot.press("f12", "escape", "left", "enter")
            await leave(app)
        return app

    app = asyncio.run(run())
    (case,) = app.board.ended
    assert isinstance(case.ending, Finished)
    assert case.ending.closed.serial in seen["desk-of-the-day"]
    assert case.ending.closed.serial in seen["Bench"], "the receipt as printed"
    assert case.resident.items.name in seen["Agree"]
    assert case.resident.items.name not in seen["desk-of-the-day"]
    assert app.return_code == 0
