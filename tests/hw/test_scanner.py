"""The scanner's driver: what becomes of a line, and of everything that only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.link.memory import MemoryLink
from hw.link.url import link_to
from hw.scanner import LONGEST, CodeScanner, LineDecoder, Refusal, Scanned, ScanRefused
from hw.sim.scanner.virtual import VirtualScanner
from tests.hw.printer.printer_bench import serving
from tests.wire.clock import Clock

FORM = r"[0-9]{4}-[0-9]{4}"


class Desk:
    def __init__(self, dialect="plain", setup=(), ending=b"\r\n"):
        self.clock = Clock()
        self.sim = VirtualScanner(ending=ending)
        self.scanner = CodeScanner(
            MemoryLink(self.sim), FORM, dialect=dialect, setup=setup, monotonic=self.clock.monotonic
        )

    def scan(self, *codes):
        for code in codes:
            self.sim.obey(f"scan {code}")
        return [event for _ in range(30) for event in self.scanner.read(0)]


@pytest.mark.parametrize("ending", [b"\r", b"\n", b"\r\n"])
def test_a_code_of_the_right_form_is_read(ending):
    assert Desk(ending=ending).scan("2011-0001") == [Scanned("2011-0001")]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("2011-00011", Refusal.WRONG_FORM),
        ("\u0662011-0001", Refusal.NOT_ASCII),
        ("幌延", Refusal.NOT_ASCII),
        ("2011-0001\x1b[2J", Refusal.CONTROL_CHARACTER),
        ("=cmd|' /C calc'!A0", Refusal.WRONG_FORM),
        ("[bold]2011-0001", Refusal.WRONG_FORM),
        ("9" * (LONGEST + 1), Refusal.TOO_LONG),
        ("9" * 100_000, Refusal.TOO_LONG),
    ],
)
def test_what_has_another_form_is_refused_and_told_to_nobody(code, reason):
    (event,) = Desk().scan(code)
    assert event == ScanRefused(reason)
    assert code not in repr(event)
    assert "2011" not in repr(Scanned("2011-0001"))


def test_the_same_code_within_a_second_is_one():
    desk = Desk()
    assert desk.scan("2011-0001", "2011-0001") == [Scanned("2011-0001"), ScanRefused(Refusal.REPEATED)]
    desk.clock.pause(1.1)
    assert desk.scan("2011-0001") == [Scanned("2011-0001")]


def test_it_looks_only_when_told_and_throws_away_what_was_for_nobody():
    desk = Desk("honeywell", [b"\x16M\rTRGMOD0!", b"\x16M\rMNUENA0!"])
    desk.scanner.look()
    assert dict(desk.sim.settings) == {"TRGMOD": "0", "MNUENA": "0"}
    assert desk.scan("2011-0001") == [Scanned("2011-0001")]
    assert desk.scan("MENU:TRGMOD3") == []  # one code a trigger
    desk.scanner.look()  # what lies before it now is read at once, for nobody
    assert desk.scan() == []
    assert desk.sim.settings["TRGMOD"] == "0"
    desk.scanner.look()
    desk.scanner.rest()
    assert desk.scan("2011-0002") == []


def test_enable_and_disable():
    desk = Desk("datalogic")
    desk.scanner.look()
    desk.scanner.rest()
    assert desk.scan("2011-0001") == []
    desk.scanner.look()
    desk.sim.obey("scan 2011-0002")
    assert desk.scanner.read(0)[-1] == Scanned("2011-0002")


@given(st.lists(st.binary(max_size=8)))
def test_any_way_of_cutting_the_stream_gives_the_same_lines(chunks):
    whole = LineDecoder().feed(b"".join(chunks), 0.0)
    decoder = LineDecoder()
    assert [line for chunk in chunks for line in decoder.feed(chunk, 0.0)] == whole


def test_a_line_with_a_gap_in_it_is_torn():
    decoder = LineDecoder()
    assert decoder.feed(b"2011-", 0.0) == []
    assert decoder.feed(b"0001\r", 0.2) == [Refusal.TORN, b"0001"]


@pytest.mark.wire
@pytest.mark.parametrize("kind", ["pty", "tcp"])
def test_over_a_wire(kind):
    sim = VirtualScanner()
    with serving(sim, kind) as url:
        link = link_to(url)
        scanner = CodeScanner(link, FORM, dialect="datalogic")
        scanner.look()
        sim.obey("scan 2011-0001")
        events = []
        while Scanned("2011-0001") not in events:
            read = scanner.read(20)
            assert read, "nothing came"
            events += read
        link.close()
