"""The technician's tools at an open station, and what they find: checks, self-tests, traces, reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from hw.health_words import Question

CheckOutcome = Literal["pass", "fail", "note"]


@dataclass(frozen=True)
class Check:
    """One line of a check: what was looked at, what was found there, and whether it can be worked with."""

    name: str
    outcome: CheckOutcome
    detail: str


@dataclass(frozen=True)
class SelfTest:
    """What a self-test of one device came to: when (ISO 8601), at which level, and each measurement with its limits.

    Outcomes are `passed`, `failed` or `unknown`; `statistics` the device's own counters.
    """

    at: str
    device: str
    level: str
    outcome: str
    measurements: tuple[tuple[str, str, str, str], ...]
    """Name, value, limits, outcome."""
    statistics: Mapping[str, int]


class Workbench(Protocol):
    """The technician's tools at an open station. Every call may block and belongs off the event loop."""

    def self_test(self, level: str, ask: Callable[[Question], bool | None]) -> tuple[SelfTest, ...]:
        """Checks every device (`internal`, `external` or `interactive`) and keeps the records; `ask` asks a person."""
        ...

    def self_tests(self, newest: int) -> tuple[SelfTest, ...]:
        """So many of the newest records, oldest first."""
        ...

    def line_trace(self) -> tuple[str, ...]:
        """What passed on the devices' lines lately, oldest first; of papers and codes only how long they were.

        What only repeats itself is told once, with its count.
        """
        ...

    def card_probes(self) -> tuple[Check, ...]:
        """What the card in the reader answers to commands that change nothing and need no password."""
        ...

    def conformity(self, subject: str) -> str:
        """Runs the compatibility check of the `reader` or the `card`; its report, which is kept."""
        ...

    def supplies(self) -> tuple[Check, ...]:
        """What runs out."""
        ...

    def surroundings(self) -> tuple[Check, ...]:
        """Network, authority and clock."""
        ...

    def operations(self, language: str) -> str:
        """The operations book as text, an empty line between two blocks."""
        ...

    def print_operations(self, language: str) -> str:
        """Prints the operations book; where to look for it. Raises `hw.errors`."""
        ...

    def bundle(self) -> Path:
        """Writes a support bundle into the data directory; its file."""
        ...

    def accept_replacements(self, shown: Mapping[str, str]) -> None:
        """Devices were exchanged on purpose: those refused that were `shown`, by name, are worked with from now on."""
        ...
