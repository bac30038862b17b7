"""The screens whose look is kept cell by cell, in `tests/ui/kept`: `python -m tests.ui.kept_screens [--renew] [SCENE]`.

Compares, and draws what differs as pictures side by side (kept, found) into a folder that it names. With `--renew`
what is found is kept from now on. A scene is one of `tests.ui.contact_sheet`.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from kiosk.ui.app import KioskApp
from tests.ui.conftest import compile_catalogues
from tests.ui.contact_sheet import SCENES, play
from tests.ui.snapshot import capture, differences, drawn

FOLDER = Path(__file__).parent / "kept"

KEPT = {
    ("way", "ja"): (
        *("Start", "Guide", "ChooseApplication", "ConfirmItems", "insert-card", "come-to-window", "CheckIdentity"),
        *("checks", "Approve", "Desk", "ChoosePassword", "Agree", "EnterAmount", "GiveMoney", "Finish", "Bench"),
    ),
    ("way", "en"): ("Start", "ConfirmItems", "checks", "ChoosePassword", "Agree", "Finish"),
    ("way-small", "ja"): ("Start", "checks", "ChoosePassword", "Bench"),
    ("way-large", "ja"): ("Start", "ChoosePassword", "Desk"),
    ("looks", "ja"): ("items-contrast", "items-mono", "identity-contrast"),
    ("stop", "en"): ("stop-question", "stopped"),
    ("beside", "ja"): ("learn-why", "own-certificate", "try-tampered", "comfort-layout"),
    ("duties", "ja"): ("left-cases", "menu", "day-sums", "locked"),
    ("presence", "en"): ("presence",),
    ("outage", "ja"): ("outage",),
}
"""The pictures that are kept of each scene and language: in both languages, three sizes, three looks."""


def found(scene_name: str, language: str, locale: Path) -> dict[str, str]:
    """The kept pictures of one scene as they are now, by file name."""
    scene = next(scene for scene in SCENES if scene.name == scene_name)
    taken: dict[str, str] = {}

    def keep(app: KioskApp, name: str) -> None:
        if name in KEPT[scene_name, language]:
            taken[f"{scene_name}-{language}-{name}.txt"] = capture(app)

    with tempfile.TemporaryDirectory() as papers:
        play(scene, language, Path(papers), locale, keep)
    missing = set(KEPT[scene_name, language]) - {name.split("-", 2)[-1][:-4] for name in taken}
    assert len(taken) == len(KEPT[scene_name, language]), f"{scene_name} has no picture of {missing or taken}"
    return taken


def compare(now: dict[str, str], pictures: Path) -> list[str]:
    """What differs, in words; each pair is drawn into `pictures`."""
    told = []
    for name, snapshot in now.items():
        path = FOLDER / name
        if not path.exists():
            told.append(f"{name} is not kept")
        elif lines := differences(was := path.read_text(), snapshot):
            picture = pictures / f"{path.stem}.png"
            side_by_side(was, snapshot).save(picture)
            told.append("\n".join((f"{name} differs, see {picture}", *lines[:4])))
    return told


def side_by_side(kept: str, found: str) -> Image.Image:
    """Both pictures beside each other, kept at the left."""
    left, right = drawn(kept), drawn(found)
    image = Image.new("RGB", (left.width + right.width + 20, max(left.height, right.height)), "red")
    image.paste(left, (0, 0))
    image.paste(right, (left.width + 20, 0))
    return image


def main(words: Sequence[str] | None = None) -> int:
    """Compares or renews; 1 when something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.ui.kept_screens", description=__doc__)
    parser.add_argument("scene", nargs="?", choices=sorted({scene for scene, _ in KEPT}))
    parser.add_argument("--renew", action="store_true")
    args = parser.parse_args(words)
    FOLDER.mkdir(exist_ok=True)
    told: list[str] = []
    pictures = Path(tempfile.mkdtemp(prefix="kept-screens-"))
    with tempfile.TemporaryDirectory() as folder:
        locale = compile_catalogues(Path(folder))
        for scene, language in KEPT:
            if args.scene not in (None, scene):
                continue
            now = found(scene, language, locale)
            told += compare(now, pictures)
            if args.renew:
                for name, snapshot in now.items():
                    (FOLDER / name).write_text(snapshot)
    if args.renew and args.scene is None:
        wanted = {f"{scene}-{language}-{name}.txt" for (scene, language), names in KEPT.items() for name in names}
        for path in FOLDER.iterdir():
            if path.name not in wanted:
                path.unlink()
    print("\n".join(told) or "nothing differs")
    return 1 if told and not args.renew else 0


if __name__ == "__main__":
    raise SystemExit(main())
