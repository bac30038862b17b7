"""Links on which things go wrong, are told of, or go over the network: the grammar, and each injury by itself."""

import socket
import threading
import time
from itertools import pairwise

import pytest
import serial
import serial.rfc2217
from hypothesis import given
from hypothesis import strategies as st

from hw.errors import LinkLost, NotSent, OutcomeUnknown
from hw.link.faulty import FaultyLink
from hw.link.injury import KIND_NAMES, parse_injuries, split_faults
from hw.link.link import Link
from hw.link.memory import MemoryLink
from hw.link.reopening import ReopeningLink
from hw.link.rfc2217 import Rfc2217Link
from hw.link.traced import TracedLink
from hw.link.url import link_to
from hw.ports import PrintOutcome, Text
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.fault import FaultSpecInvalid
from hw.sim.printer.fault import parse_printer_faults
from hw.sim.printer.virtual import VirtualPrinter
from tests.hw.printer.printer_bench import serving
from tests.wire.clock import Clock


class Mirror:
    """Says what it hears."""

    def __init__(self) -> None:
        self.heard = b""

    def feed(self, chunk: bytes) -> bytes:
        self.heard += chunk
        return chunk


def injured(spec: str) -> tuple[FaultyLink, Mirror, Clock]:
    mirror, clock = Mirror(), Clock()
    link = FaultyLink(MemoryLink(mirror), parse_injuries(spec), monotonic=clock.monotonic, pause=clock.pause)
    return link, mirror, clock


def read_all(link: Link, clock: Clock, seconds: float = 1.0) -> bytes:
    data = b""
    until_s = clock.now_s + seconds
    while chunk := link.read(100, until_s):
        data += chunk
    return data


@pytest.mark.parametrize(
    ("spec", "heard", "answer"),
    [
        ("", b"abcdef", b"abcdef"),
        ("to-drop@2", b"acdef", b"acdef"),
        ("to-drop@2=3", b"aef", b"aef"),
        ("from-drop@6", b"abcdef", b"abcde"),
        ("to-garble@1=01", b"`bcdef", b"`bcdef"),
        ("from-garble@1", b"abcdef", b"\x9ebcdef"),
        ("to-duplicate@3", b"abccdef", b"abccdef"),
        ("from-inject@1=0d0a", b"abcdef", b"\r\nabcdef"),
        ("from-split@4", b"abcdef", b"abcdef"),
        ("to-echo@4", b"abcdef", b"abcdef"),
        ("to-drop@1,from-drop@1", b"bcdef", b"cdef"),
    ],
)
def test_bytes_that_are_changed(spec: str, heard: bytes, answer: bytes) -> None:
    link, mirror, clock = injured(spec)
    link.write(b"abcdef", clock.now_s + 1)
    assert mirror.heard == heard
    received = read_all(link, clock)
    assert received == answer if "echo" not in spec else answer in received


def test_an_echo_comes_before_the_answer() -> None:
    link, _, clock = injured("to-echo@1")
    link.write(b"ab", clock.now_s + 1)
    assert read_all(link, clock) == b"abab"


def test_a_split_answer_is_read_in_two() -> None:
    link, _, clock = injured("from-split@3")
    link.write(b"abcd", clock.now_s + 1)
    assert [link.read(9, clock.now_s + 1), link.read(9, clock.now_s + 1)] == [b"ab", b"cd"]


def test_a_delay_outlasts_a_deadline_and_is_over_afterwards() -> None:
    link, _, clock = injured("from-delay@2=300")
    link.write(b"ab", clock.now_s)
    begun_s = clock.now_s
    assert link.read(9, begun_s + 0.1) == b"a"
    assert link.read(9, begun_s + 0.1) == b""
    assert clock.now_s == pytest.approx(begun_s + 0.1)
    assert link.read(9, begun_s + 1) == b"b"
    assert clock.now_s == pytest.approx(begun_s + 0.3)


def test_a_pace_takes_ten_bits_a_byte() -> None:
    link, _, clock = injured("to-pace@1=9600")
    begun_s = clock.now_s
    link.write(b"x" * 96, begun_s + 1)
    assert clock.now_s - begun_s == pytest.approx(0.1)


def test_a_cut_line_is_lost_in_the_middle_and_whole_when_opened_again() -> None:
    mirror, clock = Mirror(), Clock()
    injuries = parse_injuries("to-close@3,from-close@4")
    link = ReopeningLink(lambda: FaultyLink(MemoryLink(mirror), injuries, monotonic=clock.monotonic, pause=clock.pause))
    with pytest.raises(LinkLost):
        link.write(b"abcd", clock.now_s + 1)
    assert mirror.heard == b"ab"
    link.write(b"efgh", clock.now_s + 1)
    assert link.read(9, clock.now_s) == b"efg"
    with pytest.raises(LinkLost):
        link.read(9, clock.now_s)


