"""Persons who are slow, tremble, reach only the lower half, or do not see: all of them reach the end."""

from pathlib import Path

import pytest

from tests.ui.bots import PERSONS, Person, go

IN_SUITE = ("trembling", "blind, by voice", "blind, without a form")
"""The others are in `python -m tests.ui.bots`; their ways are walked elsewhere in the suite."""


@pytest.mark.parametrize("person", [p for p in PERSONS if p.name in IN_SUITE], ids=lambda p: p.name)
def test_everybody_reaches_the_end(person: Person, locale: Path) -> None:
    assert go(person, locale) > 0
