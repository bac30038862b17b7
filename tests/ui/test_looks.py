"""The looks as pictures: contrast measured on the drawn cells, and nothing that colour alone would tell."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.picture import CELL_HEIGHT, CELL_WIDTH, picture
from kiosk.ui.themes import CONTRAST, MONO, STANDARD
from tests.sweep import sweep
from tests.ui.contact_sheet import SCENES
from tests.ui.screens_met import MET_IN
from tests.ui.scripted_counter import ScriptedCounter

LEAST = {CONTRAST.name: 7.0, MONO.name: 7.0, STANDARD.name: 4.5}
"""WCAG 2.1, success criteria 1.4.6 and 1.4.3."""

Rgb = tuple[int, int, int]


def luminance(colour: Rgb) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [c / 255 for c in colour]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Contrast ratio of two colours (WCAG 2.1)."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def written_cells(app: KioskApp) -> Iterator[tuple[int, int, str]]:
    """Column, row and character of every cell with a letter of a language or a digit.

    Without those of keys that cannot be pressed now, which are meant to stand back (WCAG exempts them).
    """
    behind = [key.region for key in app.screen.query("Key, KeyCap") if key.disabled]
    for row, strip in enumerate(app.screen._compositor.render_strips()):
        column = 0
        for text, _, _ in strip:
            for character in text:
                if character.isalnum() and not any(region.contains(column, row) for region in behind):
                    yield column, row, character
                column += 2 if ord(character) > 0x2E7F else 1


def faint(app: KioskApp, path: Path, least: float) -> list[str]:
    """The letters on the picture whose strokes are too near to what they stand on."""
    picture(app, path)
    found = []
    with Image.open(path) as image:
        for column, row, character in written_cells(app):
            left, top = column * CELL_WIDTH, row * CELL_HEIGHT
            width = CELL_WIDTH * (2 if ord(character) > 0x2E7F else 1)
            colours = image.crop((left, top, left + width, top + CELL_HEIGHT)).convert("RGB").getcolors(1 << 16)
            assert colours is not None
            ground: Rgb = max(colours)[1]
            best = max(contrast(ground, colour) for _, colour in colours)
            if best < least:
                found.append(f"{character!r} at {column},{row}: {best:.1f}")
    return found


@pytest.mark.parametrize("name", sweep(MET_IN, suite=[2]))
def test_every_letter_stands_out_on_the_picture_in_every_look(
    name: str, play: Callable[..., KioskApp], tmp_path: Path
) -> None:
    """On every kind of screen: each is met in one of these scenes."""
    (scene,) = (scene for scene in SCENES if scene.name == name)
    found: list[str] = []

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        async def visit(name: str) -> None:
            look = app.theme
            for theme, least in LEAST.items():
                app.theme = theme
                await pilot.pause()
                await pilot.pause()
                found.extend(f"{name}, {theme}: {one}" for one in faint(app, tmp_path / "picture.png", least))
            app.theme = look

        await scene.play(pilot, visit)

    counter = ScriptedCounter(scene.script(), papers=tmp_path)
    scene.prepare(counter)
    play(counter, people)
    assert not found, "\n".join(found[:20])


def test_no_color_is_heeded(play: Callable[..., KioskApp], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def anybody(pilot: Pilot[None], app: KioskApp) -> None:
        await pilot.pause()
        assert app.theme == MONO.name

    play(ScriptedCounter(), anybody)
