"""A station's warnings reach the system's log, and a station without one works all the same."""

import logging
import socket
from pathlib import Path

import pytest

from kiosk.system_log import system_log


def test_warnings_of_our_packages_are_told_with_their_priority(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "log"))
        listening.settimeout(10)
        with system_log(tmp_path / "log"):
            logging.getLogger("hw.monitor").info("nothing to act on")
            logging.getLogger("somebody.else").warning("not ours")
            logging.getLogger("kiosk.ui.case_thread").warning("issue stopped: %s", "K-CARD-003")
            logging.getLogger("hw.owner").error("gone")
        logging.getLogger("kiosk").warning("after the end")
        told = [listening.recv(4096) for _ in range(2)]
        # daemon (3 << 3) and warning (4), error (3): RFC 5424, 6.2.1
        assert told == [b"<28>kiosk: kiosk.ui.case_thread: issue stopped: K-CARD-003", b"<27>kiosk: hw.owner: gone"]
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.recv(4096)


def test_a_system_log_that_comes_later_is_told_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with system_log(tmp_path / "log"):
        logging.getLogger("kiosk").warning("heard by nobody")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(str(tmp_path / "log"))
            listening.settimeout(10)
            logging.getLogger("kiosk").warning("heard")
            assert listening.recv(4096) == b"<28>kiosk: kiosk: heard"
    assert capsys.readouterr().err == ""


def test_a_log_that_goes_away_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        with system_log(path):
            listening.close()
            path.unlink()
            logging.getLogger("kiosk").warning("into the void")
    assert capsys.readouterr().err == "", "the screens are drawn there"


def test_a_log_that_takes_no_lines_holds_nobody_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "log"))
        with system_log(tmp_path / "log"):
            # More than any system's queue holds; a sender that waits would wait for ever.
            for _ in range(5000):
                logging.getLogger("kiosk").warning("again")
