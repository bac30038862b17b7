"""Every screen alone: each text fits at every size, in every language and arrangement, and a monkey does no harm."""

import asyncio
import os
from pathlib import Path

import pytest
from textual.geometry import Region

from kiosk.ui.opening import Opening
from kiosk.ui.resident.comfort import LAYOUTS
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.call_key import CallKey
from kiosk.ui.words import LANGUAGES, RESIDENT_LANGUAGES
from tests.ui.fit import flaws
from tests.ui.monkey import run_alone
from tests.ui.screens_met import MET_IN, LoneScreen, MetScreen, meet
from tests.ui.walk import LARGE, SMALL, USUAL

SIZES = (USUAL, SMALL, LARGE)


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


@pytest.fixture(scope="module", params=MET_IN)
def met(request: pytest.FixtureRequest, locale: Path) -> dict[str, MetScreen]:
    """The screens that are taken from one scene; workers share the scenes among them."""
    return meet(request.param, locale)


def test_every_text_fits_at_every_size_in_every_language_and_arrangement(
    met: dict[str, MetScreen], locale: Path
) -> None:
    told: list[str] = []
    place_of_call: dict[tuple[tuple[int, int], str], Region] = {}

    async def visit(layout: str, seen: dict[str, MetScreen]) -> None:
        app = LoneScreen(locale, layout)
        async with app.run_test(size=SIZES[0]) as pilot:
            for number, (name, screen) in enumerate(seen.items()):
                app.turn_to(screen)
                await pilot.pause()
                # There and back again: the next screen begins at the size at which the last one ended.
                for size in SIZES[:: -1 if number % 2 else 1]:
                    if app.size != size:
                        await pilot.resize_terminal(*size)
                    for language in _languages(screen.seat, size, layout):
                        assert isinstance(app.screen, SeatScreen)
                        app.seat.speak(language)
                        await app.screen.compose_anew()
                        await pilot.pause()
                        told.extend(f"{name} {size} {language} {layout}: {flaw}" for flaw in flaws(app.screen))
                        if screen.seat is SeatName.RESIDENT and screen.kind is not Opening:
                            place = app.screen.query_one(CallKey).region
                            if place != place_of_call.setdefault((size, layout), place):
                                told.append(f"{name} {size} {language} {layout}: the staff are called at {place}")
                assert app.fault is None, f"{name}: {app.fault!r}"

    arranged = {name: screen for name, screen in met.items() if screen.seat is SeatName.RESIDENT}
    for layout in LAYOUTS:
        if seen := met if layout == LAYOUTS[0] else arranged:
            asyncio.run(visit(layout, seen))
    assert not told, "\n".join(told)


def test_a_monkey_at_each_screen_alone_does_no_harm(met: dict[str, MetScreen], locale: Path) -> None:
    seen = run_alone(40, 3, locale, met)
    assert set(seen) == set(met)
