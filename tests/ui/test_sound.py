"""Tones: one for done, two for a clerk, three for a card that was left, which alone is repeated."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.sound import Sounds
from kiosk.ui.tower import TowerSign
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import reach, until


def rings(*signs: TowerSign) -> list[int]:
    """How often it rings at each sign."""
    rung: list[int] = []
    sounds = Sounds(lambda: rung.append(1), lambda _: None)
    counted = []
    for sign in signs:
        before = len(rung)
        sounds.follow(sign)
        counted.append(len(rung) - before)
    return counted


@pytest.mark.parametrize(
    ("signs", "heard"),
    [
        ((TowerSign.NOTHING, TowerSign.IN_USE, TowerSign.NEEDS_CLERK), [0, 0, 2]),
        ((TowerSign.NEEDS_CLERK, TowerSign.NEEDS_CLERK, TowerSign.IN_USE, TowerSign.NEEDS_CLERK), [2, 0, 0, 2]),
        ((TowerSign.TAKE_CARD, TowerSign.CARD_LEFT, TowerSign.CARD_LEFT, TowerSign.DONE), [0, 3, 3, 1]),
        ((TowerSign.TROUBLE, TowerSign.NOTHING), [2, 0]),
    ],
)
def test_every_sign_rings_in_its_own_way(signs: tuple[TowerSign, ...], heard: list[int]) -> None:
    assert rings(*signs) == heard


def test_a_station_with_a_loudspeaker_rings_by_that_and_not_by_its_terminal(play: Callable[..., KioskApp]) -> None:
    rung: list[int] = []
    counter = ScriptedCounter()
    counter.ring = lambda: rung.append(1)

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f1")
        await until(pilot, lambda: len(rung) == 2, "two tones for the clerk")
        app.bell()
        await until(pilot, lambda: len(rung) == 3, "the one that asks whether somebody is there")

    play(counter, resident)
