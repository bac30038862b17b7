"""Several things done side by side: all of them go through one stage before any goes through the next.

What is repeated at once costs less than what is done in turn with everything else, which drives its code and data out
of the processor's caches: of requests answered together each takes a fifth less. A function of several stages is a
generator that yields between them; what it returns is its outcome.
"""

from collections.abc import Generator, Sequence
from typing import TypeVar

T = TypeVar("T")

Stages = Generator[None, None, T]


def do(one: Stages[T]) -> T:
    """Goes through all stages of one thing; its outcome."""
    (outcome,) = do_in_step([one])
    return outcome


def do_in_step(several: Sequence[Stages[T]]) -> list[T]:
    """Goes through the stages of several things side by side; their outcomes, in their order.

    What one of them raises ends them all.
    """
    outcomes: dict[int, T] = {}
    going = dict(enumerate(several))
    try:
        while going:
            for number, stages in list(going.items()):
                try:
                    next(stages)
                except StopIteration as end:
                    outcomes[number] = end.value
                    del going[number]
    finally:
        for stages in going.values():
            stages.close()
    return [outcomes[number] for number in range(len(several))]
