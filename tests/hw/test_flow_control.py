"""Flow control from `hardware.toml` to the line: a printer that holds the host back is waited for, and gets it all."""

import os
import termios
import time
from contextlib import ExitStack

import pytest

from hw.devices import check_devices, open_devices
from hw.errors import NotSent
from hw.hardware import Hardware, PrinterDevice
from hw.link.serial_port import SerialLine, open_serial
from hw.strict_toml import ConfigInvalid, convert

XON, XOFF = b"\x11", b"\x13"
pytestmark = pytest.mark.wire


@pytest.fixture
def pty():
    """A pty's master, and the path of its other end."""
    master, slave = os.openpty()
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize(
    ("flow_control", "has_xon", "has_rts"),
    [("none", False, False), ("xon/xoff", True, False), ("rts/cts", False, True), ("dtr/dsr", False, True)],
)
def test_a_line_is_set_as_the_printer_is(tmp_path, pty, flow_control, has_xon, has_rts):
    master, path = pty
    hardware = Hardware(printer=PrinterDevice(f"serial://{path}", flow_control=flow_control))
    with ExitStack() as held:
        open_devices(hardware, tmp_path / "sim", held).printer.connect()
        input_flags, _, control_flags, *_ = termios.tcgetattr(master)
        assert bool(input_flags & termios.IXON) == has_xon
        assert bool(control_flags & termios.CRTSCTS) == has_rts


def test_what_a_printer_holds_back_reaches_it_when_it_lets_go(pty):
    master, path = pty
    link = open_serial(path, SerialLine(has_xon_xoff=True))
    os.write(master, XOFF)
    with pytest.raises(NotSent):
        link.write(b"too early", time.monotonic() + 0.2)
    os.write(master, XON)
    link.write(b"receipt", time.monotonic() + 30)
    assert os.read(master, 100) == b"receipt"
    link.close()


def test_another_word_is_none():
    with pytest.raises(ConfigInvalid, match="flow_control"):
        check_devices(convert({"printer": {"flow_control": "hardware"}}, Hardware, "hardware.toml"))
