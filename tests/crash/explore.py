"""Explores crash plans on a stage: one explorer does one part, and which one does it makes no difference.

* single: every death, really raised; what it leaves must be what an image shows
* merged: plans up to any length; of all plans that lead to the same state only the first goes on
* twins: two plans that were merged, really raised one after the other; they must go the same way from there
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from random import Random
from typing import NamedTuple

from tests.crash.boundary import Fault, Point
from tests.crash.invariants import AT_EVERY_INSTANT, broken
from tests.crash.people import Presence
from tests.crash.plan import UNCHANGED, Change, Death, Delay, Plan, other_deaths, text_of
from tests.crash.play import Expanded, Leg, Node, Played, Stage, come_back, expand, play
from tests.crash.remains import state_key
from tests.crash.world import Image

NEXT_CHANGES = (Change(is_next=True), Change(Presence.OUT, is_next=True))
FEW_CHANGES = (
    UNCHANGED,
    Change(Presence.SWAPPED),
    Change(Presence.MOVED),
    Change(Presence.GONE),
    Change(delay=Delay.REBOOTED),
    Change(delay=Delay.LATE),
    Change(delay=Delay.LAPSED),
    *NEXT_CHANGES,
)
MANY_CHANGES = (*FEW_CHANGES, Change(Presence.SWAPPED, Delay.LAPSED), Change(Presence.GONE, Delay.LAPSED))
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


_LEGS_KEPT = 16
"""More than the processes that explore, so that one still knows a leg when it is told what to run behind it."""


class Explorer:
    """Runs parts of an exploration on one stage, and remembers the last legs that it expanded."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._came_back: set[str] = set()
        self._latest: tuple[Image, str, list[str]] | None = None
        self._expanded = lru_cache(_LEGS_KEPT)(self._expand)

    def points(self) -> list[Point]:
        """Every point of the leg that nothing disturbs."""
        return list(self._expanded(()).points)

    def run_single(self, death: Death) -> Tally:
        """Really raises one crash; then its world must be as the image of that point has it."""
        tally = Tally(runs=1, plans=Counter({1: 1}))
        played = play(self.stage, (death,))
        for number, text in played.broken:
            self._found(tally, (death,)[:number], text)
        name = self._rest(played.rest, played.legs[-1], (death,), tally)
        if death.is_terminals:
            leg = expand(self.stage, self._node((death,)), with_images=False)
            if name != self._name(leg.rest):
                self._found(tally, (death,), "harness: a crash and its image went different ways")
        return tally

    def run_merged(self, plan: Plan, is_last: bool) -> tuple[Tally, "Behind"]:
        """One plan to its rest; and, unless it is to be the last, what each further death would leave."""
        tally = Tally(runs=1)
        if is_last:
            done = expand(self.stage, self._node(plan), with_images=False)
        else:
            done = self._expanded(plan)
        self._rest(done.rest, done.leg, plan, tally)
        states = [(point, self._instant(image, (*plan, Death(point)), tally)) for point, image in done.images]
        return tally, Behind(tuple(states), tuple(other_deaths(done.points)))

    def run_last(self, *plans: Plan) -> Tally:
        """Plans that are made no longer, one after the other; quick right behind the plan that they all go on from."""
        total = Tally()
        for plan in plans:
            total.add(self.run_merged(plan, is_last=True)[0])
        return total

    def run_level(self, parts: Sequence["Part"], follow: "Follow") -> Iterator[Tally]:
        """A level of merged plans, each with its last ones right behind it."""
        for part in parts:
            tally, behind = self.run_merged(*part)
            yield tally
            yield self.run_last(*follow(behind))

    def run_twins(self, plan: Plan, twin: Plan) -> Tally:
        """Really raises two plans that were merged; from their last deaths on they must be the same."""
        tally = Tally(runs=2)
        one, other = (self._last_leg(play(self.stage, each)) for each in (plan, twin))
        if one != other:
            self._found(tally, twin, f"harness: it was merged with {text_of(plan)!r}, and goes another way")
        return tally

    def _last_leg(self, played: Played) -> tuple[object, ...]:
        leg = played.legs[-1]
        return [ending.word for ending in leg.endings], [point for point, _ in leg.passed], self._name(played.rest)

    # ---

    def _instant(self, image: Image, plan: Plan, tally: Tally) -> str:
        """The state in an image, which is often the one in the image before."""
        if self._latest is None or not self._latest[0].is_like(image):
            remains = self.stage.examine(image)
            self._latest = image, state_key(remains), broken(AT_EVERY_INSTANT, remains)
        _, state, found = self._latest
        for text in found:
            self._found(tally, plan, text)
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
        places = [place for place, death in enumerate(plan) if death.is_terminals]
        if not places:
            return Node(self.stage.image, faults=_faults(plan))
        death = plan[places[-1]]
        images = dict(self._expanded(plan[: places[-1]]).images)
        return Node(images[death.point], death.change, _faults(plan[places[-1] + 1 :]))


def _faults(plan: Plan) -> tuple[Fault, ...]:
    return tuple(death.fault for death in plan)


# --- merging


class Behind(NamedTuple):
    """What a leg leads to: the state behind every death of the terminal in it, and the others' deaths."""

    states: tuple[tuple[Point, str], ...]
    others: tuple[Death, ...]


