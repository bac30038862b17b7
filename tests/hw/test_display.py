"""The customer display's driver on the simulated display, in both command sets and on every kind of link."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.display import CustomerDisplay
from hw.errors import LinkLost, NotSent, TextDoesNotFit
from hw.half_width import half_width, one_byte
from hw.link.file import FileLink
from hw.link.memory import MemoryLink
from hw.link.url import link_to
from hw.sim.display.virtual import VirtualDisplay
from tests.hw.printer.printer_bench import serving


def seen(sim):
    return [line.rstrip() for line in sim.screen.lines]


@pytest.mark.parametrize("dialect", ["escpos", "cd5220"])
@pytest.mark.parametrize("kind", ["memory", "pty", "tcp"])
def test_the_payer_sees_what_is_due(dialect, kind):
    sim = VirtualDisplay(is_cd5220=dialect == "cd5220")

    def look(link):
        display = CustomerDisplay(link, dialect)
        display.show_amount("てすうりょう", 500)
        return display

    wanted = ["ﾃｽｳﾘｮｳ", " " * 16 + "¥500"]
    if kind == "memory":
        display = look(MemoryLink(sim))
        assert seen(sim) == wanted
        display.clear()
        assert seen(sim) == ["", ""]
        sim.obey("power off")
        display.show("ｵﾂﾘ")
        assert seen(sim) == ["ｵﾂﾘ", ""]
        assert sim.unknown == []
        return
    with serving(sim, kind) as url:
        link = link_to(url)
        look(link)
        give_up = time.monotonic() + 20
        while seen(sim) != wanted and time.monotonic() < give_up:
            sim.feed(b"")
        assert seen(sim) == wanted
        link.close()


def test_the_bytes_are_those_of_the_manuals(tmp_path):
    abc, nothing = b"ABC".ljust(20), b" " * 20
    escpos = bytes.fromhex("0d0d 1b5208 1b7401 1f01 1f4300 1f240101") + abc + bytes.fromhex("1f240102") + nothing
    cd5220 = bytes.fromhex("0d0d 0c 1b664a 1b634a 1b5f00 1b5141") + abc + bytes.fromhex("0d 1b5142") + nothing + b"\r"
    for dialect, frame in (("escpos", escpos), ("cd5220", cd5220)):
        CustomerDisplay(FileLink(tmp_path / dialect), dialect).show("ABC")
        assert (tmp_path / dialect).read_bytes() == frame


@pytest.mark.parametrize("text", ["手数料", "A" * 21, "ガ" * 11, "\x1b@", "\\", "😀", "é"])
def test_what_does_not_fit_is_refused_before_anything_is_sent(text):
    sim = VirtualDisplay()
    with pytest.raises(TextDoesNotFit):
        CustomerDisplay(MemoryLink(sim)).show("", text)
    assert sim._received == 0


@given(st.text(st.sampled_from("あいがぱー。「」ｱﾞアヴＡ１￥¥ 0~・ッ"), max_size=10))
def test_whatever_fits_is_seen_as_it_was_meant(text):
    sim = VirtualDisplay()
    shown = half_width(text)
    assert len(one_byte(shown)) == len(shown)
    if len(shown) <= 20:
        CustomerDisplay(MemoryLink(sim)).show(text)
        assert sim.screen.lines[0] == shown.ljust(20)


def test_a_display_that_is_gone_is_told(tmp_path):
    link = link_to(f"serial://{tmp_path}/nothing")
    with pytest.raises(NotSent):
        CustomerDisplay(link).show("A")
    memory = MemoryLink(VirtualDisplay())
    memory.close()
    with pytest.raises(LinkLost):
        CustomerDisplay(memory).show("A")
    with pytest.raises(ValueError, match="brightness"):
        CustomerDisplay(memory).set_brightness(5)


def test_frames_of_two_threads_never_mix():
    class Slow:
        """Is within one write for a while, and knows how many others are."""

        is_one_way = True
        inside = most = 0
        gate = threading.Event()

        def write(self, data, deadline_s):
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.gate.wait(0.05)
            self.inside -= 1

    link = Slow()
    display = CustomerDisplay(link)
    threads = [threading.Thread(target=display.show, args=("ﾃｽｳﾘｮｳ",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert link.most == 1
