"""A whole exploration, handed out to processes part by part, and what it says."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from tests.crash.boundary import Kind, Phase, Point
from tests.crash.explore import ALL_CHANGES, CARD_CHANGES, FEW_CHANGES, Finding, Tally, explore_merged
from tests.crash.hunt import Hunted
from tests.crash.mutations import MUTATIONS
from tests.crash.plan import Death, Plan, Who, authority_deaths
from tests.crash.workers import Work, Workers

_FINDINGS_SHOWN = 10


@dataclass(frozen=True)
class Campaign:
    """Explores scenarios with these workers and tells on `out`."""

    workers: Workers
    out: TextIO = sys.stdout

    def explore(self, scenarios: Sequence[str], paired: Sequence[str], depth: int) -> int:
        """Everything up to `depth`, pairs of the `paired` scenarios one by one; returns the number of violations."""
        began_s = time.monotonic()
        total = Tally()
        for scenario in scenarios:
            points: list[Point] = next(self._run(scenario, "points", [()]))
            self._tell_points(scenario, points)
            total.add(self._part(scenario, "single deaths, raised", self._singles(scenario, points)))
            if scenario in paired and depth > 1:
                total.add(self._part(scenario, "pairs of deaths, each run", self._pairs(scenario, points)))
            total.add(self._part(scenario, f"up to {depth} deaths, merged by state", self._merged(scenario, depth)))
        self._tell_findings(total.findings)
        taken_s = time.monotonic() - began_s
        plans = sum(total.plans.values())
        self._say(
            f"{plans:,} plans stood for by {total.runs:,} runs on the real code in {taken_s:,.0f} s "
            f"({total.runs / taken_s:.0f} runs/s), {len(total.states):,} distinct states after a crash, "
            f"{len(total.rests):,} at rest, {len(total.findings)} violations"
        )
        return len(total.findings)

    def hunt(self, names: Sequence[str], depth: int) -> int:
        """Every named design error, or all; returns how many were not caught."""
        wanted = [mutation.name for mutation in MUTATIONS if not names or mutation.name in names]
        missed = 0
        results = self.workers.run([Work("", "hunt", (name, depth)) for name in wanted])
        for number, hunted in enumerate(results, start=1):
            missed += hunted.finding is None
            self._tell_hunted(number, hunted)
        self._say(f"{len(wanted) - missed} of {len(wanted)} seeded design errors caught")
        return missed

    # --- parts

    def _singles(self, scenario: str, points: list[Point]) -> Iterator[Tally]:
        deaths = [
            Death(point, who, change) for point in points for who in (Who.TERMINAL, Who.BOTH) for change in CARD_CHANGES
        ]
        return self._run(scenario, "run_single", [(death,) for death in deaths + authority_deaths(points)])

    def _pairs(self, scenario: str, points: list[Point]) -> Iterator[Tally]:
        firsts = [Death(point, change=change) for point in points for change in CARD_CHANGES]
        return self._run(scenario, "run_pairs", [(first,) for first in firsts])

    def _merged(self, scenario: str, depth: int) -> Iterator[Tally]:
        def run(parts: Sequence[tuple[Plan, bool]]) -> Iterator[tuple[Tally, list[tuple[Point, str]]]]:
            return self._run(scenario, "run_merged", parts)

        return explore_merged([ALL_CHANGES, *[FEW_CHANGES] * (depth - 1)], run)

    def _run(self, scenario: str, method: str, arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        return self.workers.run([Work(scenario, method, each) for each in arguments])

    # --- telling

    def _part(self, scenario: str, name: str, tallies: Iterator[Tally]) -> Tally:
        began_s = time.monotonic()
        part = Tally()
        for tally in tallies:
            part.add(tally)
        plans = ", ".join(f"{count:,} of {length}" for length, count in sorted(part.plans.items()))
        self._say(
            f"{scenario}: {name}: plans {plans}; runs {part.runs:,}; states {len(part.states):,} after a crash, "
            f"{len(part.rests):,} at rest; violations {len(part.findings)}; {time.monotonic() - began_s:.0f} s"
        )
        return part

    def _tell_points(self, scenario: str, points: list[Point]) -> None:
        kinds = Counter(point.kind for point in points if point.phase is Phase.BEFORE)
        self._say(
            f"{scenario}: boundaries {sum(kinds.values())} ("
            + ", ".join(f"{kind} {kinds[kind]}" for kind in Kind)
            + f"), places to die {len(points)}"
        )

    def _tell_findings(self, findings: list[Finding]) -> None:
        for rule, count in Counter(finding.rule for finding in findings).most_common():
            mine = sorted((f for f in findings if f.rule == rule), key=lambda f: (f.plan.count(" "), len(f.plan)))
            self._say(f"VIOLATION {rule} ({count} times)")
            for finding in mine[:_FINDINGS_SHOWN]:
                self._say(f'  --scenario {finding.scenario} --plan "{finding.plan}"\n    {finding.text}')

    def _tell_hunted(self, number: int, hunted: Hunted) -> None:
        if hunted.finding is None:
            self._say(f"{number:3} NOT CAUGHT  {hunted.name}  ({hunted.runs} runs)")
            return
        finding = hunted.finding
        mark = "caught" if hunted.is_as_expected else f"caught, though not by {hunted.catcher}"
        plan = f'{finding.scenario} "{finding.plan}"'
        self._say(f"{number:3} {mark}  {hunted.name}: {finding.rule} by {plan}  ({hunted.runs} runs)")

    def _say(self, text: str) -> None:
        print(text, file=self.out, flush=True)
