"""A terminal that changes its size shows each screen as one that has had that size from the start."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from tests.sweep import rows
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import LARGE, SMALL, USUAL, opened, reach, until

Size = tuple[int, int]

CRAMPED: Size = (70, 20)
NEARLY: Size = (95, 28)
SEATS = (("f10", "Start"), ("f11", "Desk"), ("f12", "Bench"))
SEQUENCES: tuple[tuple[Size, ...], ...] = (
    (CRAMPED, SMALL),
    (CRAMPED, NEARLY),
    (SMALL, NEARLY, SMALL),
    (CRAMPED, (1, 1), LARGE, NEARLY),
    ((89, 26), USUAL, (90, 25), SMALL),
)


def cells(app: App[Any]) -> list[str]:
    """What stands on the glass, line by line."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


async def sit(pilot: Pilot[None], seat_key: str, screen: str) -> None:
    await reach(pilot, "Start")
    await pilot.press(seat_key)
    await reach(pilot, screen)


def opened_at(locale: Path, size: Size, seat_key: str, screen: str) -> list[str]:
    """The screen of a seat on a terminal that has had its size from the start."""

    async def session() -> list[str]:
        counter = ScriptedCounter()
        async with opened(lambda: counter, locale, size=size) as pilot:
            await sit(pilot, seat_key, screen)
            return cells(pilot.app)

    return asyncio.run(session())


def _shows(app: App[Any], wanted: list[str]) -> bool:
    return cells(app) == wanted


@pytest.mark.parametrize(("seat_key", "screen"), rows(SEATS, suite=[0]))
def test_every_size_that_comes_is_laid_out_at_once(
    play: Callable[..., KioskApp], locale: Path, seat_key: str, screen: str
) -> None:
    sizes = {sequence[-1] for sequence in SEQUENCES}
    fresh = {size: opened_at(locale, size, seat_key, screen) for size in sorted(sizes)}

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await sit(pilot, seat_key, screen)
        for sequence in SEQUENCES:
            for size in sequence:
                await pilot.resize_terminal(*size)
                await pilot.pause()
            await until(pilot, partial(_shows, app, fresh[sequence[-1]]), f"the screen after {sequence}")

    play(ScriptedCounter(), people)
