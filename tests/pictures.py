"""Makes the README's pictures by running the program: `python -m tests.pictures` writes them to `.pictures/`.

The screen is that of the password on the demo's way; the receipt is one printed by a drill.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from kiosk.ui.app import KioskApp
from kiosk.ui.picture import picture
from tests.e2e.commands import APPLICATION, ROOT, run
from tests.ui.conftest import compile_catalogues
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import walk_to

PICTURES = ROOT / ".pictures"


async def shoot_screen(path: Path) -> None:
    """The resident's screen on which the password is chosen."""
    with tempfile.TemporaryDirectory() as locale:
        counter = ScriptedCounter()
        app = KioskApp(lambda: counter, issue=counter.issue, locale=compile_catalogues(Path(locale)))
        async with app.run_test(size=(100, 30)) as pilot:
            await walk_to(pilot, "ChoosePassword")
            await pilot.pause()
            picture(app, path)
            counter.script.let_go()


def print_receipt(path: Path) -> None:
    """The paper that a drill's simulated printer cut off."""
    with tempfile.TemporaryDirectory() as data:
        done = run("drill", APPLICATION, "--data", data)
        assert done.returncode == 0, done.stderr
        shutil.copy(Path(data) / "sim" / "printer" / "0001.png", path)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    asyncio.run(shoot_screen(PICTURES / "screen.png"))
    print_receipt(PICTURES / "receipt.png")
