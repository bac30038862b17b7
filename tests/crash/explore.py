"""Explores crash plans on a stage: one explorer does one part, and which one does it makes no difference.

* single: every death of the terminal, and of both processes, really raised; what it leaves must be what an image shows
* pairs: every pair of deaths of the terminal, the same or another card in the reader, each plan run by itself
* merged: plans up to any length, with everything that can change in between, and the authority's own deaths; of all
  plans that lead to the same state only the first goes on
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from tests.crash.boundary import Point
from tests.crash.invariants import AT_EVERY_INSTANT, broken
from tests.crash.line import Fault
from tests.crash.people import Presence
from tests.crash.plan import UNCHANGED, Change, Death, Delay, Plan, Who, authority_deaths, text_of
from tests.crash.play import Expanded, Leg, Node, Stage, come_back, expand, play
from tests.crash.remains import state_key
from tests.crash.world import Image

NEXT_CHANGES = (Change(is_next=True), Change(Presence.OUT, is_next=True))
FEW_CHANGES = (
    UNCHANGED,
    Change(Presence.SWAPPED),
    Change(Presence.GONE),
    Change(delay=Delay.LATE),
    Change(delay=Delay.LAPSED),
    *NEXT_CHANGES,
)
ALL_CHANGES = (*(Change(presence, delay) for presence, delay in product(Presence, Delay)), *NEXT_CHANGES)
CARD_CHANGES = (UNCHANGED, Change(Presence.SWAPPED))


@dataclass(frozen=True)
class Finding:
    """What broke, and the plan that replays it."""

    scenario: str
    plan: str
    text: str

    @property
    def rule(self) -> str:
        """The invariant's name, or what else went wrong."""
        return self.text.partition(":")[0]


@dataclass
class Tally:
    """What was counted: runs of the real code, plans by length that they stand for, states after a crash, at rest."""

    runs: int = 0
    plans: Counter[int] = field(default_factory=Counter)
    states: set[str] = field(default_factory=set)
    rests: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Takes in what another part counted."""
        self.runs += other.runs
        self.plans += other.plans
        self.states |= other.states
        self.rests |= other.rests
        self.findings += other.findings


class Explorer:
    """Runs parts of an exploration on one stage, and remembers the last legs that it expanded."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._came_back: set[str] = set()
        self._expanded = lru_cache(8)(self._expand)

    def points(self) -> list[Point]:
        """Every point of the leg that nothing disturbs."""
        return [point for point, _ in self._expanded(()).images]

    def run_single(self, death: Death) -> Tally:
        """Really raises one crash; then its world must be as the image of that point has it."""
        tally = Tally(runs=1, plans=Counter({1: 1}))
        played = play(self.stage, (death,))
        for number, text in played.broken:
            self._found(tally, (death,)[:number], text)
        name = self._rest(played.rest, played.legs[-1], (death,), tally)
        if death.who is not Who.AUTHORITY:
            leg = expand(self.stage, self._node((death,)), with_images=False)
            if name != self._name(leg.rest):
                self._found(tally, (death,), "harness: a crash and its image went different ways")
        return tally

    def run_pairs(self, first: Death) -> Tally:
        """Every second death of the terminal after this first one."""
        tally = Tally()
        expanded = self._expanded((first,))
        ends = dict[tuple[str, Change], str]()
        for point, image in expanded.images:
            state = self._instant(image, (first, Death(point)), tally)
            for change in CARD_CHANGES:
                plan = first, Death(point, change=change)
                leg = expand(self.stage, Node(image, change), with_images=False)
                tally.runs += 1
                tally.plans[2] += 1
                name = self._rest(leg.rest, leg.leg, plan, tally)
                if ends.setdefault((state, change), name) != name:
                    self._found(tally, plan, "harness: plans that led to the same state went different ways from there")
        return tally

    def run_merged(self, plan: Plan, is_last: bool) -> tuple[Tally, list[tuple[Point, str]]]:
        """One plan to its rest; and, unless it is to be the last, the state that a crash at each point would leave."""
        tally = Tally(runs=1)
        if is_last:
            done = expand(self.stage, self._node(plan), with_images=False)
        else:
            done = self._expanded(plan)
        self._rest(done.rest, done.leg, plan, tally)
        return tally, [(point, self._instant(image, (*plan, Death(point)), tally)) for point, image in done.images]

    # ---

    def _instant(self, image: Image, plan: Plan, tally: Tally) -> str:
        remains = self.stage.examine(image)
        for text in broken(AT_EVERY_INSTANT, remains):
            self._found(tally, plan, text)
        state = state_key(remains)
        tally.states.add(state)
        return state

    def _rest(self, rest: Image, leg: Leg, plan: Plan, tally: Tally) -> str:
        """Takes in how a leg ended; who comes back to a state at rest that was not seen before must be served."""
        for text in leg.broken:
            self._found(tally, plan, text)
        name = self._name(rest)
        tally.rests.add(name)
        if name not in self._came_back and not leg.broken:
            self._came_back.add(name)
            with self.stage.world(rest) as world:
                for text in come_back(self.stage, world, leg.is_closed):
                    self._found(tally, plan, f"{text} (when he comes back)")
        return name

    def _found(self, tally: Tally, plan: Plan, text: str) -> None:
        tally.findings.append(Finding(self.stage.scenario.name, text_of(plan), text))

    def _name(self, image: Image) -> str:
        return state_key(self.stage.examine(image))

    def _expand(self, plan: Plan) -> Expanded:
        return expand(self.stage, self._node(plan))

    def _node(self, plan: Plan) -> Node:
        """Where the leg behind a plan begins."""
        places = [place for place, death in enumerate(plan) if death.who is not Who.AUTHORITY]
        if not places:
            return Node(self.stage.image, faults=_faults(plan))
        death = plan[places[-1]]
        images = dict(self._expanded(plan[: places[-1]]).images)
        return Node(images[death.point], death.change, _faults(plan[places[-1] + 1 :]))


