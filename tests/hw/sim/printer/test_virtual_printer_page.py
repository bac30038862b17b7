"""Motion units, page mode and images in memory, as the manuals describe them; bytes quoted from there."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.sim.printer.picture import draw
from hw.sim.printer.sheet import ImageRow, PageRow
from hw.sim.printer.virtual import VirtualPrinter

CUT = b"\x1dV\x00"
LEFT, TOP = 28, 24
"""Margins of the picture."""


def printed(sent, printer=None):
    printer = printer or VirtualPrinter()
    printer.feed(bytes.fromhex(sent) if isinstance(sent, str) else sent)
    printer.feed(CUT)
    return printer.sheets[-1]


def dark(sheet, left, top, width, height):
    """How many dots of a box on the paper are black."""
    box = (LEFT + left, TOP + top, LEFT + left + width, TOP + top + height)
    return sum(draw(sheet).crop(box).histogram()[:128])


def test_motion_units_are_those_of_the_manual():
    # TM-T88 information manual, GS P, program example: 30/180 inch, then 30/90 inch; dots are 1/180 inch.
    rows = printed("1d50b4b4 1b331e 4141414141 0a 1d50b45a 1b331e 4343434343 0a").rows
    assert [row.fed_dots for row in rows] == [30, 60]
    # Default x = 180, y = 360: half a dot; the command does not change what was set before.
    assert [row.fed_dots for row in printed("1b333c 41 0a 1d50b4b4 42 0a 1d500000 1b333c 43 0a").rows] == [30, 30, 30]
    assert printed("1d505ab4 1b241e00 41 0a").text == "     A\n"  # 30/90 inch are 60 dots
    assert [row.fed_dots for row in printed("1b4114 41 0a 1b2b78 42 0a").rows] == [60, 60]


def test_a_page_is_printed_at_once_and_leads_back_to_standard_mode():
    # ESC L, ESC W with the default area of TM-T88III (dx = 512, dy = 1662), text, FF; then standard mode.
    sheet = printed("1b4c 1b57 0000 0000 0002 7e06 4142 0a 43 0c 44 0a")
    assert isinstance(sheet.rows[0], PageRow)
    assert sheet.text == "AB\nC\nD\n"
    assert sheet.rows[0].height == 831


@pytest.mark.parametrize(
    ("direction", "box"),
    [
        (0, (100, 50, 24, 24)),  # left to right, from the upper left
        (1, (100, 226, 24, 24)),  # bottom to top, from the lower left
        (2, (376, 226, 24, 24)),  # right to left, from the lower right
        (3, (376, 50, 24, 24)),  # top to bottom, from the upper right
    ],
)
def test_every_direction_starts_in_its_corner(direction, box):
    # An area of 300 by 200 dots at (100, 50): vertical units are half dots.
    area = b"\x1bW" + b"".join(n.to_bytes(2, "little") for n in (100, 100, 300, 400))
    sheet = printed(b"\x1bL" + area + b"\x1bT" + bytes((direction,)) + b"HH\x0c")
    assert dark(sheet, *box) > 60
    assert dark(sheet, 0, 0, 512, sheet.rows[0].height) == dark(sheet, *box)
    assert sheet.text == "HH\n"
    assert sheet.rows[0].height == 250


def test_print_positions_within_a_page():
    # GS $ 48: 24 dots down; ESC $ 60 dots; GS \ 60: 30 further down; ESC \ -24.
    sheet = printed("1b4c 1d243000 41 1b243c00 42 1d5c3c00 1b5ce8ff 43 0c")
    assert sheet.text == "A    B\n    C\n"
    placed = {item.what.text: (item.x, item.y) for item in sheet.rows[0].placed}
    assert placed == {"A": (0, 24), "B": (60, 24), "C": (48, 54)}


def test_esc_ff_keeps_the_page_and_can_takes_the_area_away():
    assert printed("1b4c 41 1b0c 0a 42 0c").text == "A\nA\nB\n"
    # Two areas; CAN empties the second one only.
    first, second = "1b57 0000 0000 0002 6400", "1b57 0000 c800 0002 6400"
    assert printed(f"1b4c {first} 41 {second} 42 18 43 0c").text == "A\nC\n"
    assert printed("1b4c 41 1b53 42 0a").text == "B\n"  # ESC S drops what was set
    assert printed("1b4c 41 1b40 42 0a").text == "B\n"  # ESC @ likewise


def test_what_belongs_to_page_mode_does_nothing_in_standard_mode():
    printer = VirtualPrinter()
    sheet = printed("41 1b4c 0c 1b0c 18 1b53 1d241000 1d5c1000 1b57 0000 0000 0001 0001 42 0a", printer)
    assert sheet.text == "AB\n"
    assert printer.unknown == ()


def test_line_spacing_of_a_page_is_its_own():
    sheet = printed("1b3378 1b4c 1b333c 41 0a 42 0c 43 0a")
    page, line = sheet.rows
    assert [item.y for item in page.placed] == [24, 54]
    assert line.fed_dots == 60


def test_a_code_and_an_image_stand_on_a_page():
    store = "1d286b 0500 315030 3137 1d286b 0300 315130"
    sheet = printed(f"1b4c 1d24ff00 {store} 1d7630 00 0100 0200 f00f 0c")
    assert sheet.text == "[QR 17][image 8x2]\n"
    code, image = (item.box for item in sheet.rows[0].placed)
    assert code.top + code.height == image.top + image.height == 127
    assert image.left == code.width + (-code.width) % 8
    assert dark(sheet, image.left, image.top, 8, 2) == 8


def test_clearing_leaves_page_mode():
    printer = VirtualPrinter()
    printer.feed(b"\x1bLA")
    assert printer.feed(bytes.fromhex("1014 0801 0314 0106 0208")) == b"\x37\x25\x00"
    assert printed(b"B\n", printer).text == "B\n"


BOX = "ff 81 81 81 81 81 81 ff"
"""A hollow square of 8 dots, the same in rows and columns."""
BAR = "ff ff 00 00 00 00 00 00"
"""In columns a bar of two dots at the left, in rows one at the top."""


def images(sheet):
    return [row for row in sheet.rows if isinstance(row, ImageRow)]


def test_numbered_images_outlive_power_and_process(tmp_path):
    # FS q 2: two images of 1 by 1 bytes in column format; FS p n m.
    printer = VirtualPrinter(directory=tmp_path)
    sheet = printed(f"1c71 02 0100 0100 {BOX} 0100 0100 {BAR} 1c700100 1c700230 1c700333", printer)
    box, bar = images(sheet)
    assert box.bits.hex(" ") == BOX
    assert bar.bits == b"\xc0" * 8
    assert len(printer.unknown) == 1  # there is no third one
    printer.obey("power off")
    assert [row.height for row in images(printed("1c700103", printer))] == [16]
    assert len(images(printed("1c700200", VirtualPrinter(directory=tmp_path)))) == 1


def define(function, key, data, width=8, height=8):
    body = bytes((0x30, function, 0x30)) + key + b"\x01" + width.to_bytes(2, "little") + height.to_bytes(2, "little")
    body += b"\x31" + bytes.fromhex(data)
    return b"\x1d(L" + len(body).to_bytes(2, "little") + body


def test_nv_graphics_by_key_code():
    printer = VirtualPrinter()
    whole = printer.feed(b"\x1d(L\x02\x0000")
    assert whole == b"\x370262144\x00"
    printer.feed(b"\x1cq\x01\x01\x00\x01\x00" + bytes.fromhex(BOX))
    printer.feed(define(67, b"G1", BAR) + define(68, b"G2", BAR))
    assert printer.feed(b"\x1d(L\x02\x0003") == b"\x371%d\x00" % (262144 - 2 * (8 + 24))
    assert printer.feed(b"\x1d(L\x04\x000@KC") == b"\x37\x72\x40G1G2\x00"
    # <Function 69> GS ( L 6 0 48 69 kc1 kc2 x y; the image of FS q is gone, since both do not live beside each other.
    sheet = printed("1d284c0600 3045 4731 01 01 1d284c0600 3045 4732 02 01 1c700100", printer)
    first, second = images(sheet)
    assert first.bits.hex(" ") == BAR
    assert (second.width_bytes, second.bits[:2]) == (2, b"\xf0\x00")
    printer.feed(b"\x1d(L\x04\x000BG1")
    assert printer.feed(b"\x1d(L\x04\x000@KC") == b"\x37\x72\x40G2\x00"
    printer.feed(b"\x1d(L\x05\x000ACLR")
    assert printer.feed(b"\x1d(L\x04\x000@KC") == b"\x37\x72\x40\x00"


def test_downloaded_graphics_and_the_downloaded_bit_image_end_with_the_power():
    printer = VirtualPrinter()
    printer.feed(define(83, b"D1", BOX) + b"\x1d*\x01\x01" + bytes.fromhex(BAR))
    assert printer.feed(b"\x1d(L\x04\x000PKC") == b"\x37\x73\x40D1\x00"
    assert len(images(printed("1d284c0600 3055 4431 01 01 1d2f00 1d2f03", printer))) == 3
    printer.obey("power off")
    printed("1d284c0600 3055 4431 01 01 1d2f00", printer)
    assert len(printer.unknown) == 2


def test_images_that_cannot_be_are_refused():
    printer = VirtualPrinter()
    size = (11 + 64 * 4200).to_bytes(4, "little")
    too_large = b"\x1d8L" + size + b"0C0G1\x01\x00\x02\x68\x101" + bytes(64 * 4200)
    for wrong in (
        define(67, b"G1", "00" * 7),  # too short for its size
        b"\x1d(L\x06\x000EXX\x01\x01",  # nobody has defined it
        b"\x1d(L\x05\x000ACLX",
        b"\x1d(L\x02\x0002",  # nothing is stored
        b"\x1cq\x01\x00\x00\x01\x00",
        too_large,
    ):
        before = len(printer.unknown)
        printer.feed(wrong)
        assert len(printer.unknown) == before + 1, wrong[:10]


PAGE_COMMANDS = """
    1b4c 1b53 0c 1b0c 18 41 0a 1b5400 1b5401 1b5402 1b5403 1d24ff00 1d5cff00 1d5c00ff 1b243000 1b5cf0ff 1b6402 1b4a20
    1b5700000000000164001b57 1b5710001000200020001b57 1d7630000100020000ff 1c7101010001000102030405060708 1c700100 09
    1d286b0500315030313c 1d286b0300315130 1d5600 1b40 1d50b4b4 1b2103 1d6b02343030363338313333333933310000
"""


@settings(max_examples=150)
@given(st.lists(st.sampled_from(PAGE_COMMANDS.split()).map(bytes.fromhex) | st.binary(max_size=4), max_size=25))
def test_no_page_upsets_it(parts):
    printer = VirtualPrinter()
    printer.feed(b"".join(parts) + b"\x00" * 40 + b"\x1b@" + CUT)
    for sheet in printer.sheets:
        assert isinstance(sheet.text, str)
        assert draw(sheet).width == 512 + 2 * LEFT
