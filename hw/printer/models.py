"""The receipt printers that the driver knows, as data."""

from dataclasses import dataclass, replace

from hw.printer.confirmation import IN_ORDER_STATUS, PROCESS_ID, Confirmation

JIS_X_0208 = bytes((*range(0x81, 0x85), *range(0x88, 0xA0), *range(0xE0, 0xEB)))
"""Shift_JIS lead bytes of rows 1 to 8 and 16 to 84, the characters that every Japanese printer's ROM holds.

The rows that vendors added (87 NEC, ED-EE and FA-FC IBM) are in some ROMs only; what a ROM lacks, the driver draws.
"""


@dataclass(frozen=True)
class PrinterModel:
    """What differs between printers.

    `dots` is the printable width, `columns` the half-width characters (12 dots) that fit, `line_dots` the default
    pitch of lines, `dots_per_mm` the resolution, `speed_mm_s` the slowest speed at which it prints. `kanji_leads` are
    the Shift_JIS lead bytes that its ROM can print. `has_clear` tells whether DLE DC4 8 empties its buffers,
    `cut_counter` is the number of its cut counter for GS g 2.
    """

    name: str
    dots: int
    columns: int
    dots_per_mm: float
    line_dots: int
    speed_mm_s: int
    confirmation: Confirmation
    has_clear: bool
    cut_counter: int | None
    kanji_leads: bytes = JIS_X_0208

    @property
    def has_automatic_status(self) -> bool:
        """Whether it is asked to tell its status by itself (GS a).

        Not one that confirms by GS r, whose answer is one byte that a torn status also has.
        """
        return self.confirmation.names_job


_EPSON = PrinterModel(
    "tm-m30-ja",
    dots=576,
    columns=48,
    dots_per_mm=203 / 25.4,
    line_dots=30,
    speed_mm_s=150,
    confirmation=PROCESS_ID,
    has_clear=True,
    cut_counter=50,
)
_IN_ORDER = replace(
    _EPSON,
    name="star-escpos",
    confirmation=IN_ORDER_STATUS,
    has_clear=False,
    cut_counter=None,
)

MODELS = {
    model.name: model
    for model in (
        replace(_EPSON, name="tm-t88-ja", dots=512, columns=42, dots_per_mm=180 / 25.4),
        _EPSON,
        replace(_EPSON, name="tm-t20-ja"),
        replace(_EPSON, name="tm-m30-58-ja", dots=420, columns=34),
        _IN_ORDER,
        replace(_IN_ORDER, name="generic-80", speed_mm_s=100),
        replace(_IN_ORDER, name="generic-58", dots=384, columns=32, speed_mm_s=60),
    )
}
"""Every model by its name in `hardware.toml`: Epson from TM-T88IV, TM-m30 and TM-T20II on, Star in ESC/POS mode, and
compatibles that confirm by GS r alone; all of them Japanese versions."""