def _faults(plan: Plan) -> tuple[Fault, ...]:
    return tuple(death.fault for death in plan)


# --- merging


class Start(NamedTuple):
    """What a leg depends on: equal ones go the same way."""

    state: str
    change: Change
    faults: tuple[Fault, ...]


RunMerged = Callable[[Sequence[tuple[Plan, bool]]], Iterator[tuple[Tally, list[tuple[Point, str]]]]]
"""Runs `Explorer.run_merged` over many arguments and yields the results in their order."""


def explore_merged(changes: Sequence[Sequence[Change]], run: RunMerged) -> Iterator[Tally]:
    """Every plan with as many deaths as `changes` has members, level by level; from each distinct start one leg is run.

    `changes[n]` are those that may follow the death number n + 1. The last tally has, in `plans`, how many plans of
    each length these legs stand for.
    """
    behind = dict[Start, tuple[Counter[str], tuple[Start, ...]]]()
    root = Start("", UNCHANGED, ())
    level: dict[Start, Plan] = {root: ()}
    for length in range(len(changes) + 1):
        found = dict[Start, Plan]()
        is_last = length == len(changes)
        for (start, plan), (tally, states) in zip(
            level.items(), run([(plan, is_last) for plan in level.values()]), strict=True
        ):
            yield tally
            deaths = authority_deaths([point for point, _ in states])
            faulty = tuple(start._replace(faults=(*start.faults, death.fault)) for death in deaths)
            behind[start] = Counter(state for _, state in states), faulty
            for point, state in states:
                for change in () if is_last else changes[length]:
                    found.setdefault(Start(state, change, ()), (*plan, Death(point, change=change)))
            for next_start, death in zip(faulty, deaths, strict=True):
                found.setdefault(next_start, (*plan, death))
        level = {start: plan for start, plan in found.items() if start not in behind}
    known = dict[tuple[Start, int, int], int]()
    lengths = range(1, len(changes) + 1)
    yield Tally(plans=Counter({length: _plans_behind(root, 0, length, behind, changes, known) for length in lengths}))


def _plans_behind(
    start: Start,
    deaths: int,
    length: int,
    behind: dict[Start, tuple[Counter[str], tuple[Start, ...]]],
    changes: Sequence[Sequence[Change]],
    known: dict[tuple[Start, int, int], int],
) -> int:
    """How many plans of this length begin with the so many deaths that led to a start."""
    if deaths == length:
        return 1
    if (start, deaths, length) not in known:
        states, faulty = behind[start]
        starts = [(Start(state, change, ()), count) for state, count in states.items() for change in changes[deaths]]
        starts += [(next_start, 1) for next_start in faulty]
        known[start, deaths, length] = sum(
            count * _plans_behind(next_start, deaths + 1, length, behind, changes, known)
            for next_start, count in starts
        )
    return known[start, deaths, length]
