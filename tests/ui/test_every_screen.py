"""Every screen alone: each text fits at every size, in every language and arrangement, and a monkey does no harm."""

import asyncio
import os
from pathlib import Path

import pytest

from kiosk.ui.resident.comfort import LAYOUTS
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.words import LANGUAGES, RESIDENT_LANGUAGES
from tests.ui.fit import flaws
from tests.ui.monkey import run_alone
from tests.ui.screens_met import LoneScreen, MetScreen, meet

SIZES = ((100, 30), (90, 26), (132, 43))
_FEWEST = 30


def _languages(seat: SeatName, size: tuple[int, int], layout: str) -> tuple[str, ...]:
    """All of the seat; of a resident's a third at each size in each arrangement, so that every two of them meet.

    With EVERY_ARRANGEMENT in the environment all of them.
    """
    if seat is not SeatName.RESIDENT:
        return LANGUAGES
    if "EVERY_ARRANGEMENT" in os.environ:
        return RESIDENT_LANGUAGES
    first = (SIZES.index(size) + LAYOUTS.index(layout)) % len(SIZES)
    return RESIDENT_LANGUAGES[first :: len(SIZES)]


@pytest.fixture(scope="module")
def met(locale: Path) -> dict[str, MetScreen]:
    """The screens that the scenes come past."""
    found = meet(locale)
    assert len(found) >= _FEWEST
    return found


def test_every_text_fits_at_every_size_in_every_language_and_arrangement(
    met: dict[str, MetScreen], locale: Path
) -> None:
    told: list[str] = []

    async def visit(layout: str) -> None:
        app = LoneScreen(locale, layout)
        async with app.run_test(size=SIZES[0]) as pilot:
            for name, screen in met.items():
                if screen.seat is not SeatName.RESIDENT and layout != LAYOUTS[0]:
                    continue
                app.turn_to(screen)
                await pilot.pause()
                for size in SIZES:
                    await pilot.resize_terminal(*size)
                    for language in _languages(screen.seat, size, layout):
                        assert isinstance(app.screen, SeatScreen)
                        app.seat.speak(language)
                        await app.screen.compose_anew()
                        await pilot.pause()
                        told.extend(f"{name} {size} {language} {layout}: {flaw}" for flaw in flaws(app.screen))
                assert app.fault is None, f"{name}: {app.fault!r}"

    for layout in LAYOUTS:
        asyncio.run(visit(layout))
    assert not told, "\n".join(told)


def test_a_monkey_at_each_screen_alone_does_no_harm(met: dict[str, MetScreen], locale: Path) -> None:
    seen = run_alone(40, 3, locale, met)
    assert set(seen) == set(met)
