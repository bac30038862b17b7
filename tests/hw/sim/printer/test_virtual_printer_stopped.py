"""A simulated printer that cannot print: what it holds, what it still answers, and how it goes on."""

import pytest

from hw.sim.printer.fault import parse_printer_faults
from hw.sim.printer.virtual import VirtualPrinter

RECEIPT = b"\x1b@A\nB\n\x1dV\x42\x00\x1d(H\x06\x00000017"
ACKNOWLEDGED = b"\x37\x220017\x00"
CLEAR = bytes.fromhex("1014 0801 0314 0106 0208")


def test_out_of_paper_it_holds_the_job_answers_in_real_time_and_confirms_late():
    printer = VirtualPrinter()
    printer.set_paper("end")
    assert printer.feed(RECEIPT) == b""
    assert printer.feed(b"\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04") == bytes.fromhex("1a 32 12 7e")
    assert printer.feed(b"\x1dr\x01") == b""
    assert not printer.sheets
    printer.set_paper("ok")
    assert printer.feed(b"") == ACKNOWLEDGED + b"\x00"
    assert [sheet.text for sheet in printer.sheets] == ["A\nB\n"]


@pytest.mark.parametrize(
    ("stop", "go_on", "status"),
    [
        (lambda p: p.set_paper("end"), lambda p: p.set_paper("ok"), "1a 32 12 7e"),
        (lambda p: p.set_paper("end"), lambda p: p.set_paper("near_end"), "1a 32 12 7e"),
        (lambda p: p.set_cover(True), lambda p: p.set_cover(False), "1a 16 12 12"),
        (lambda p: p.jam_cutter(), lambda p: p.feed(b"\x10\x05\x01"), "1a 52 1a 12"),
    ],
    ids=["paper", "low paper", "cover", "cutter"],
)
def test_wherever_it_is_stopped_one_whole_sheet_comes_out(stop, go_on, status):
    for held in range(len(RECEIPT) + 1):
        printer = VirtualPrinter()
        answers = printer.feed(RECEIPT[:held])
        stop(printer)
        answers += printer.feed(RECEIPT[held:])
        assert printer.feed(b"\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04").hex(" ") == status
        answers += go_on(printer) or b""
        answers += printer.feed(b"")
        assert answers == ACKNOWLEDGED
        assert [sheet.text for sheet in printer.sheets] == ["A\nB\n"]


def test_clearing_drops_what_is_held_and_half_a_line_but_not_what_is_printed():
    printer = VirtualPrinter()
    printer.feed(b"A\nhalf")
    printer.set_paper("end")
    assert printer.feed(RECEIPT + CLEAR) == b"\x37\x25\x00"
    printer.set_paper("ok")
    assert printer.feed(b"B\n\x1dV\x00") == b""
    (sheet,) = printer.sheets
    assert sheet.text == "A\nB\n"
    assert sheet.data == b"A\nhalf" + RECEIPT + CLEAR + b"B\n\x1dV\x00"


def test_recovering_from_an_error_may_clear_too_and_does_nothing_without_one():
    printer = VirtualPrinter()
    printer.jam_cutter()
    printer.feed(RECEIPT + b"\x10\x05\x02")
    assert printer.feed(b"\x10\x04\x01") == b"\x12"
    assert not printer.sheets
    assert printer.feed(b"A\x10\x05\x02B\n\x1dV\x00") == b""
    assert printer.sheets[0].text == "AB\n"


def test_automatic_status_tells_changes_of_what_was_asked_for_once():
    printer = VirtualPrinter()
    assert printer.feed(b"\x1da\x0f") == bytes.fromhex("10 00 00 00")
    printer.set_paper("end")
    assert printer.feed(b"") == bytes.fromhex("18 00 0f 00")
    printer.set_paper("end")
    printer.set_paper("ok")
    assert printer.feed(b"") == bytes.fromhex("10 00 00 00")
    assert printer.feed(b"\x1bp\x0022") == bytes.fromhex("14 00 00 00")
    assert printer.feed(b"\x1da\x08") == bytes.fromhex("14 00 00 00")
    printer.close_drawer()
    printer.set_cover(True)
    assert printer.feed(b"") == b""
    printer.set_cover(False)
    assert printer.feed(b"\x1b@") == b""
    printer.set_paper("near_end")
    assert printer.feed(b"") == b""


