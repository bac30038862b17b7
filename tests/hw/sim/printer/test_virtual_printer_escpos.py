"""Another program's ESC/POS, python-escpos, printed by the simulated printer and read back from it."""

import os
import queue
import threading
from itertools import pairwise

import pytest
from escpos.printer import Dummy, Network, Serial
from PIL import Image

from hw.sim.printer.picture import draw
from hw.sim.printer.virtual import VirtualPrinter
from hw.sim.shells import serve_pty, serve_tcp


def write_receipt(printer):
    printer.set(align="center", bold=True, double_width=True, double_height=True)
    printer.text("RECEIPT\n")
    printer.set(align="left", normal_textsize=True, bold=False)
    printer.text("Fee                                 500\n")
    printer.qr("https://example.jp/17", native=True, size=6)
    printer.cut()


def test_text_symbol_and_cut_come_out():
    dummy = Dummy(profile="TM-T88V")
    write_receipt(dummy)
    printer = VirtualPrinter()
    printer.feed(dummy.output)
    (sheet,) = printer.sheets
    assert sheet.text.splitlines()[0] == " " * 14 + "RECEIPT"
    assert sheet.text.splitlines()[1] == "Fee" + " " * 33 + "500"
    assert sheet.text.splitlines()[2].endswith("[QR https://example.jp/17]")
    assert sheet.data == dummy.output


def test_an_image_comes_out_dot_by_dot():
    picture = Image.new("1", (64, 24), 1)
    picture.paste(0, (8, 4, 40, 20))
    dummy = Dummy(profile="TM-T88V")
    dummy.image(picture, impl="bitImageRaster")
    printer = VirtualPrinter()
    printer.feed(dummy.output + b"\x1dV\x00")
    (row,) = printer.sheets[0].rows
    assert row.width_bytes * 8 == picture.width
    assert row.bits == bytes(~byte & 0xFF for byte in picture.tobytes())  # a set dot is black, a set pixel white


def printed(build):
    """The picture of what python-escpos's `build` makes, and the printer."""
    dummy = Dummy(profile="TM-T88V")
    build(dummy)
    printer = VirtualPrinter()
    printer.feed(dummy.output + b"\x1dV\x00")
    (sheet,) = printer.sheets
    assert printer.unknown == ()
    return draw(sheet).point(lambda value: 0 if value < 128 else 255), sheet


@pytest.mark.parametrize("implementation", ["graphics", "bitImageColumn"])
def test_an_image_comes_out_the_same_whichever_way_it_is_sent(implementation):
    picture = Image.new("1", (64, 48), 1)
    picture.paste(0, (8, 4, 40, 20))
    picture.paste(0, (30, 30, 63, 47))
    raster, _ = printed(lambda dummy: dummy.image(picture, impl="bitImageRaster"))
    other, _ = printed(lambda dummy: dummy.image(picture, impl=implementation))
    assert other.crop((0, 0, 200, 70)).tobytes() == raster.crop((0, 0, 200, 70)).tobytes()


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("EAN13", "4006381333931", "4006381333931"),
        ("EAN8", "96385074", "96385074"),
        ("UPC-A", "036000291452", "036000291452"),
        ("CODE39", "ABC-1", "ABC-1"),
        ("ITF", "123456", "123456"),
        ("CODE128", "{BABC123", "ABC123"),
    ],
)
def test_a_barcode_comes_out_with_its_text_below(kind, data, text):
    picture, sheet = printed(
        lambda dummy: dummy.barcode(
            data, kind, 64, 2, "BELOW", "A", function_type="B" if kind == "CODE128" else "A", check=False
        )
    )
    code, below = sheet.text.split("\n")[:2]
    assert code.strip() == f"[barcode {text}]"
    assert below.strip() == text
    dark = [picture.getpixel((x, 40)) == 0 for x in range(picture.width)]
    bars = sum(here and not before for before, here in pairwise(dark))
    assert bars > 2 * len(text)


def test_reversed_underlined_and_placed_text():
    picture, sheet = printed(
        lambda dummy: dummy._raw(b"\x1dB\x01A\x1dB\x00\x1b-\x01B\x1b-\x00\x1bD\x0a\x14\x00\tC\tD\n")
    )
    assert sheet.text == "AB        C         D\n"
    assert sum(picture.crop((28, 24, 40, 48)).histogram()[:128]) > 150  # the cell of A is mostly black