class Start(NamedTuple):
    """What a leg depends on: equal ones go the same way. `has_waited`: some change before took time."""

    state: str
    change: Change
    faults: tuple[Fault, ...]
    has_waited: bool = False


@dataclass(frozen=True)
class Reach:
    """Which deaths may be added to a plan of a certain length.

    The terminal can end with any of `changes` afterwards, or with any of `waited` when time has passed in the plan
    before; `is_alone`: not in a leg in which somebody else has ended. Others can end in a leg that began with one of
    `beset`, unless more than `most` of them have done so in that leg before.
    """

    changes: Sequence[Change]
    waited: Sequence[Change] = (UNCHANGED,)
    beset: Sequence[Change] = (UNCHANGED,)
    most: int = 0
    is_alone: bool = False

    def changes_after(self, start: Start) -> Sequence[Change]:
        """What may change when the terminal ends in a leg."""
        if self.is_alone and start.faults:
            return ()
        return self.waited if start.has_waited else self.changes

    def may_befall(self, start: Start) -> bool:
        """Whether others can end in a leg."""
        return start.change in self.beset and len(start.faults) <= self.most


Part = tuple[Plan, bool]
"""The arguments of `Explorer.run_merged`."""

Follow = Callable[[Behind], Sequence[Plan]]
"""Is told in the order of a level's parts what is behind each, and says which plans to run as the last ones there."""

RunLevel = Callable[[Sequence[Part], Follow], Iterator[Tally]]
"""Runs a level, as `Explorer.run_level` does."""


class Merging:
    """Every plan within `reaches`, level by level; from each distinct start one leg is run."""

    def __init__(self, reaches: Sequence[Reach], seed: int = 0) -> None:
        self._reaches = reaches
        self._random = Random(seed)
        self._behind = dict[Start, Behind]()
        self._plans = dict[Start, Plan]()
        self._seen = Counter[Start]()
        self._twins = dict[Start, Plan]()

    def explore(self, run: RunLevel) -> Iterator[Tally]:
        """Runs all legs; the last tally has, in `plans`, how many plans of each length they stand for."""
        level: dict[Start, Plan] = {_ROOT: ()}
        longest = len(self._reaches)
        for length in range(max(longest, 1)):
            self._plans |= level
            found = dict[Start, Plan]()
            parts = [(plan, not self._goes_on(start, length)) for start, plan in level.items()]
            starts = iter(level.items())

            def follow(
                behind: Behind,
                starts: Iterator[tuple[Start, Plan]] = starts,
                length: int = length,
                found: dict[Start, Plan] = found,
            ) -> list[Plan]:
                start, plan = next(starts)
                self._behind[start] = behind
                longer = [(then, (*plan, death)) for then, death in self._next(start, length)]
                fresh = [each for then, each in longer if self._meet(then, each, found)]
                return fresh if length + 1 == longest else []

            yield from run(parts, follow)
            level = found
        self._plans |= level
        known = dict[tuple[Start, int, int], int]()
        lengths = range(1, longest + 1)
        yield Tally(plans=Counter({length: self._count(_ROOT, 0, length, known) for length in lengths}))

    def twins(self, count: int) -> list[tuple[Plan, Plan]]:
        """Pairs of plans that were merged, drawn at random."""
        starts = sorted(self._twins, key=lambda start: text_of(self._twins[start]))
        drawn = self._random.sample(starts, min(count, len(starts)))
        return [(self._plans[start], self._twins[start]) for start in drawn]

    def _goes_on(self, start: Start, length: int) -> bool:
        """Whether a plan that led to a start, of this length, can be made longer."""
        if length == len(self._reaches):
            return False
        return bool(self._reaches[length].changes_after(start)) or self._reaches[length].may_befall(start)

    def _next(self, start: Start, length: int) -> Iterator[tuple[Start, Death]]:
        if not self._goes_on(start, length):
            return
        reach, behind = self._reaches[length], self._behind[start]
        for point, state in behind.states:
            for change in reach.changes_after(start):
                has_waited = start.has_waited or change.takes_time
                yield Start(state, change, (), has_waited), Death(point, change=change)
        for death in behind.others if reach.may_befall(start) else ():
            yield start._replace(faults=(*start.faults, death.fault)), death

    def _meet(self, start: Start, plan: Plan, found: dict[Start, Plan]) -> bool:
        """Takes the first plan that leads to a start, and of all others one at random as its twin."""
        if start not in self._plans and found.setdefault(start, plan) is plan:
            return True
        self._seen[start] += 1
        if self._random.randrange(self._seen[start]) == 0:
            self._twins[start] = plan
        return False

    def _count(self, start: Start, deaths: int, length: int, known: dict[tuple[Start, int, int], int]) -> int:
        """How many plans of this length begin with the so many deaths that led to a start."""
        if deaths == length:
            return 1
        if (start, deaths, length) not in known:
            nexts = Counter(next_start for next_start, _ in self._next(start, deaths))
            known[start, deaths, length] = sum(
                count * self._count(next_start, deaths + 1, length, known) for next_start, count in nexts.items()
            )
        return known[start, deaths, length]


_ROOT = Start("", UNCHANGED, ())
