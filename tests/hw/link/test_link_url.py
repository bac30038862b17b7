"""From a url to a link, and the links that have no device behind them."""

import socket
import time

import pytest

from hw.errors import LinkLost, NotSent
from hw.link.url import link_to


class Echo:
    """A core that answers what it is told, in capitals."""

    def __init__(self):
        self.unsolicited = b""

    def feed(self, chunk):
        answer, self.unsolicited = self.unsolicited + chunk.upper(), b""
        return answer


def soon():
    return time.monotonic() + 5


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sim",
        "sim:x",
        "sim://x",
        "serial:",
        "serial:ttyUSB0",
        "serial://ttyUSB0",
        "tcp://",
        "tcp://host",
        "tcp://:9100",
        "tcp://host:port",
        "tcp://host:99999",
        "tcp://host:9100/path",
        "file:relative",
        "http://host:80",
        "/dev/ttyUSB0",
        "tcp://[host:9100",
    ],
)
def test_anything_else_is_refused_by_its_name(url):
    with pytest.raises(ValueError, match=r".*") as caught:
        link_to(url, simulated=Echo)
    assert repr(url) in str(caught.value)


def test_a_device_without_simulation_says_so():
    with pytest.raises(ValueError, match=r"'sim:'.*no simulation"):
        link_to("sim:")


def test_what_cannot_be_opened_harms_nobody_before_it_is_written_to_and_is_named_then(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        free_port = server.getsockname()[1]
    for url in ("serial:///dev/no-such-port", f"tcp://127.0.0.1:{free_port}", f"file://{tmp_path}/missing/file"):
        link = link_to(url)
        with pytest.raises(NotSent, match=url):
            link.write(b"1", soon())
        link.close()


def test_a_device_that_comes_later_is_opened_by_the_next_write(tmp_path):
    path = tmp_path / "late" / "papers"
    link = link_to(f"file://{path}")
    with pytest.raises(NotSent):
        link.write(b"1", soon())
    path.parent.mkdir()
    link.write(b"2", soon())
    link.close()
    assert path.read_bytes() == b"2"


def test_memory_joins_a_core_in_pieces_as_large_as_asked_for():
    core = Echo()
    link = link_to("sim:", simulated=lambda: core)
    link.write(b"abc", soon())
    assert link.read(2, soon()) == b"AB"
    assert link.read(2, soon()) == b"C"
    assert link.read(2, soon()) == b""
    core.unsolicited = b"!"
    assert link.read(2, soon()) == b"!"
    link.write(b"abc", soon())
    link.drain_input()
    assert link.read(9, soon()) == b""
    assert not link.is_one_way


def test_a_file_keeps_everything_and_says_nothing(tmp_path):
    path = tmp_path / "papers"
    path.write_bytes(b"0")
    link = link_to(f"file://{path}")
    link.write(b"12", soon())
    assert link.is_one_way
    assert link.read(9, soon()) == b""
    link.drain_input()
    link.close()
    assert path.read_bytes() == b"012"


@pytest.mark.parametrize("scheme", ["sim:", "file:"])
def test_closed_means_lost(scheme, tmp_path):
    url = scheme if scheme == "sim:" else f"file://{tmp_path}/papers"
    link = link_to(url, simulated=Echo)
    link.close()
    link.close()
    with pytest.raises(LinkLost):
        link.write(b"1", soon())
