"""Hunts a seeded design error: explores with the error in the product until a rule breaks.

Where `telling.toml` names a plan that tells of the error, that one is played first.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.crash.explore import CARD_CHANGES, FEW_CHANGES, Explorer, Finding, Merging, Reach, Tally
from tests.crash.mutation import applied
from tests.crash.mutations import MUTATIONS
from tests.crash.people import Presence
from tests.crash.plan import UNCHANGED, Change, Delay, parse_plan
from tests.crash.play import PlanDoesNotFit, Stage, come_back, play

LADDER: tuple[tuple[Reach, ...], ...] = (
    (),
    (Reach((UNCHANGED,), beset=()),),
    (Reach(FEW_CHANGES),),
    (
        Reach((UNCHANGED, Change(Presence.GONE), Change(delay=Delay.LAPSED)), beset=()),
        Reach(CARD_CHANGES, beset=(UNCHANGED,)),
    ),
)
"""What is explored while an error is hunted, rung by rung: first without a death, last with two."""


_RUNGS_ARGUED = 2


@dataclass(frozen=True)
class Hunted:
    """What came of one hunt: what broke first, and all rules that the same plan broke; None when nothing did."""

    name: str
    catcher: str
    runs: int
    finding: Finding | None
    rules: frozenset[str] = frozenset()

    @property
    def is_as_expected(self) -> bool:
        """Whether the rule that should find it is among those that found it."""
        return self.catcher in self.rules


def hunt(name: str, stages: Sequence[Stage], rungs: int = len(LADDER)) -> Hunted:
    """Explores every scenario with this error; ends with the first plan that breaks a rule.

    One that is argued to do no harm is not hunted beyond a single death.
    """
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == name)
    rungs = min(rungs, _RUNGS_ARGUED) if mutation.argued else rungs
    runs = 0
    with applied(mutation):
        for tally in _tallies(name, stages, rungs):
            runs += tally.runs
            if tally.findings:
                rules = frozenset(finding.rule for finding in tally.findings)
                return Hunted(name, mutation.catcher, runs, tally.findings[0], rules)
    return Hunted(name, mutation.catcher, runs, None)


def _tallies(name: str, stages: Sequence[Stage], rungs: int) -> Iterator[Tally]:
    for stage in stages:
        told = _telling().get(name, {}).get(stage.scenario.name)
        if told is not None:
            yield _tell(stage, told)
    for reaches in LADDER[:rungs]:
        for stage in stages:
            yield from Merging(reaches).explore(Explorer(stage).run_level)


def _tell(stage: Stage, text: str) -> Tally:
    tally = Tally(runs=1)
    try:
        played = play(stage, parse_plan(text))
    except PlanDoesNotFit:
        return tally
    found = [broken for _, broken in played.broken]
    if not found:
        with stage.world(played.rest) as world:
            found = come_back(stage, world, played.legs[-1].is_closed)
    tally.findings += (Finding(stage.scenario.name, text, broken) for broken in found)
    return tally


@cache
def _telling() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "telling.toml").read_text())
