"""Hunts a seeded design error: explores with the error in the product until a rule breaks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.crash.explore import CARD_CHANGES, FEW_CHANGES, Behind, Explorer, Finding, Merging, Reach, Tally
from tests.crash.mutation import applied
from tests.crash.mutations import MUTATIONS
from tests.crash.plan import UNCHANGED, Plan
from tests.crash.play import Stage

LADDER: tuple[tuple[Reach, ...], ...] = (
    (),
    (Reach((UNCHANGED,), beset=()),),
    (Reach(FEW_CHANGES),),
    (Reach(CARD_CHANGES, beset=()), Reach((UNCHANGED,), beset=(UNCHANGED,))),
)
"""What is explored while an error is hunted, rung by rung: first without a death, last with two."""


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


def hunt(name: str, stages: Sequence[Stage], rungs: int = len(LADDER)) -> Hunted:
    """Explores every scenario with this error, first without a death, then to more; ends with the first finding."""
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == name)
    total = Tally()
    with applied(mutation):
        for reaches in LADDER[:rungs]:
            for stage in stages:
                explorer = Explorer(stage)

                def run(
                    parts: Sequence[tuple[Plan, bool]], explorer: Explorer = explorer
                ) -> Iterator[tuple[Tally, Behind]]:
                    return (explorer.run_merged(*part) for part in parts)

                for tally in Merging(reaches).explore(run):
                    total.add(tally)
                    if total.findings:
                        return Hunted(name, mutation.catcher, total.runs, total.findings[0])
    return Hunted(name, mutation.catcher, total.runs, None)
