"""What can go wrong with a simulated card, counted in commands from the first it was given."""

from collections.abc import Mapping

from hw.sim.fault import Fault, parse_faults

PULL = "pull"
"""The card leaves before the command is executed."""
PULL_AFTER = "pull-after"
"""The command is executed, then the card leaves; its answer is lost."""
TORN = "torn"
"""The first half of what the command writes to a file is kept, nothing else of it; the card leaves meanwhile."""
MUTE = "mute"
"""The card takes the command, does nothing and answers nothing more until it loses power."""
DELAY = "delay"
"""The card takes so many seconds longer."""
STATUS = "sw"
"""The card answers the status word given and does nothing."""
CORRUPT = "corrupt"
"""The first byte of the answer's data arrives changed."""
LOOP = "loop"
"""The card announces more of its answer by 61xx, and again whenever it is fetched, without end."""
OVERSIZE = "oversize"
"""The answer is 300 bytes longer than what was asked for allows."""
WRONG_KEY = "wrong-key"
"""A key generation answers another public key than the one of the key that the card keeps."""
WEAK_KEY = "weak-key"
"""A key generation makes an RSA key whose primes are neighbours."""

KINDS: Mapping[str, str] = {
    PULL: "",
    PULL_AFTER: "",
    TORN: "",
    MUTE: "",
    DELAY: r"[0-9]{1,4}(?:\.[0-9]{1,3})?",
    STATUS: "[0-9A-Fa-f]{4}",
    CORRUPT: "",
    LOOP: "",
    OVERSIZE: "",
    WRONG_KEY: "",
    WEAK_KEY: "",
}
"""The kinds of fault, each with the form of its value (see `hw.sim.fault`)."""


def parse_card_faults(spec: str) -> dict[int, Fault]:
    """The faults of a specification such as `pull@7` or `sw@3=6F00,mute@9`. Raises `FaultSpecInvalid`."""
    return parse_faults(spec, KINDS)
