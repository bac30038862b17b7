"""Makes the README's pictures by running the program: `python -m tests.pictures` writes them to `.pictures/`.

The screen is that of the password on the demo's way; the receipt is one printed by a drill; papers-ja and papers-en
show every paper of the counter, filled in for a fictional resident.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from kiosk.papers.catalogue import LANGUAGES
from kiosk.ui.app import KioskApp
from kiosk.ui.picture import picture
from tests.e2e.commands import APPLICATION, ROOT, run
from tests.papers.contact_sheet import contact_sheet
from tests.ui.conftest import compile_catalogues
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import walk_to

PICTURES = ROOT / ".pictures"


async def shoot_screen(path: Path) -> None:
    """The resident's screen on which the password is chosen."""
    with tempfile.TemporaryDirectory() as locale:
        counter = ScriptedCounter()
        app = KioskApp(counter, issue=counter.issue, locale=compile_catalogues(Path(locale)))
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
    for language in LANGUAGES:
        receipt = Image.open(PICTURES / "receipt.png").convert("L") if language == "ja" else None
        contact_sheet(language, receipt).quantize(16).save(PICTURES / f"papers-{language}.png", optimize=True)