PICTURE = Image.new("1", (16, 16))
CALLS = {
    "image": [lambda p, impl=impl: p.image(PICTURE, impl=impl) for impl in ("bitImageRaster", "graphics")]
    + [lambda p: p.image(PICTURE, impl="bitImageColumn", center=True)],
    "qr": [lambda p: p.qr("17", native=True), lambda p: p.qr("17"), lambda p: p.qr("17", native=True, model=1)],
    "charcode": [lambda p: p.charcode("CP858"), lambda p: p.charcode("AUTO")],
    "barcode": [
        lambda p: p.barcode("4006381333931", "EAN13"),
        lambda p: p.barcode("{B17", "CODE128", function_type="B"),
    ],
    "text": [lambda p: p.text("é € ñ\n")],
    "textln": [lambda p: p.textln("17")],
    "ln": [lambda p: p.ln(3)],
    "block_text": [lambda p: p.block_text("one two three " * 9)],
    "set": [
        lambda p: p.set(align="right", font="b", underline=2, width=3, height=4, custom_size=True, density=3),
        lambda p: p.set(invert=True, smooth=True, flip=True, bold=True, double_height=True),
    ],
    "set_with_default": [lambda p: p.set_with_default()],
    "line_spacing": [lambda p, divisor=divisor: p.line_spacing(40, divisor) for divisor in (60, 180, 360)]
    + [lambda p: p.line_spacing()],
    "cut": [lambda p: p.cut(), lambda p: p.cut(mode="PART"), lambda p: p.cut(feed=False)],
    "cashdraw": [lambda p: p.cashdraw(2), lambda p: p.cashdraw(5), lambda p: p.cashdraw([27, 112, 0, 25, 255])],
    "linedisplay_select": [lambda p: (p.linedisplay_select(True), p.linedisplay_select(False))],
    "linedisplay_clear": [lambda p: p.linedisplay_clear()],
    "linedisplay": [lambda p: p.linedisplay("for the display")],
    "hw": [lambda p, what=what: p.hw(what) for what in ("INIT", "SELECT", "RESET")],
    "print_and_feed": [lambda p: p.print_and_feed(2)],
    "control": [lambda p, what=what: p.control(what) for what in ("LF", "FF", "CR", "HT", "VT")],
    "panel_buttons": [lambda p: p.panel_buttons(False), lambda p: p.panel_buttons()],
    "target": [lambda p: p.target("ROLL"), lambda p: p.target("SLIP")],
    "eject_slip": [lambda p: p.eject_slip()],
    "print_and_eject_slip": [lambda p: p.print_and_eject_slip()],
    "buzzer": [lambda p: p.buzzer()],
}
"""Every method of python-escpos that sends anything, in each way."""
NOT_CALLED = {
    *("open", "close", "clear", "device", "output", "is_usable", "check_barcode"),  # send nothing
    *("query_status", "is_online", "paper_status"),  # read: `test_it_prints_and_asks_over_the_wire`
    "use_slip_only",  # sends FS alone, which takes the next byte with it on every printer
}


def test_every_method_of_the_other_program_is_known_here():
    methods = {name for name in dir(Dummy) if not name.startswith("_")}
    assert methods - NOT_CALLED == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_that_the_other_program_sends_swallows_what_follows_or_is_unknown(name):
    for call in CALLS[name]:
        dummy = Dummy(profile="TM-T88V")
        call(dummy)
        printer = VirtualPrinter()
        printer.feed(dummy.output + b"\x1b@XYZ\n\x1dV\x00")
        assert printer.unknown == ()
        assert printer.sheets[-1].text.rstrip().endswith("XYZ")
        printed_text = "".join(sheet.text for sheet in printer.sheets)
        assert "for the display" not in printed_text


def test_text_in_every_code_page_that_the_other_program_picks_by_itself():
    dummy = Dummy(profile="TM-T88V")
    line = "Größe, señor, Ωμέγα, Привет, łódź"
    dummy.text(f"{line}\n")
    printer = VirtualPrinter()
    printer.feed(dummy.output + b"\x1dV\x00")
    assert printer.sheets[0].text == f"{line}\n"


@pytest.mark.wire
@pytest.mark.parametrize("kind", ["pty", "tcp"])
def test_it_prints_and_asks_over_the_wire(kind):
    core = VirtualPrinter()
    stop, end = os.pipe()
    announced = queue.Queue()
    arguments = (core, announced.put, stop) if kind == "pty" else (core, 0, announced.put, stop)
    thread = threading.Thread(target=serve_pty if kind == "pty" else serve_tcp, args=arguments)
    thread.start()
    try:
        line = announced.get(timeout=10)
        if kind == "pty":
            host = Serial(line, timeout=0.1, profile="TM-T88V")
        else:
            host = Network("127.0.0.1", int(line.removeprefix("tcp ")), timeout=5, profile="TM-T88V")
        assert host.is_online()
        assert host.paper_status() == 2
        write_receipt(host)
        core.set_paper("near_end")
        assert host.paper_status() == 1
        core.set_paper("end")
        assert host.paper_status() == 0
        assert not host.is_online()
        host.close()
        assert len(core.sheets) == 1
    finally:
        os.write(end, b"\0")
        thread.join(10)
        os.close(stop)
        os.close(end)
