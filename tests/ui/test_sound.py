"""Tones: one for done, two for a clerk, three for a card that was left, which alone is repeated."""

import pytest

from kiosk.ui.sound import Sounds
from kiosk.ui.tower import TowerSign


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
