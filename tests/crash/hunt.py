"""Hunts a seeded design error: explores with the error in the product until a rule breaks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.crash.boundary import Point
from tests.crash.explore import ALL_CHANGES, FEW_CHANGES, Explorer, Finding, Tally, explore_merged
from tests.crash.mutation import applied
from tests.crash.mutations import MUTATIONS
from tests.crash.plan import Plan
from tests.crash.play import Stage


@dataclass(frozen=True)
class Hunted:
    """What came of one hunt; `finding` is None when the error was not caught."""

    name: str
    catcher: str
    runs: int
    finding: Finding | None

    @property
    def is_as_expected(self) -> bool:
        """Whether the rule that should find it found it."""
        return self.finding is not None and self.finding.rule == self.catcher


def hunt(name: str, stages: Sequence[Stage], depth: int) -> Hunted:
    """Explores every scenario with this error, first to one death, then to more; ends with the first finding."""
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == name)
    total = Tally()
    with applied(mutation):
        for length in range(1, depth + 1):
            changes = [ALL_CHANGES] if length == 1 else [FEW_CHANGES] * length
            for stage in stages:
                explorer = Explorer(stage)

                def run(parts: Sequence[tuple[Plan, bool]], explorer: Explorer = explorer) -> Iterator[_Merged]:
                    return (explorer.run_merged(*part) for part in parts)

                for tally in explore_merged(changes, run):
                    total.add(tally)
                    if total.findings:
                        return Hunted(name, mutation.catcher, total.runs, total.findings[0])
    return Hunted(name, mutation.catcher, total.runs, None)


_Merged = tuple[Tally, list[tuple[Point, str]]]
