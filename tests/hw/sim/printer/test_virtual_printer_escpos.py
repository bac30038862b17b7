"""Another program's ESC/POS, python-escpos, printed by the simulated printer and read back from it."""

import os
import queue
import threading

import pytest
from escpos.printer import Dummy, Network, Serial

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
    from PIL import Image

    picture = Image.new("1", (64, 24), 1)
    picture.paste(0, (8, 4, 40, 20))
    dummy = Dummy(profile="TM-T88V")
    dummy.image(picture, impl="bitImageRaster")
    printer = VirtualPrinter()
    printer.feed(dummy.output + b"\x1dV\x00")
    (row,) = printer.sheets[0].rows
    assert row.width_bytes * 8 == picture.width
    assert row.bits == bytes(~byte & 0xFF for byte in picture.tobytes())  # a set dot is black, a set pixel white


@pytest.mark.parametrize("implementation", ["graphics", "bitImageColumn"])
def test_images_of_other_kinds_are_swallowed_whole(implementation):
    from PIL import Image

    dummy = Dummy(profile="TM-T88V")
    dummy.image(Image.effect_noise((64, 24), 90).convert("1"), impl=implementation)
    printer = VirtualPrinter()
    printer.feed(dummy.output + b"A\n\x1dV\x00")
    assert printer.sheets[0].text.strip() == "A"
    assert len(printer.sheets) == 1


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
