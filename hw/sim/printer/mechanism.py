"""The moving parts of a printer and their sensors, and the status bytes that they make.

Source: Epson ESC/POS Command Reference, DLE EOT, GS a, GS r.
"""

from dataclasses import dataclass
from typing import Literal

PaperState = Literal["ok", "near_end", "end"]

_PAPER_REAL_TIME: dict[PaperState, int] = {"ok": 0x12, "near_end": 0x1E, "end": 0x7E}
_PAPER_SENSORS: dict[PaperState, int] = {"ok": 0x00, "near_end": 0x03, "end": 0x0F}
_AUTOMATIC_ITEMS = (
    # bit of GS a n, bits of the four bytes that it watches
    (0x01, 0x04_00_00_00),  # drawer
    (0x02, 0x28_00_00_00),  # online, cover
    (0x04, 0x00_6C_00_00),  # error
    (0x08, 0x00_00_0F_00),  # paper
)


@dataclass
class Mechanism:
    """What a person can do to the printer, and what it does to itself."""

    paper: PaperState = "ok"
    is_cover_open: bool = False
    is_drawer_open: bool = False
    is_cutter_jammed: bool = False

    @property
    def is_stopped(self) -> bool:
        """Offline: nothing is processed until a person has done something."""
        return self.paper == "end" or self.is_cover_open or self.is_cutter_jammed

    def real_time(self, n: int) -> int | None:
        """Answer to DLE EOT n, for n = 1 to 4."""
        match n:
            case 1:
                return 0x12 | 0x04 * self.is_drawer_open | 0x08 * self.is_stopped
            case 2:
                return 0x12 | 0x04 * self.is_cover_open | 0x20 * (self.paper == "end") | 0x40 * self.is_cutter_jammed
            case 3:
                return 0x12 | 0x08 * self.is_cutter_jammed
            case 4:
                return _PAPER_REAL_TIME[self.paper]
            case _:
                return None

    def automatic(self) -> bytes:
        """The four bytes of automatic status (GS a)."""
        return bytes(
            (
                0x10 | 0x04 * self.is_drawer_open | 0x08 * self.is_stopped | 0x20 * self.is_cover_open,
                0x08 * self.is_cutter_jammed,
                _PAPER_SENSORS[self.paper],
                0x00,
            )
        )

    def offline_cause(self) -> bytes:
        """Cause in an offline response (GS ( H, function 49); each model has bytes of its own, 40 to 7F."""
        return bytes((0x40 | 0x04 * self.is_cover_open | 0x20 * (self.paper == "end") | 0x08 * self.is_cutter_jammed,))

    def in_order(self, n: int) -> bytes | None:
        """Answer to GS r n: 1 or 49 paper, 2 or 50 drawer."""
        match n:
            case 1 | 49:
                return bytes((_PAPER_SENSORS[self.paper],))
            case 2 | 50:
                return bytes((self.is_drawer_open,))
            case _:
                return None


class AutomaticStatus:
    """GS a: sends the status by itself whenever something changes that the host has asked to hear of."""

    def __init__(self, mechanism: Mechanism) -> None:
        self._mechanism = mechanism
        self._mask = 0
        self._last = 0

    def enable(self, n: int) -> bytes:
        """Watches the items of `n` from now on; the status as it is, or b"" when that is none."""
        self._mask = 0
        for bit, watched in _AUTOMATIC_ITEMS:
            if n & bit:
                self._mask |= watched
        self._last = self._watched()
        return self._mechanism.automatic() if self._mask else b""

    def changes(self) -> bytes:
        """The status when a watched item has changed since it was last sent, else b""."""
        before, self._last = self._last, self._watched()
        return self._mechanism.automatic() if self._last != before else b""

    def _watched(self) -> int:
        return int.from_bytes(self._mechanism.automatic(), "big") & self._mask
