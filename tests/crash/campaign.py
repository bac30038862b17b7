"""A whole exploration, handed out to processes part by part, and what it says."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TextIO

from tests.crash.boundary import Kind, Phase, Point
from tests.crash.explore import (
    ALL_CHANGES,
    CARD_CHANGES,
    FEW_CHANGES,
    MANY_CHANGES,
    Behind,
    Finding,
    Follow,
    Merging,
    Part,
    Reach,
    Tally,
)
from tests.crash.hunt import ERRORS, Hunted
from tests.crash.invariants import AT_EVERY_INSTANT, AT_REST, WHEN_MONEY_GOES_IN
from tests.crash.plan import Death, Who, other_deaths
from tests.crash.scenario import SCENARIOS
from tests.crash.workers import Work, Workers

REACHES = (
    Reach(ALL_CHANGES),
    Reach(FEW_CHANGES, waited=CARD_CHANGES, beset=CARD_CHANGES, most=1),
    Reach(CARD_CHANGES, waited=(), beset=(), is_alone=True),
)
"""What may come first, second and third: time passes once in a plan, and three deaths are the terminal's."""

REACHES_OF_OTHERS = (REACHES[0], Reach(MANY_CHANGES, beset=CARD_CHANGES, most=1))
"""The same for all scenarios but the first one, whose third deaths come upon the same code: two, with more between."""

LEAST_PLANS = 100_000
"""What a whole exploration has to come to."""

_FINDINGS_SHOWN = 3


