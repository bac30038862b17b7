"""Hunts a seeded design error: explores with the error in the product until a rule breaks.

Where `telling.toml` names a plan that tells of the error, that one is played first.
"""

import builtins
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.crash.barriers import PAIRS
from tests.crash.explore import CARD_CHANGES, FEW_CHANGES, Explorer, Finding, Merging, Reach, Tally
from tests.crash.mutation import Mutation, applied
from tests.crash.mutations import MUTATIONS
from tests.crash.people import Presence
from tests.crash.plan import UNCHANGED, Change, Delay, parse_plan
from tests.crash.play import PlanDoesNotFit, Stage, come_back, play

ERRORS = (*MUTATIONS, *PAIRS)
"""Every seeded design error that is hunted."""

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
_DEFECT = "defect"
_PYTHONS_OWN = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)}


@dataclass(frozen=True)
class Hunted:
    """What came of one hunt: everything that the first plan broke that broke anything; `is_told` by `telling.toml`."""

    name: str
    catcher: str
    runs: int
    findings: tuple[Finding, ...] = ()
    is_told: bool = False

    @property
    def rules(self) -> frozenset[str]:
        """What was broken."""
        return frozenset(finding.rule for finding in self.findings)

    @property
    def breakdown(self) -> str:
        """What the changed code itself broke down with, empty when it ran: then nothing was learnt about the rules."""
        texts = (finding.text for finding in self.findings if finding.rule == _DEFECT)
        return "" if self.catcher == _DEFECT else next(filter(_is_pythons_own, texts), "")

    @property
    def is_as_expected(self) -> bool:
        """Whether the rule that should find it is among those that found it, and the code with the error ran."""
        return self.catcher in self.rules and not self.breakdown


def _is_pythons_own(text: str) -> bool:
    """Whether a defect is no error of the product's own, which would be an answer, but one of the language."""
    return text.split(": ")[1] in _PYTHONS_OWN


def hunt(mutation: Mutation, stages: Sequence[Stage], rungs: int = len(LADDER)) -> Hunted:
    """Explores every scenario with this error; ends with the first plan that breaks a rule.

    One that is argued to do no harm is not hunted beyond a single death. Without rungs only `telling.toml` is tried.
    """
    rungs = min(rungs, _RUNGS_ARGUED) if mutation.argued else rungs
    name, plans = mutation.name, _telling().get(mutation.name, {})
    runs = 0
    with applied(mutation):
        for stage in stages:
            if (text := plans.get(stage.scenario.name)) is not None:
                runs += 1
                if found := _tell(stage, text):
                    return Hunted(name, mutation.catcher, runs, found, is_told=True)
        for tally in _explore(stages, rungs):
            runs += tally.runs
            if tally.findings:
                return Hunted(name, mutation.catcher, runs, tuple(tally.findings))
    return Hunted(name, mutation.catcher, runs)


def _explore(stages: Sequence[Stage], rungs: int) -> Iterator[Tally]:
    for reaches in LADDER[:rungs]:
        for stage in stages:
            yield from Merging(reaches).explore(Explorer(stage).run_level)


def _tell(stage: Stage, text: str) -> tuple[Finding, ...]:
    try:
        played = play(stage, parse_plan(text))
    except PlanDoesNotFit:
        return ()
    found = [broken for _, broken in played.broken]
    if not found:
        with stage.world(played.rest) as world:
            found = come_back(stage, world, played.legs[-1].is_closed)
    return tuple(Finding(stage.scenario.name, text, broken) for broken in found)


@cache
def _telling() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "telling.toml").read_text())
