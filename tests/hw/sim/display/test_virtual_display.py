"""The simulated customer display: what is seen after the commands of both manuals."""

import pytest

from hw.sim.display.virtual import VirtualDisplay, parse_display_faults


def shown(data, **options):
    display = VirtualDisplay(**options)
    for value in data:
        assert display.feed(bytes((value,))) == b""
    return display


def lines(data, **options):
    return [line.rstrip() for line in shown(data, **options).screen.lines]


@pytest.mark.parametrize(
    ("data", "upper", "lower"),
    [
        (b"ABC", "ABC", ""),
        (b"\x1f$\x01\x02ABC", "", "ABC"),  # US $ 1 2
        (b"\x1f$\x13\x01ABC", " " * 18 + "AB", "C"),  # past the end of the upper line
        (b"\x1f$\x00\x03A", "A", ""),  # a place that is none
        (b"A" * 41, "A" * 20, "A" * 20),  # overwrite: from the end to the beginning again
        (b"\x1f\x02" + b"A" * 20 + b"B" * 20 + b"C", "B" * 20, "C"),  # vertical scroll
        (b"\x1f\x03" + b"A" * 20 + b"BC", "A" * 18 + "BC", ""),  # horizontal scroll
        (b"ABC\x0cD", "D", ""),  # CLR
        (b"ABC\nDEF\x18G", "ABC", "G"),  # CAN clears the line
        (b"ABC\rD", "DBC", ""),
        (b"AB\x08C", "AC", ""),
        (b"\x0bA\x09B", "A B", ""),
        (b"\x1fBA", "", " " * 19 + "A"),  # US B: bottom
        (b"\x1f\rA", " " * 19 + "A", ""),  # US CR: right end
        (b"\x1bR\x08\\500", "\u00a5500", ""),
        (b"\x1bt\x01\xc3\xbd\xb3\xd8\xae\xb3", "\uff83\uff7d\uff73\uff98\uff6e\uff73", ""),
        (b"A\x1b@B", "B", ""),
        (b"A\x1b=\x01BC\x1b=\x02D", "AD", ""),  # ESC =: the printer, then the display again
        (b"A\x1bW\x01\x01\x01\x01\x0a\x01B", "AB", ""),  # a window is taken and not shown
    ],
)
def test_epson_mode(data, upper, lower):
    assert lines(data) == [upper, lower]
    assert shown(data).unknown == []


@pytest.mark.parametrize(
    ("data", "upper", "lower"),
    [
        (b"\x1bQAHELLO\r", "HELLO", ""),
        (b"\x1bQAHELLO\r\x1bQBWORLD\r", "HELLO", "WORLD"),
        (b"\x1bQA" + b"X" * 25 + b"\r", "X" * 20, ""),
        (b"\x1bQAHELLO\rABC", "HELLO", ""),  # string mode hears nothing else
        (b"\x1bQAHELLO\r\x0cABC", "ABC", ""),  # until CLR
        (b"\x1bl\x03\x02A", "", "  A"),
        (b"\x1b[CA\x1b[BB\x1b[HC", "CA", "  B"),
        (b"\x1bfJ\\1\x1bcJ\xb1", "\u00a51\uff71", ""),
        (b"A\x1bW\x01\x01\x0a\x01B", "AB", ""),
        (b"\x1b\x12" + b"A" * 20 + b"B" * 20 + b"C", "B" * 20, "C"),
    ],
)
def test_cd5220_mode(data, upper, lower):
    assert lines(data, is_cd5220=True) == [upper, lower]


def test_brightness_blinking_and_annunciators():
    display = shown(b"\x1fX\x02\x1fE\x0a\x1f#\x01\x05\x1fC\x00")
    assert (display.screen.brightness, display.screen.blink, display.screen.marks) == (2, 10, {5})
    assert not display.screen.is_cursor_on
    assert shown(b"\x1fX\x05").unknown == [b"\x1fX\x05"]
    assert shown(b"\x1b*\x03", is_cd5220=True).screen.brightness == 3


def test_it_shows_its_glass_in_a_file_and_forgets_at_a_power_cut(tmp_path):
    display = VirtualDisplay(directory=tmp_path, faults=parse_display_faults("power-off@4"))
    display.feed(b"\x1bt\x01")
    display.feed(b"A")
    assert (tmp_path / "display.txt").read_text("utf-8") == "A\n\n"
    display.obey("power off")
    assert (tmp_path / "display.txt").read_text("utf-8") == "\n\n"