@dataclass(frozen=True)
class Campaign:
    """Explores scenarios with these workers and tells on `out`; `seed` draws the plans raised for comparison."""

    workers: Workers
    seed: int = 0
    out: TextIO = sys.stdout

    def explore(self, scenarios: Sequence[str], depth: int | None, twins: int) -> Tally:
        """Everything up to `depth`, by default as deep as is provided for, and so many comparisons."""
        began_s = time.monotonic()
        total = Tally()
        for scenario in scenarios:
            points: list[Point] = next(self._run(scenario, "points", [()]))
            self._tell_points(scenario, points)
            own = REACHES if depth or scenario == scenarios[0] else REACHES_OF_OTHERS
            if SCENARIOS[scenario].is_mute:
                total.add(self._part(scenario, "up to 1", self._merged(scenario, Merging(own[:1], self.seed))))
                continue
            total.add(self._part(scenario, "one death, each raised", self._singles(scenario, points)))
            merging = Merging(own[:depth], self.seed)
            total.add(
                self._part(scenario, f"up to {depth or len(own)}, merged by state", self._merged(scenario, merging))
            )
            pairs = merging.twins(twins)
            total.add(self._part(scenario, "merged plans, raised", self._run(scenario, "run_twins", pairs)))
        self._tell_findings(total.findings)
        taken_s = time.monotonic() - began_s
        self._say(
            f"plans {sum(total.plans.values()):,} by {total.runs:,} runs of the real code, "
            f"distinct states {len(total.states):,} after a death and {len(total.rests):,} at rest, "
            f"violations {len(total.findings)}, {taken_s:,.0f} s"
        )
        return total

    def hunt(self, names: Sequence[str], rungs: int) -> int:
        """Every named design error, or all; returns how many were not caught, or not by the rule that should."""
        began_s = time.monotonic()
        wanted = [mutation for mutation in ERRORS if not names or mutation.name in names]
        caught = argued = otherwise = broken_down = untold = 0
        broken = set[str]()
        results = self.workers.run([Work("", "hunt", (mutation, rungs)) for mutation in wanted])
        for number, (mutation, hunted) in enumerate(zip(wanted, results, strict=True), start=1):
            is_caught = bool(hunted.findings)
            caught += is_caught
            broken_down += bool(hunted.breakdown)
            otherwise += is_caught and not hunted.is_as_expected and not hunted.breakdown
            untold += is_caught and not hunted.is_told
            broken |= hunted.rules
            argued += not is_caught and bool(mutation.argued)
            self._tell_hunted(number, hunted, mutation.argued)
        missed = len(wanted) - caught - argued
        if not names:
            rules = [rule.__name__ for rule in (*AT_EVERY_INSTANT, *WHEN_MONEY_GOES_IN, *AT_REST)]
            self._say(f"rules {len(rules)}, broken by no error: {', '.join(sorted(set(rules) - broken)) or 'none'}")
        self._say(
            f"seeded design errors {len(wanted)}, caught {caught}, {otherwise} of them by another rule than expected, "
            f"{broken_down} as their own code broke down, {untold} without telling.toml; "
            f"argued {argued}, missed {missed}; {time.monotonic() - began_s:.0f} s"
        )
        return missed + otherwise + broken_down

    # --- parts

    def _singles(self, scenario: str, points: list[Point]) -> Iterator[Tally]:
        ends = [point for point in points if point.kind is not Kind.CLERK]
        deaths = [
            Death(point, who, change) for point in ends for who in (Who.TERMINAL, Who.ALL) for change in CARD_CHANGES
        ]
        return self._run(scenario, "run_single", [(death,) for death in deaths + other_deaths(points)])

    def _merged(self, scenario: str, merging: Merging) -> Iterator[Tally]:
        def run(parts: Sequence[Part], follow: Follow) -> Iterator[Tally]:
            def behind(result: tuple[Tally, Behind]) -> Work | None:
                plans = follow(result[1])
                return Work(scenario, "run_last", tuple(plans)) if plans else None

            work = [Work(scenario, "run_merged", part) for part in parts]
            for result in self.workers.run(work, behind):
                yield result[0] if isinstance(result, tuple) else result

        return merging.explore(run)

    def _run(self, scenario: str, method: str, arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        return self.workers.run([Work(scenario, method, each) for each in arguments])

    # --- telling

    def _part(self, scenario: str, name: str, tallies: Iterator[Tally]) -> Tally:
        began_s = time.monotonic()
        part = Tally()
        for tally in tallies:
            for finding in tally.findings:
                if finding.rule not in (known.rule for known in part.findings):
                    self._say(f'broken first by "{finding.plan}": {finding.text}')
                part.findings.append(finding)
            part.add(replace(tally, findings=[]))
        plans = ", ".join(f"{count:,} of {length}" for length, count in sorted(part.plans.items())) or "-"
        self._say(
            f"{scenario}: {name}: plans {plans}; runs {part.runs:,}; states {len(part.states):,} after a death, "
            f"{len(part.rests):,} at rest; violations {len(part.findings)}; {time.monotonic() - began_s:.0f} s"
        )
        return part

    def _tell_points(self, scenario: str, points: list[Point]) -> None:
        counts = Counter(point.kind for point in points if point.phase is Phase.BEFORE)
        questions = counts.pop(Kind.CLERK, 0)
        self._say(
            f"{scenario}: boundaries {sum(counts.values())} ("
            + ", ".join(f"{kind} {count}" for kind, count in counts.items())
            + f"), places to end at {sum(point.kind is not Kind.CLERK for point in points)}, "
            f"questions to the clerk's station {questions}"
        )

    def _tell_findings(self, findings: list[Finding]) -> None:
        for rule, count in Counter(finding.rule for finding in findings).most_common():
            mine = sorted((f for f in findings if f.rule == rule), key=lambda f: (f.plan.count(" "), len(f.plan)))
            self._say(f"VIOLATION {rule} ({count} times)")
            for finding in mine[:_FINDINGS_SHOWN]:
                self._say(f'  --scenario {finding.scenario} --plan "{finding.plan}"\n    {finding.text}')

    def _tell_hunted(self, number: int, hunted: Hunted, argued: str) -> None:
        if not hunted.findings:
            self._say(f"{number:3} {f'argued: {argued}' if argued else 'MISSED'}  {hunted.name}  ({hunted.runs} runs)")
            return
        finding = hunted.findings[0]
        if hunted.breakdown:
            mark = "BROKEN DOWN"
        else:
            mark = "caught" if hunted.is_as_expected else f"caught, though not by {hunted.catcher}"
        self._say(
            f"{number:3} {mark}  {hunted.name}: {', '.join(sorted(hunted.rules))}"
            f' by {finding.scenario} = "{finding.plan}" ({hunted.runs} runs)'
        )
        if not hunted.is_as_expected:
            self._say(f"      {hunted.breakdown or finding.text}")

    def _say(self, text: str) -> None:
        print(text, file=self.out, flush=True)
