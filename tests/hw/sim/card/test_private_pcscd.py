"""The tests' own pcscd: two at once, nothing left behind, and a clear word when it cannot be had."""

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import new_card
from hw.sim.card.vpcd import connect, serve
from tests.pcscd import PcscdUnavailable, PrivatePcscd


def readers(pcscd):
    return subprocess.run(["opensc-tool", "--list-readers"], env=pcscd.env, capture_output=True, text=True).stdout


@pytest.mark.wire
def test_two_at_once_do_not_see_each_other():
    with PrivatePcscd("First") as first, PrivatePcscd("Second") as second:
        assert not set(first.vpcd_ports) & set(second.vpcd_ports)
        connection = connect("127.0.0.1", first.vpcd_ports[0])
        seen = threading.Event()
        card = VirtualCard(MemoryStore(new_card("JUKI20110002TEST")))
        thread = threading.Thread(target=serve, args=(card, connection, seen.set), daemon=True)
        thread.start()
        assert seen.wait(10), first.log
        assert "Yes" in readers(first) and "First 00 01" in readers(first)
        assert "Yes" not in readers(second) and "Second 00 01" in readers(second)
        connection.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.wire
def test_nothing_is_left_behind():
    with PrivatePcscd() as pcscd:
        process, directory = pcscd._process.pid, Path(pcscd.env["PCSCLITE_CSOCK_NAME"]).parent.parent
        assert directory.exists()
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    with pytest.raises(ConnectionRefusedError):
        connect("127.0.0.1", pcscd.vpcd_ports[0])


def test_missing_programs_are_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PcscdUnavailable, match="not installed: pcscd, util-linux"), PrivatePcscd():
        pass
