"""Cases of a sweep of which some belong to the ordinary suite, and the others to `pytest -m thorough`."""

from collections.abc import Container, Iterable
from typing import Any

import pytest


def sweep(cases: Iterable[Any], *, suite: Container[int]) -> list[Any]:
    """Cases of one argument for `pytest.mark.parametrize`; `suite` has the places of those always run, from 0."""
    return rows(((case,) for case in cases), suite=suite)


def rows(cases: Iterable[tuple[Any, ...]], *, suite: Container[int]) -> list[Any]:
    """The same of cases of several arguments."""
    return [
        pytest.param(*case, marks=() if place in suite else pytest.mark.thorough) for place, case in enumerate(cases)
    ]


EVERY_NTH = pytest.mark.parametrize("nth", sweep([3, 1], suite=[0]))
"""For a test that goes through all positions of a fault: each third one in the suite, in the sweep each."""
