"""What can go wrong with the simulated printer, counted in bytes from the first it was sent."""

from collections.abc import Mapping

from hw.sim.fault import Fault, parse_faults

PAPER_END = "paper-end"
"""The paper runs out before the byte is processed."""
COVER_OPEN = "cover-open"
"""The cover opens before the byte is processed."""
NEAR_END = "near-end"
"""The paper runs low before the byte is processed."""
CUTTER_JAM = "cutter-jam"
"""The cutter jams before the byte is processed."""
POWER_OFF = "power-off"
"""The power fails and comes back before the byte: what was in the buffers is gone, and what arrives with the byte."""
SILENT = "silent"
"""The printer goes on printing, and answers nothing from that byte on."""

KINDS: Mapping[str, str] = dict.fromkeys((PAPER_END, NEAR_END, COVER_OPEN, CUTTER_JAM, POWER_OFF, SILENT), "")
"""The kinds of fault; none takes a value (see `hw.sim.fault`)."""


def parse_printer_faults(spec: str) -> dict[int, Fault]:
    """The faults of a specification such as `paper-end@200`, also spelled paper_end. Raises `FaultSpecInvalid`."""
    return parse_faults(spec.replace("_", "-"), KINDS)
