"""What can go wrong with the simulated coin machine, counted in bytes from the first it was sent."""

from collections.abc import Mapping

from hw.sim.fault import Fault, parse_faults

KINDS: Mapping[str, str] = {
    "coin": r"[1-9][0-9]{0,3}",  # a coin of so many yen falls in: no fault, but a way to have one at an exact moment
    "error": r"[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5]",  # the acceptor tells this code of part 3, 20: coin on string
    "reset": "",  # the machine loses power and gets it back
    "jam": "",  # from here on the acceptor's self-check finds a fault, and no coin is taken
    "hopper-empty": "",  # the hopper holds no coin any more
    "silent": "",  # nothing answers any more
}
"""Kinds of fault, each with the regular expression of its value; they come before the byte is processed."""


def parse_coin_faults(spec: str) -> dict[int, Fault]:
    """The faults of a specification such as `coin@40=500,reset@90`. Raises `FaultSpecInvalid`."""
    return parse_faults(spec, KINDS)
