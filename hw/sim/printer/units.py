"""Motion units: what one step of a position, a margin or a feed is in dots.

Source: Epson ESC/POS Command Reference, GS P; default x is one dot, y half a dot (TM-T88: 180 and 360, 203 dpi models:
203 and 406).
"""

from dataclasses import dataclass


@dataclass
class MotionUnits:
    """1/x inch across the paper and 1/y inch along it, for a head of `dpi` dots per inch."""

    dpi: int
    x: int = 0
    y: int = 0

    def set(self, x: int, y: int) -> None:
        """GS P: 0 is the default."""
        self.x, self.y = x, y

    def across(self, n: int) -> int:
        """`n` horizontal units in dots; what is less than a dot is dropped, as by the mechanism."""
        return _dots(n, self.dpi, self.x or self.dpi)

    def along(self, n: int) -> int:
        """`n` vertical units in dots."""
        return _dots(n, self.dpi, self.y or 2 * self.dpi)


def _dots(n: int, dpi: int, units_per_inch: int) -> int:
    dots = abs(n) * dpi // units_per_inch
    return dots if n >= 0 else -dots
