"""Finds the real-time commands in what a printer receives: they act at once, wherever they appear.

Source: Epson ESC/POS Command Reference, "Real-time commands"; they are found inside the data of other commands too.
"""

from dataclasses import dataclass


@dataclass
class RealTimeSettings:
    """What commands in the stream have set of it: GS ( D, whether DLE DC4 1 is heard; GS ( H, function 49.

    `offline_response` is 0 for none, 1 without and 2 with causes, sent when the printer stops.
    """

    has_pulse: bool = True
    offline_response: int = 0


@dataclass(frozen=True)
class RealTime:
    """One real-time command: "EOT", "ENQ", "PULSE" or "CLEAR", and its parameter n."""

    name: str
    n: int = 0


_DLE = 0x10
_PATTERNS: tuple[tuple[bytes, int, str], ...] = (
    # fixed bytes, parameters that follow, name
    (b"\x10\x04", 1, "EOT"),
    (b"\x10\x05", 1, "ENQ"),
    (b"\x10\x14\x01", 2, "PULSE"),
    (b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08", 0, "CLEAR"),
)


class RealTimeScanner:
    """Watches the stream one byte at a time."""

    def __init__(self) -> None:
        self._seen = b""

    def feed(self, byte: int) -> RealTime | None:
        """Takes one byte; the real-time command that it completes, if any."""
        if not self._seen and byte != _DLE:
            return None
        self._seen += bytes((byte,))
        while self._seen:
            for fixed, parameters, name in _PATTERNS:
                if len(self._seen) == len(fixed) + parameters and self._seen.startswith(fixed):
                    command = RealTime(name, self._seen[len(fixed)] if parameters else 0)
                    self._seen = b""
                    return command
                if fixed.startswith(self._seen[: len(fixed)]):
                    return None
            self._seen = self._seen[1:]
        return None
