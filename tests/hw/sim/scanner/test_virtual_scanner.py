"""The simulated scanner: triggered or presenting, set up by its host, and by a programming code if it lets it."""

import pytest

from hw.sim.scanner.virtual import VirtualScanner


def test_it_reads_when_it_is_heard_and_presents():
    scanner = VirtualScanner()
    scanner.hold("2011-0001", "2011-0002")
    assert scanner.feed(b"") == b""  # nobody has said anything: a line that nobody hears would be lost
    assert scanner.feed(b"E") == b"\x062011-0001\r\n2011-0002\r\n"
    scanner.obey("scan 2011-0003")
    assert scanner.feed(b"") == b"2011-0003\r\n"
    assert scanner.feed(b"D") == b"\x06"
    scanner.obey("scan 2011-0004")
    assert scanner.feed(b"") == b""


def test_it_waits_for_its_trigger():
    scanner = VirtualScanner(ending=b"\r")
    assert scanner.feed(b"\x16M\rTRGMOD0!") == b"TRGMOD0\x06!"
    scanner.obey("scan A")
    assert scanner.feed(b"") == b""
    assert scanner.feed(b"\x16T\r") == b"A\r"
    scanner.obey("scan B")
    assert scanner.feed(b"") == b""  # one code a trigger
    assert scanner.feed(b"\x16T\r\x16U\r") == b""  # triggered and let go again
    assert scanner.feed(b"\x16T\r") == b"B\r"


def test_menu_commands_are_answered_as_the_guide_says():
    scanner = VirtualScanner()
    assert scanner.feed(b"\x16M\rTRGMOD?.") == b"TRGMOD3\x06."
    assert scanner.feed(b"\x16M\rFOOBAR1!") == b"FOOBAR1\x05!"  # ENQ: no such tag
    assert scanner.feed(b"\x16M\rTRGMODx!") == b"TRGMODx\x15!"  # NAK: no such value
    assert scanner.feed(b"\x16M\rREVINF.") == b"REVINFSIMULATED SCANNER\x06."


def test_a_programming_code_changes_it_unless_it_was_told_not_to_look():
    scanner = VirtualScanner()
    scanner.obey("scan MENU:TRGMOD0")
    assert scanner.feed(b"") == b""
    assert scanner.settings["TRGMOD"] == "0"
    scanner = VirtualScanner()
    scanner.feed(b"\x16M\rMNUENA0!")
    scanner.obey("scan MENU:TRGMOD0")
    assert scanner.feed(b"") == b"MENU:TRGMOD0\r\n"
    assert scanner.settings["TRGMOD"] == "3"


def test_a_power_cut_forgets_what_was_not_stored():
    scanner = VirtualScanner()
    scanner.feed(b"\x16M\rTRGMOD0!\x16M\rMNUENA0.")
    scanner.obey("power off")
    assert dict(scanner.settings) == {"TRGMOD": "3", "MNUENA": "0"}
    with pytest.raises(ValueError, match="none of"):
        scanner.obey("scan ")
