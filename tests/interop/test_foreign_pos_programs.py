"""Other people's programs as judges of the simulated printer and display: what they answer and send, kept as bytes.

Neither can stand in the lock file: emupos 0.4.0 (a simulated printer with the profile of an Epson TM-T20III) needs
Python 3.13, odoo-driver-plugin-display-escpos 2.1.0 (a host of customer displays) a web server. The answers were taken
down from emupos's printer, run alone; the display's commands are those in the other's source, around lines of our own.
"""

import pytest

from hw.sim.display.virtual import VirtualDisplay
from hw.sim.printer.virtual import VirtualPrinter

_REAL_TIME = tuple(bytes((0x10, 0x04, n)) for n in (1, 2, 3, 4))
_IN_ORDER = (b"\x1dr\x01", b"\x1dr\x02", b"\x1da\xff")
_KICK = b"\x10\x14\x01\x00\x01"

EMUPOS = (
    # paper, cover open, drawer open, answers to DLE EOT 1 to 4, and where it is online to GS r 1, GS r 2 and GS a FF
    ("ok", False, False, "12 12 12 12 00 00 10000000"),
    ("ok", False, True, "16 12 12 12 00 01 14000000"),
    ("near_end", False, False, "12 12 12 1e 03 00 10000300"),
    ("near_end", False, True, "16 12 12 1e 03 01 14000300"),
    ("end", False, False, "1a 32 12 7e"),
    ("end", False, True, "1e 32 12 7e"),
    ("ok", True, False, "1a 16 12 12"),
    ("ok", True, True, "1e 16 12 12"),
)


@pytest.mark.parametrize(("paper", "is_cover_open", "is_drawer_open", "answers"), EMUPOS)
def test_the_printer_answers_as_another_simulated_one_does(paper, is_cover_open, is_drawer_open, answers):
    sim = VirtualPrinter()
    sim.set_paper(paper)
    sim.set_cover(is_cover_open)
    if is_drawer_open:
        sim.feed(_KICK)
    told = [sim.feed(question).hex() for question in (*_REAL_TIME, *_IN_ORDER)[: len(answers.split())]]
    assert " ".join(told) == answers


def test_the_display_shows_what_another_program_writes():
    sim = VirtualDisplay()
    for set_mode in (b"\x02\x05C1\x03", b"\x02\x05T\x01\x03", b"\x02\x05U\x13\x03"):
        sim.feed(set_mode)  # another maker's settings, which an Epson display does not have
    for frame in (b"\x0c", b"\x1f$\x01\x01", b"Total:          5.00", b"\x1f$\x01\x02", b"To Pay:         1.50"):
        sim.feed(frame)
    assert sim.screen.lines == ("Total:          5.00", "To Pay:         1.50")
