"""Links over real pseudo-terminals and sockets: deadlines, stalls, hang-ups, claims."""

import os
import socket
import time
import tty

import pytest

from hw.errors import LinkLost, NotSent, OutcomeUnknown
from hw.link.serial_port import SerialLine
from hw.link.url import link_to

pytestmark = pytest.mark.wire


def within(seconds):
    return time.monotonic() + seconds


class Pty:
    """The far end of a serial line."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.url = f"serial://{os.ttyname(self.slave)}"

    def accept(self):
        pass

    def send(self, data):
        os.write(self.master, data)

    def receive(self, count):
        os.set_blocking(self.master, True)
        return os.read(self.master, count)

    def hang_up(self):
        for descriptor in (self.master, self.slave):
            os.close(descriptor)
        self.master = self.slave = -1

    def close(self):
        if self.master >= 0:
            self.hang_up()


class Tcp:
    """The far end of a TCP connection."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.connection = None

    def accept(self):
        self.connection, _ = self.server.accept()

    def send(self, data):
        self.connection.sendall(data)

    def receive(self, count):
        return self.connection.recv(count)

    def hang_up(self):
        self.connection.close()

    def close(self):
        self.server.close()
        if self.connection:
            self.connection.close()


def connected(url, **how):
    """The link, opened by a write that sends nothing."""
    link = link_to(url, **how)
    link.write(b"", within(5))
    return link


@pytest.fixture(params=[Pty, Tcp])
def far(request):
    end = request.param()
    yield end
    end.close()


@pytest.fixture
def link(far):
    opened = connected(far.url)
    far.accept()
    yield opened
    opened.close()


def test_bytes_pass_both_ways_unchanged(far, link):
    everything = bytes(range(256))
    link.write(everything, within(5))
    assert far.receive(256) == everything
    far.send(everything)
    arrived = b""
    while len(arrived) < 256:
        arrived += link.read(100, within(5))
    assert arrived == everything


def test_reading_ends_at_its_deadline_and_past_ones_take_what_is_there(far, link):
    started = time.monotonic()
    assert link.read(10, within(0.05)) == b""
    assert 0.05 <= time.monotonic() - started < 2
    far.send(b"x")
    assert link.read(10, within(5)) == b"x"
    assert link.read(10, within(-5)) == b""


def test_draining_forgets_what_has_arrived(far, link):
    far.send(b"ab")
    assert link.read(1, within(5)) == b"a"
    link.drain_input()
    far.send(b"c")
    assert link.read(10, within(5)) == b"c"


def test_a_device_that_takes_nothing_cannot_hold_the_writer(link):
    block = bytes(1 << 26)  # more than any buffer between the two ends
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="stalled after"):
        link.write(block, within(0.2))
    with pytest.raises(NotSent, match="takes no data"):
        link.write(block, within(0.05))
    assert time.monotonic() - started < 5


def write_on(link):
    while True:  # after a FIN the first write may still be taken
        link.write(b"x", within(5))


@pytest.mark.parametrize("use", [lambda link: link.read(1, within(5)), lambda link: link.drain_input(), write_on])
def test_a_hang_up_is_a_lost_link_for_reader_writer_and_drain(far, link, use):
    far.hang_up()
    with pytest.raises(LinkLost):
        use(link)
    link.close()
    link.close()
    with pytest.raises(LinkLost, match="closed"):
        link.read(1, within(5))


def test_a_claimed_port_is_refused_and_free_again_after_closing():
    far = Pty()
    first = connected(far.url)
    with pytest.raises(NotSent, match=far.url):
        connected(far.url)
    first.close()
    connected(far.url).close()
    far.close()


def test_a_pty_is_opened_again_and_again_whatever_the_line_should_be():
    far = Pty()
    line = SerialLine(baudrate=19200, data_bits=7, parity="E", stop_bits=2, has_rts_cts=True)
    for _ in range(3):
        connected(far.url, line=line).close()
    far.close()


def test_a_connection_that_was_dropped_is_opened_anew_by_the_next_write_and_nothing_is_sent_twice():
    far = Tcp()
    link = connected(far.url)
    far.accept()
    link.write(b"one", within(5))
    assert far.receive(9) == b"one"
    far.hang_up()
    with pytest.raises(LinkLost):
        link.read(9, within(5))
    with pytest.raises(LinkLost, match="not open"):
        link.read(9, within(5))
    link.write(b"two", within(5))
    far.accept()
    assert far.receive(9) == b"two"
    far.close()
    with pytest.raises(LinkLost):
        link.read(9, within(5))
    with pytest.raises(NotSent):
        link.write(b"three", within(5))
    link.close()
    with pytest.raises(LinkLost, match="closed"):
        link.write(b"four", within(5))
