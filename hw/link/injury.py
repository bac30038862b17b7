"""What can go wrong on a line, byte by byte, as data: one `Injury` for each direction, the same for every kind of link.

Written as `DIRECTION-KIND@N[=VALUE]`, comma separated: at the Nth byte, from 1, on its way to the device or from it;
`to-close@20,from-garble@3=01,from-delay@1=150`. Each happens once, also when the line is opened anew meanwhile.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from hw.sim.fault import Fault, FaultSpecInvalid, parse_faults

DIRECTIONS = ("to", "from")

KINDS: Mapping[str, str] = {
    "drop": r"([1-9][0-9]{0,4})?",  # that many bytes vanish, default 1
    "garble": r"([0-9a-f]{2})?",  # the byte is changed by XOR, default ff
    "duplicate": "",  # the byte comes twice
    "inject": r"([0-9a-f]{2})+",  # these bytes come before it
    "split": "",  # what comes before and what comes after arrive apart
    "delay": r"[1-9][0-9]{0,5}",  # the byte and all after it come so many milliseconds later
    "pace": r"[1-9][0-9]{1,6}",  # from here on as slowly as so many baud carry it, ten bits a byte
    "close": "",  # the line is cut before the byte
    "stall": "",  # from the byte on nothing passes any more, and nobody says so
    "echo": "",  # to only: from the byte on everything sent is also received, as on a single wire
}
"""Kinds of injury, each with the regular expression of its value."""

KIND_NAMES = tuple(f"{direction}-{kind}" for direction in DIRECTIONS for kind in KINDS if (direction, kind) != (
    "from",
    "echo",
))  # fmt: skip
_BITS_A_BYTE = 10


@dataclass(frozen=True)
class Pause:
    """Nothing passes for so long."""

    seconds: float


class Mark(Enum):
    """What else may come between bytes."""

    SPLIT = "split"
    CUT = "cut"
    STALL = "stall"


Passing = bytes | Pause | Mark
"""What comes out of an injured line, in order."""


@dataclass(frozen=True)
class Injuries:
    """Both directions of one line."""

    to: "Injury"
    back: "Injury"


class Injury:
    """One direction: bytes go in, what passes comes out. Counts bytes over the whole life of the line."""

    def __init__(self, faults: Mapping[int, Fault] | None = None) -> None:
        self._faults = dict(faults or {})
        self._count = 0
        self._to_drop = 0
        self._pause_a_byte_s = 0.0
        self._is_stalled = False
        self.echoes = False
        """Whether what passes here also comes back."""

    @property
    def is_stalled(self) -> bool:
        """Whether nothing passes any more."""
        return self._is_stalled

    def pass_on(self, chunk: bytes) -> list[Passing]:
        """What comes out for `chunk`; after a CUT the rest of it is lost."""
        out: list[Passing] = []
        if not self._faults and not self._to_drop and not self._pause_a_byte_s and not self._is_stalled:
            self._count += len(chunk)
            return [chunk] if chunk else out
        for value in chunk:
            self._count += 1
            passing = self._byte(value, self._faults.pop(self._count, None))
            for item in passing:
                if isinstance(item, bytes) and out and isinstance(out[-1], bytes):
                    out[-1] += item
                else:
                    out.append(item)
            if Mark.CUT in passing:
                break
        return out

    def _byte(self, value: int, fault: Fault | None) -> list[Passing]:
        before: list[Passing] = []
        data = bytes((value,))
        match fault:
            case Fault("drop", _, count):
                self._to_drop = int(count or 1)
            case Fault("garble", _, xor):
                data = bytes((value ^ int(xor or "ff", 16),))
            case Fault("duplicate"):
                data *= 2
            case Fault("inject", _, extra):
                data = bytes.fromhex(extra) + data
            case Fault("split"):
                before = [Mark.SPLIT]
            case Fault("delay", _, milliseconds):
                before = [Pause(int(milliseconds) / 1000)]
            case Fault("pace", _, baud):
                self._pause_a_byte_s = _BITS_A_BYTE / int(baud)
            case Fault("close"):
                return [Mark.CUT]
            case Fault("stall"):
                self._is_stalled = True
                return [Mark.STALL]
            case Fault("echo"):
                self.echoes = True
        if self._is_stalled:
            return []
        if self._to_drop:
            self._to_drop -= 1
            return before
        return [*before, *([Pause(self._pause_a_byte_s)] if self._pause_a_byte_s else []), data]


def parse_injuries(spec: str) -> Injuries:
    """Both directions of a specification; an empty one injures nothing. Raises `FaultSpecInvalid`."""
    parts: dict[str, list[str]] = {direction: [] for direction in DIRECTIONS}
    for item in spec.split(",") if spec else ():
        direction, dash, rest = item.strip().partition("-")
        if not dash or direction not in parts or (direction == "from" and rest.startswith("echo@")):
            raise FaultSpecInvalid(f"{item!r}: known: {', '.join(KIND_NAMES)}, each with @N or @N=VALUE")
        parts[direction].append(rest)
    to, back = (Injury(parse_faults(",".join(parts[direction]), KINDS)) for direction in DIRECTIONS)
    return Injuries(to, back)


def split_faults(spec: str, own: Callable[[str], dict[int, Fault]]) -> tuple[dict[int, Fault], Injuries]:
    """A simulated device's `--fault`: what its own grammar `own` takes, and what befalls its line."""
    items = [item.strip() for item in spec.split(",")] if spec else []
    line = [item for item in items if re.match(r"(to|from)-", item)]
    return own(",".join(item for item in items if item not in line)), parse_injuries(",".join(line))