def test_real_time_commands_act_inside_the_data_of_others():
    printer = VirtualPrinter()
    image = b"\x10\x14\x01\x00\x01\x10\x04\x01"
    assert printer.feed(b"\x1dv0\x00\x01\x00\x08\x00" + image) == b"\x16"
    printer.feed(b"\x1dV\x00")
    assert printer.sheets[0].rows[0].bits == image


def test_the_drawer_opens_at_once_or_in_its_turn():
    printer = VirtualPrinter()
    printer.set_paper("end")
    printer.feed(b"\x1bp\x0022")
    assert not printer.mechanism.is_drawer_open
    printer.feed(b"\x10\x14\x01\x00\x01")
    assert printer.mechanism.is_drawer_open
    printer.close_drawer()
    printer.set_paper("ok")
    assert printer.mechanism.is_drawer_open
    assert printer.counters.drawer_kicks == 2


@pytest.mark.parametrize("kind", ["paper_end", "cover_open", "paper-end", "cover-open"])
def test_a_fault_comes_before_its_byte(kind):
    for at in range(1, len(RECEIPT) + 1):
        printer = VirtualPrinter(faults=parse_printer_faults(f"{kind}@{at}"))
        printer.feed(RECEIPT)
        cut_at = len(RECEIPT) - 11
        assert len(printer.sheets) == (at > cut_at)
        printer.set_paper("ok")
        printer.set_cover(False)
        assert printer.feed(b"") == ACKNOWLEDGED
        assert len(printer.sheets) == 1


@pytest.mark.parametrize(("mode", "response"), [(b"0", b""), (b"1", b"\x37\x23\x00"), (b"\x02", b"\x37\x23\x60\x00")])
def test_an_offline_response_is_sent_once_when_it_stops(mode, response):
    printer = VirtualPrinter()
    printer.feed(b"\x1d(H\x03\x0010" + mode)
    printer.set_paper("end")
    printer.set_paper("end")
    assert printer.feed(b"") == response
    printer.set_paper("ok")
    assert printer.feed(b"") == b""


def test_a_real_time_pulse_can_be_switched_off():
    printer = VirtualPrinter()
    printer.feed(b"\x1d(D\x05\x00\x14\x01\x00\x02\x00" + b"\x10\x14\x01\x00\x01")
    assert printer.counters.drawer_kicks == 0
    printer.feed(b"\x1d(D\x03\x00\x14\x01\x01" + b"\x10\x14\x01\x00\x01")
    assert printer.counters.drawer_kicks == 1


def test_a_power_cut_loses_what_was_held_and_keeps_what_was_printed():
    printer = VirtualPrinter(faults=parse_printer_faults("power-off@6"))
    assert printer.feed(b"A\nhalf it hears this, and this it does not\n\x1dV\x00") == b""
    assert printer.feed(b"B\n\x1dV\x00") == b""
    assert printer.sheets[0].text == "A\nB\n"
    printer.set_paper("end")
    printer.feed(RECEIPT)
    printer.obey("power off")
    printer.set_paper("ok")
    assert printer.feed(b"") == b""
    assert len(printer.sheets) == 1


def test_a_display_on_the_same_line_is_not_printed():
    printer = VirtualPrinter()
    printer.feed(b"A\x1b=\x02B\x1b=\x01C\n\x1dV\x00")
    assert printer.sheets[0].text == "AC\n"


@pytest.mark.parametrize("order", ["", "paper", "fire"])
def test_hands_do_only_what_can_be_done(order):
    with pytest.raises(ValueError, match="none of"):
        VirtualPrinter().obey(order)


def test_a_silent_printer_prints_and_says_nothing():
    printer = VirtualPrinter(faults=parse_printer_faults("silent@4"))
    assert printer.feed(b"\x10\x04\x01\x10\x04\x01" + RECEIPT) == b"\x12"
    assert printer.feed(b"\x10\x04\x01") == b""
    assert len(printer.sheets) == 1
