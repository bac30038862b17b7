"""Makes the README's pictures by running the program: `python -m tests.pictures` writes them to `.pictures/`.

The screen is the one that waits for a resident; the contact sheet has about forty screens of all seats; the receipt is
one printed by a drill; papers-ja and papers-en show every paper of the counter, filled in for a fictional resident.
"""

import shutil
import tempfile
from pathlib import Path

from PIL import Image

from kiosk.papers.catalogue import LANGUAGES
from tests.e2e.commands import APPLICATION, ROOT, run
from tests.papers.contact_sheet import contact_sheet
from tests.ui.conftest import compile_catalogues
from tests.ui.contact_sheet import SCENES, draw

PICTURES = ROOT / ".pictures"

_SHEET_SCENES = ("way", "beside", "duties", "rounds", "presence", "stop", "refused", "outage", "looks")
_NOT_TWICE = ("start-again", "desk-after-fee", "take-back", "offered", "stopped", "desk-after-stop")
_ROLL_MODELS = ("tm-m30-ja", "generic-58")
_COLUMNS = 6
_WIDTH = 400
"""Of one picture on the sheet, in pixels."""
_GAP = 8
_GROUND = (96, 104, 112)


def shoot(folder: Path) -> list[Path]:
    """Pictures of every scene of the sheet in Japanese, and of the way in English; in their order."""
    with tempfile.TemporaryDirectory() as locale:
        compiled = compile_catalogues(Path(locale))
        for scene in SCENES:
            if scene.name in _SHEET_SCENES:
                draw(scene, "ja", folder, compiled)
        draw(next(scene for scene in SCENES if scene.name == "way"), "en", folder, compiled)
    taken = [path for name in _SHEET_SCENES for path in sorted(folder.glob(f"{name}-ja-*.png"))]
    english = sorted(folder.glob("way-en-*.png"))[:5]
    return [path for path in (*taken, *english) if not path.stem.endswith(_NOT_TWICE)]


def lay_out(pictures: list[Path], target: Path) -> None:
    """All pictures on one sheet, in few colours, so that it stays small."""
    shrunk = []
    for path in pictures:
        with Image.open(path) as image:
            shrunk.append(image.resize((_WIDTH, round(image.height * _WIDTH / image.width)), Image.Resampling.LANCZOS))
    height = max(image.height for image in shrunk)
    rows = -(-len(shrunk) // _COLUMNS)
    size = (_COLUMNS * (_WIDTH + _GAP) + _GAP, rows * (height + _GAP) + _GAP)
    sheet = Image.new("RGB", size, _GROUND)
    for number, image in enumerate(shrunk):
        column, row = number % _COLUMNS, number // _COLUMNS
        sheet.paste(image, (_GAP + column * (_WIDTH + _GAP), _GAP + row * (height + _GAP)))
    sheet.quantize(160).save(target, optimize=True)


def printed_receipt(*settings: str) -> Image.Image:
    """The paper that a drill's simulated printer cut off."""
    with tempfile.TemporaryDirectory() as data:
        done = run("drill", APPLICATION, "--data", data, *(word for setting in settings for word in ("--set", setting)))
        assert done.returncode == 0, done.stderr
        return Image.open(Path(data) / "sim" / "printer" / "0001.png").convert("L")


def paper_sheet(language: str) -> Image.Image:
    """Every paper of the counter in one language, those on the roll for 80 and for 58 mm."""
    receipts = {
        model: printed_receipt(f"receipt.language={language}", f"printer.model={model}") for model in _ROLL_MODELS
    }
    return contact_sheet(language, receipts)


def main() -> None:
    """Writes every picture."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        taken = shoot(Path(folder))
        shutil.copy(next(path for path in taken if path.stem.endswith("-Start")), PICTURES / "screen.png")
        lay_out(taken, PICTURES / "screens.png")
    printed_receipt().save(PICTURES / "receipt.png")
    for language in LANGUAGES:
        paper_sheet(language).quantize(16).save(PICTURES / f"papers-{language}.png", optimize=True)


if __name__ == "__main__":
    main()
