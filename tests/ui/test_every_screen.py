"""Every screen alone: each text fits at every size, in every language and arrangement, and a monkey does no harm."""

import asyncio
import itertools
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Region

import kiosk.ui
from kiosk.ui.clerk.service import _SettleChoice
from kiosk.ui.menu_screen import MenuScreen
from kiosk.ui.opening import Opening
from kiosk.ui.resident.comfort import LAYOUTS
from kiosk.ui.resident.covered_items import CoveredItems, Covering
from kiosk.ui.resident.form import Typing
from kiosk.ui.resident.told import Offer, Told
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.call_key import CallKey
from kiosk.ui.words import LANGUAGES, RESIDENT_LANGUAGES
from tests.sweep import sweep
from tests.ui.fit import above_the_middle, flaws
from tests.ui.monkey import run_alone
from tests.ui.screens_met import MET_IN, LoneScreen, MetScreen, meet_each
from tests.ui.walk import LARGE, SMALL, USUAL

SIZES = (USUAL, SMALL, LARGE)
SHARED = {_SettleChoice, MenuScreen, Covering, CoveredItems, Typing, Offer, Told}
"""What several kinds of screens have in common; none of them is ever shown as it is."""


def every_kind(of: type[SeatScreen[Any]] = SeatScreen) -> set[type[SeatScreen[Any]]]:
    """Every kind of screen that has been defined; one may be of two others."""
    return set(of.__subclasses__()).union(*map(every_kind, of.__subclasses__()))


def test_every_kind_of_screen_is_met() -> None:
    for module in pkgutil.walk_packages(kiosk.ui.__path__, "kiosk.ui."):
        import_module(module.name)
    names = [kind.__name__ for kind in every_kind() if kind.__module__.startswith("kiosk.") and kind not in SHARED]
    assert len(set(names)) == len(names), "kinds are told apart by their names"
    taken = list(itertools.chain(*MET_IN.values()))
    assert sorted(names) == sorted(taken)


def _languages(seat: SeatName, size: tuple[int, int], layout: str, *, is_thorough: bool) -> tuple[str, ...]:
    """All of the seat; in the suite one at each size, and where there is least room in each arrangement."""
    languages = RESIDENT_LANGUAGES if seat is SeatName.RESIDENT else LANGUAGES
    if not is_thorough and layout != LAYOUTS[0] and size != SMALL:
        return ()
    first = (SIZES.index(size) + LAYOUTS.index(layout)) % len(languages)
    return languages if is_thorough else languages[first : first + 1]


@pytest.fixture(scope="module", params=MET_IN)
def each(request: pytest.FixtureRequest, locale: Path) -> list[MetScreen]:
    """All screens of the kinds that are taken from one scene; workers share the scenes among them."""
    return meet_each(request.param, locale)


@pytest.fixture(scope="module")
def met(each: list[MetScreen]) -> dict[str, MetScreen]:
    """The last one of each kind."""
    return {screen.kind.__name__: screen for screen in each}


@pytest.mark.parametrize("is_thorough", sweep([False, True], suite=[0]))
def test_every_text_fits_at_every_size_in_every_language_and_arrangement(
    each: list[MetScreen], met: dict[str, MetScreen], locale: Path, is_thorough: bool
) -> None:
    """Where the lower arrangement was chosen, whatever can be touched lies in the lower half, too."""
    told: list[str] = []
    place_of_call: dict[tuple[tuple[int, int], str], Region] = {}

    async def visit(layout: str, seen: list[MetScreen]) -> None:
        app = LoneScreen(locale, layout)
        async with app.run_test(size=SIZES[0]) as pilot:
            for number, screen in enumerate(seen):
                name = screen.kind.__name__
                app.turn_to(screen)
                await pilot.pause()
                # There and back again: the next screen begins at the size at which the last one ended.
                for size in SIZES[:: -1 if number % 2 else 1]:
                    languages = _languages(screen.seat, size, layout, is_thorough=is_thorough)
                    if languages and app.size != size:
                        await pilot.resize_terminal(*size)
                    for language in languages:
                        assert isinstance(app.screen, SeatScreen)
                        app.seat.speak(language)
                        await app.screen.compose_anew()
                        await pilot.pause()
                        found = [*flaws(app.screen), *(above_the_middle(app.screen) if layout == "lower" else ())]
                        told.extend(f"{name} {size} {language} {layout}: {flaw}" for flaw in found)
                        if screen.seat is SeatName.RESIDENT and screen.kind is not Opening:
                            place = app.screen.query_one(CallKey).region
                            if place != place_of_call.setdefault((size, layout), place):
                                told.append(f"{name} {size} {language} {layout}: the staff are called at {place}")
                assert app.fault is None, f"{name}: {app.fault!r}"

    shown = each if is_thorough else list(met.values())
    arranged = [screen for screen in shown if screen.seat is SeatName.RESIDENT]
    for layout in LAYOUTS:
        if seen := shown if layout == LAYOUTS[0] else arranged:
            asyncio.run(visit(layout, seen))
    assert not told, "\n".join(told)


@pytest.mark.parametrize("each", sweep(MET_IN, suite=[1, 3]), indirect=True)
def test_a_monkey_at_each_screen_alone_does_no_harm(met: dict[str, MetScreen], locale: Path) -> None:
    seen = run_alone(40, 3, locale, met)
    assert set(seen) == set(met)
