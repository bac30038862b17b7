"""What can go wrong with a simulated card, counted in commands from the first it was given."""

from collections.abc import Mapping

from hw.sim.fault import Fault, parse_faults

PULL = "pull"
"""The card leaves before the command is executed."""
PULL_AFTER = "pull-after"
"""The command is executed, then the card leaves; its answer is lost."""
MUTE = "mute"
"""The card takes the command, does nothing and answers nothing more until it loses power."""
STATUS = "sw"
"""The card answers the status word given and does nothing."""

KINDS: Mapping[str, str] = {PULL: "", PULL_AFTER: "", MUTE: "", STATUS: "[0-9A-Fa-f]{4}"}
"""The kinds of fault, each with the form of its value (see `hw.sim.fault`)."""


def parse_card_faults(spec: str) -> dict[int, Fault]:
    """The faults of a specification such as `pull@7` or `sw@3=6F00,mute@9`. Raises `FaultSpecInvalid`."""
    return parse_faults(spec, KINDS)