def test_a_stalled_line_takes_nothing_and_says_nothing() -> None:
    link, mirror, clock = injured("to-stall@3")
    with pytest.raises(OutcomeUnknown, match="2 of 4"):
        link.write(b"abcd", clock.now_s + 1)
    with pytest.raises(NotSent):
        link.write(b"e", clock.now_s + 1)
    assert mirror.heard == b"ab"
    link, _, clock = injured("from-stall@2")
    link.write(b"abc", clock.now_s)
    assert read_all(link, clock) == b"a"


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_without_injuries_nothing_changes(data: bytes, cuts: list[int]) -> None:
    link, mirror, clock = injured("")
    places = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(places):
        link.write(data[start:end], clock.now_s)
    assert mirror.heard == read_all(link, clock) == data


@pytest.mark.parametrize(
    "spec", ["drop@1", "to-fire@1", "from-echo@1", "to-drop@0", "to-delay@1", "to-garble@1=xyz", "to-drop@1,to-split@1"]
)
def test_what_is_no_injury_is_refused(spec: str) -> None:
    with pytest.raises(FaultSpecInvalid):
        parse_injuries(spec)


def test_a_device_takes_its_own_faults_and_those_of_its_line() -> None:
    own, injuries = split_faults("paper_end@5, to-drop@1,from-split@2", parse_printer_faults)
    assert list(own) == [5]
    assert injuries.to.pass_on(b"ab") == [b"b"]
    assert "from-echo" not in KIND_NAMES


def test_a_trace_tells_short_exchanges_and_no_paper() -> None:
    told: list[str] = []
    printer = EscposPrinter(TracedLink(MemoryLink(VirtualPrinter()), "printer", told.append), MODELS["tm-t88-ja"])
    assert printer.print(printer.render([Text("幌延太郎")], "0001")) is PrintOutcome.CONFIRMED
    assert told[:2] == ["printer > 10 04 01", "printer < 12"]
    assert any(line.endswith(" bytes") for line in told)
    secret = "幌延".encode("cp932").hex(" ")
    assert not any(secret in line for line in told)
    silent: list[str] = []
    link = TracedLink(MemoryLink(Mirror()), "scanner", silent.append, shows_content=False)
    link.write(b"2011-0001", 0)
    assert link.read(99, 0) == b"2011-0001"
    assert silent == ["scanner > 9 bytes", "scanner < 9 bytes"]


class TerminalServer:
    """pyserial's own RFC 2217 server before one serial port, as its example shares one."""

    def __init__(self, port: serial.SerialBase) -> None:
        self.port = port
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self.listening.getsockname()[1]}"
        self.lock = threading.Lock()
        self.host: socket.socket | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def write(self, data: bytes) -> None:
        with self.lock:
            assert self.host is not None
            self.host.sendall(data)

    def _serve(self) -> None:
        self.host, _ = self.listening.accept()
        manager = serial.rfc2217.PortManager(self.port, self)
        stop = threading.Event()
        reader = threading.Thread(target=self._read_port, args=(manager, stop), daemon=True)
        reader.start()
        while data := self._received():
            self.port.write(b"".join(manager.filter(data)))
        stop.set()
        reader.join(10)

    def _received(self) -> bytes:
        assert self.host is not None
        try:
            return self.host.recv(1024)
        except OSError:
            return b""

    def _read_port(self, manager: serial.rfc2217.PortManager, stop: threading.Event) -> None:
        while not stop.is_set():
            data = self.port.read(1)
            if data:
                self.write(b"".join(manager.escape(data)))

    def close(self) -> None:
        self.listening.close()
        if self.host is not None:
            self.host.shutdown(socket.SHUT_RDWR)  # closing alone would not wake the thread that reads
        self.thread.join(10)
        if self.host is not None:
            self.host.close()


def test_a_terminal_server_that_takes_nothing_more_is_hung_up_on_at_the_deadline() -> None:
    class Stalled:
        """Takes no byte before it is hung up on."""

        def __init__(self) -> None:
            self.closed = threading.Event()

        def read(self, size: int = 1) -> bytes:
            return b""

        def write(self, data: bytes) -> int:
            assert self.closed.wait(5), "pyserial's own limit"
            raise OSError("hung up")

        def close(self) -> None:
            self.closed.set()

    port = Stalled()
    link = Rfc2217Link(port, "rfc2217://x:1")
    with pytest.raises(OutcomeUnknown):
        link.write(b"receipt", time.monotonic() + 0.1)
    with pytest.raises(LinkLost):
        link.write(b"the next one", time.monotonic() + 0.1)
    assert port.closed.wait(5)


@pytest.mark.wire
def test_a_receipt_over_a_terminal_server() -> None:
    sim = VirtualPrinter()
    with serving(sim, "tcp") as url:  # a pty has no modem lines, which the server asks for
        port = serial.serial_for_url(url.replace("tcp://", "socket://"), timeout=0.05)
        server = TerminalServer(port)
        link = link_to(server.url)
        printer = EscposPrinter(link, MODELS["tm-t88-ja"], patience_s=10)
        job = printer.render([Text("手数料領収書")], "0001")
        assert printer.print(job) is PrintOutcome.CONFIRMED
        assert sim.sheets[0].text == "手数料領収書\n"
        server.close()
        port.close()
        with pytest.raises((LinkLost, NotSent, OutcomeUnknown)):
            for _ in range(3):
                printer.status()
        link.close()


def test_a_terminal_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotSent):
        link_to(f"rfc2217://127.0.0.1:{port}").write(b"x", 0)
