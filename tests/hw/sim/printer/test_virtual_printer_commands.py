"""The simulated printer against its manual: what each command prints or answers, and that nothing can upset it."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.sim.printer.sheet import ImageRow, TextRow
from hw.sim.printer.virtual import VirtualPrinter

CUT = b"\x1dV\x42\x00"
KANJI = "1b40 1b5208 1b7401 1c4301 1c26 1c530000"
"""The byte recipe for a Japanese model: ESC @, ESC R 8, ESC t 1, FS C 1, FS &, FS S 0 0."""


def answers(sent, printer=None):
    return (printer or VirtualPrinter()).feed(bytes.fromhex(sent)).hex(" ")


def sheet(sent):
    printer = VirtualPrinter()
    printer.feed(sent + CUT)
    (cut,) = printer.sheets
    return cut


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("10 04 01", "12"),
        ("10 04 02", "12"),
        ("10 04 03", "12"),
        ("10 04 04", "12"),
        ("1d 61 ff", "10 00 00 00"),
        ("1d 72 01", "00"),
        ("1d 72 02", "00"),
        ("1d 49 01", "20"),
        ("1d 49 42", "5f 53 49 4d 55 4c 41 54 45 44 00"),
        ("1d 28 48 06 00 30 30 30 30 31 37", "37 22 30 30 31 37 00"),
        ("1d 67 32 00 32 00", "5f 30 00"),
        ("10 14 08 01 03 14 01 06 02 08", "37 25 00"),
        ("1b 70 00 32 32 10 04 01 1d 72 02", "16 01"),
        ("10 14 01 00 01 10 04 01", "16"),
        ("10 04 09 10 05 01 1d 72 09 1d 49 63 1b 40", ""),
    ],
)
def test_questions_and_their_answers(sent, answer):
    assert answers(sent) == answer


@pytest.mark.parametrize(
    ("sent", "printed"),
    [
        (f"{KANJI} 8ee8 9094 97bf 97cc 8efb 8f91 0a", "手数料領収書"),
        (f"{KANJI} 5c 353030 20 c3bdc4 0a", "¥500 ﾃｽﾄ"),
        ("1b40 1c26 3c6a 3f74 1c2e 41 0a", "手数A"),  # JIS code: the default of a Japanese model
        ("1b40 1c4300 1c26 3441 3b7a 0a", "漢字"),
        ("1b5200 1b7400 5c 9d 0a", "\\¥"),  # international set U.S.A., code page 437
        ("1b7401 b6c5 0a", "ｶﾅ"),
        ("1b7410 80 e9 0a", "€é"),  # WPC1252
        ("41 09 42 0a", "A       B"),
        ("41 1b244800 42 0a", "A     B"),
        ("1b244800 42 1b240000 41 0a", "A     B"),
        ("09 0a 41 0a", "\nA"),
        ("1b6102 41 0a", " " * 41 + "A"),
        ("1b6131 4142 0a", " " * 20 + "AB"),
        ("1d4c1800 41 0a", "  A"),
        (f"{KANJI} fcfc 0a", "〓"),
        ("8181 0a", "üü"),  # without Shift_JIS no lead bytes
    ],
)
def test_bytes_become_characters_in_their_place(sent, printed):
    assert sheet(bytes.fromhex(sent)).text.rstrip("\n") == printed.rstrip()


def test_a_line_that_is_full_goes_on_below():
    assert sheet(b"x" * 43 + b"\n").text == "x" * 42 + "\nx\n"
    assert sheet(bytes.fromhex(KANJI) + "字".encode("cp932") * 22 + b"\n").text == "字" * 21 + "\n字\n"


@pytest.mark.parametrize(
    ("style", "wide", "high"),
    [("1d2111", 2, 2), ("1d2110", 2, 1), ("1d2107", 1, 8), ("1b2130", 2, 2), ("1b2110", 1, 2), ("1c210c", 1, 1)],
)
def test_magnified_characters(style, wide, high):
    (row,) = sheet(bytes.fromhex(style) + b"A\n").rows
    ((_, glyph),) = row.glyphs
    assert (glyph.wide, glyph.high) == (wide, high)
    assert row.fed_dots == max(30, 24 * high)


def test_kanji_have_magnification_and_underline_of_their_own():
    (row,) = sheet(bytes.fromhex(f"{KANJI} 1c218c 8ee8 41 0a")).rows
    (_, kanji), (_, latin) = row.glyphs
    assert (kanji.rom_width, kanji.wide, kanji.high, kanji.is_underlined) == (24, 2, 2, True)
    assert (latin.rom_width, latin.wide, latin.high, latin.is_underlined) == (12, 1, 1, False)


def test_feeds():
    assert sheet(b"A\x1bd\x03B\n\n\nC\n").text == "A\n\n\nB\n\n\nC\n"
    assert [row.fed_dots for row in sheet(b"\x1b3\x80A\n\x1bJ\x0eB\x1bJ\xa0").rows] == [64, 7, 80]


@pytest.mark.parametrize("form", ["00", "01", "30", "31", "41 03", "42 00", "61 00", "62 00", "67 00", "68 00"])
def test_every_form_of_the_cut_is_one_sheet(form):
    printer = VirtualPrinter()
    printer.feed(b"A\n" + bytes.fromhex("1d 56" + form) + b"B\n\x1dV\x00")
    assert [cut.text for cut in printer.sheets] == ["A\n", "B\n"]
    assert answers("1d 67 32 00 32 00", printer) == "5f 32 00"
    assert b"".join(cut.data for cut in printer.sheets).count(b"\x1dV") == 2


@pytest.mark.parametrize("form", ["00", "01", "30", "31"])
def test_a_cut_at_once_is_one_at_the_beginning_of_a_line_only(form):
    printer = VirtualPrinter()
    printer.feed(b"A" + bytes.fromhex("1d 56" + form) + b"B\n\x1dV\x00")
    assert [cut.text for cut in printer.sheets] == ["AB\n"]


def test_a_pulse_goes_to_one_of_two_pins():
    printer = VirtualPrinter()
    printer.feed(b"\x1bp\x0722\x1bp\x0222")
    assert not printer.mechanism.is_drawer_open
    assert [command.name for command in printer.unknown] == ["ESC p", "ESC p"]
    printer.feed(b"\x1bp122")
    assert printer.mechanism.is_drawer_open


@pytest.mark.parametrize(
    "command",
    ["10 14 07 41", "10 14 03 41 42 43 44 45", "10 14 02 01 08", "10 04 07 41", "10 04 08 41", "10 04 12 41"],
)
def test_a_real_time_command_is_as_long_as_the_manual_says(command):
    assert sheet(bytes.fromhex(command) + b"AB\n").text == "AB\n"


def test_the_size_of_a_stored_qr_code_is_told():
    stored = b"\x1d(k\x03\x001C\x0a\x1d(k\x05\x001P017"
    printer = VirtualPrinter()
    assert printer.feed(stored + b"\x1d(k\x03\x001R0") == bytes.fromhex("37 36 323130 1f 323130 1f 31 1f 30 00")
    assert printer.feed(b"\x1d(k\x03\x001C\x10\x1d(k\xd3\x071P0" + b"x" * 2000 + b"\x1d(k\x03\x001R0")[-2:] == b"1\0"


def test_raster_is_printed_dot_by_dot_and_may_be_doubled():
    bits = bytes.fromhex("f00f 0ff0")
    (row,) = sheet(b"\x1ba\x01\x1dv0\x00\x02\x00\x02\x00" + bits).rows
    assert row == ImageRow("[image 16x2]", (512 - 16) // 2, 2, 2, bits)
    (doubled,) = sheet(b"\x1dv03\x02\x00\x02\x00" + bits).rows
    assert doubled.bits == bytes.fromhex("ff0000ff ff0000ff 00ffff00 00ffff00")


def test_a_qr_code_too_wide_for_the_paper_is_not_printed():
    store = (2003).to_bytes(2, "little")
    too_wide = b"\x1d(k\x03\x001C\x10\x1d(k" + store + b"1P0" + b"x" * 2000 + b"\x1d(k\x03\x001Q0"
    printer = VirtualPrinter()
    printer.feed(too_wide + CUT)
    assert printer.sheets[0].rows == ()
    assert len(printer.unknown) == 1


@pytest.mark.parametrize(
    "command",
    [
        b"\x1b*\x21\x02\x00" + b"\x1b@\x1dV\x00\x10",  # column image
        b"\x1d(L\x04\x00\x30\x00\x1dV",  # graphics
        b"\x1d8L\x04\x00\x00\x00\x30\x00\x1dV",
        b"\x1dk\x04123\x00",  # barcode
        b"\x1dk\x49\x03\x1dV\x00",
        b"\x1b&\x03AA\x02\x1dV\x001\x1d\x1d",  # user-defined character
        b"\x1c2\xec\x40" + b"\x1dV\x00" * 24,  # user-defined kanji
        b"\x1d*\x01\x01" + b"\x1dV\x00\x00\x00\x00\x00\x00",
        b"\x1bD\x08\x10\x1d\x56\x00",
    ],
)
def test_data_of_a_command_is_swallowed_whole(command):
    printer = VirtualPrinter()
    printer.feed(b"A" + command + b"B\n" + CUT)
    assert len(printer.sheets) == 1
    assert printer.sheets[0].text.replace("[image 2x24]", "").replace("\n", "").endswith("B")


@pytest.mark.parametrize("command", [b"\x1b\xff", b"\x1c\x00", b"\x1d\x00", b"\x05", b"\x1d(L\x02\x00\x30\x32"])
def test_what_it_does_not_do_is_kept_aside(command):
    printer = VirtualPrinter()
    printer.feed(b"A" + command + b"B\n" + CUT)
    assert [cut.text for cut in printer.sheets] == ["AB\n"]
    assert len(printer.unknown) == 1


COMMANDS = """
    1b40 1c26 1c4301 1d2111 1d2177 1b6101 1b6402 0a 1d564200 1d5600 1d61ff 1d7201 100401 100502 1014010001
    10140801031401060208 1d76300001000200 1d286b040031503041 1d286b0300315130 1d28480600303030303137 1d6732003200
    1d4cffff 1d570000 1b24ff01 1b20ff 1c53ffff 1b3300 1b4a00 81 a0
"""

streams = st.lists(st.sampled_from(COMMANDS.split()).map(bytes.fromhex) | st.binary(max_size=6), max_size=20).map(
    b"".join
)


@settings(max_examples=200)
@given(streams, st.lists(st.integers(0, 120), max_size=5))
def test_no_stream_upsets_it_and_no_cutting_changes_it(stream, cuts):
    whole, parts = VirtualPrinter(), VirtualPrinter()
    expected = whole.feed(stream)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    received = b"".join(parts.feed(stream[start:end]) for start, end in pairwise(edges))
    assert received == expected
    assert list(parts.sheets) == list(whole.sheets)
    assert parts.unknown == whole.unknown
    for cut in whole.sheets:
        assert isinstance(cut.text, str)


def test_text_and_image_rows_stay_in_the_order_they_came():
    rows = sheet(b"A\x1dv0\x00\x01\x00\x01\x00\xffB\n").rows
    assert [type(row) for row in rows] == [TextRow, ImageRow, TextRow]
