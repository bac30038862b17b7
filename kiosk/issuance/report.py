"""What a use case tells whoever watches it: one value a step, for the screen, the drill's JSON and measurement."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kiosk.model.step import Act, Actor


class Phase(StrEnum):
    """Whether a step begins or has ended."""

    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True)
class StepReport:
    """A step begins or has ended; `elapsed_ms` and `exchanges` (card commands) are 0 when it begins."""

    step: Act
    actor: Actor
    phase: Phase
    elapsed_ms: float = 0.0
    exchanges: int = 0
    was_resumed: bool = False


Report = Callable[[StepReport], None]
