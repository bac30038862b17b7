"""Every simulated device as a process: its first line, a question answered, hands, faults on its line, its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import serial

from hw.cli import main
from tests.e2e.commands import ROOT

pytestmark = pytest.mark.wire

ASKED = {
    "printer": (b"\x10\x04\x01", b"\x12"),
    "coin": (bytes.fromhex("020001FEFF"), bytes.fromhex("020001FEFF 01000200FD")),
    "lamp": (bytes.fromhex("585847000000"), bytes(6)),
    "scanner": (b"\x16M\rTRGMOD?.", b"TRGMOD3\x06."),
    "display": (b"ABC", b""),
}
ORDER = {
    "printer": ("paper end", b"\x10\x04\x04", b"\x7e"),
    "coin": ("jam", bytes.fromhex("020001E815"), bytes.fromhex("020001E815 0101020002FA")),
    "lamp": ("refuse", bytes.fromhex("585843000000"), b"\x15"),
    "scanner": ("scan 2011-0001", b"", b"2011-0001\r\n"),
}


@contextmanager
def running(*words):
    """The device as a process, its first line, and what reads and writes its line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hw", "sim", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    with process:
        try:
            yield process, process.stdout.readline().rstrip("\n")
        finally:
            process.kill()


def connected(line):
    if line.startswith("tcp "):
        return serial.serial_for_url(f"socket://127.0.0.1:{line.removeprefix('tcp ')}", timeout=20)
    return serial.Serial(line, 9600, timeout=20)


@pytest.mark.parametrize("device", ASKED)
@pytest.mark.parametrize("where", [("--pty",), ("--tcp", "0")])
def test_it_says_where_it_is_answers_and_ends_by_sigterm(device, where, tmp_path):
    question, answer = ASKED[device]
    with running(device, *where, "--out", str(tmp_path)) as (process, line):
        assert line.startswith("tcp " if "--tcp" in where else "/dev/pts/")
        host = connected(line)
        host.write(question)
        assert host.read(len(answer)) == answer
        host.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize("device", ORDER)
def test_hands_are_obeyed_line_by_line(device):
    order, question, answer = ORDER[device]
    with running(device, "--hands") as (process, line):
        process.stdin.write(f"nonsense\n{order}\n")
        process.stdin.flush()
        assert "is none of" in process.stderr.readline()
        host = connected(line)
        host.write(ASKED[device][0] if device == "scanner" else question)
        if device == "scanner":
            assert host.read_until(b"\r\n").endswith(answer)
            return
        while (found := host.read(len(answer))) != answer:  # until the order has been read
            assert len(found) == len(answer)
            host.write(question)


@pytest.mark.parametrize("device", [name for name in ASKED if name != "display"])
def test_what_befalls_its_line_is_told_by_the_same_words_everywhere(device):
    question, answer = ASKED[device]
    with running(device, "--tcp", "0", "--fault", f"from-garble@{len(answer)}=01,from-close@{len(answer) + 1}") as (
        _,
        line,
    ):
        with socket.create_connection(("127.0.0.1", int(line.removeprefix("tcp ")))) as host:
            host.settimeout(20)
            host.sendall(question + question)
            heard = b""
            while chunk := host.recv(100):
                heard += chunk
        assert heard == answer[:-1] + bytes((answer[-1] ^ 1,))


def test_a_display_shows_its_glass_in_a_file(tmp_path):
    with running("display", "--out", str(tmp_path)) as (_, line):
        host = connected(line)
        host.write(b"\x1bR\x08\x1bt\x01\xc3\xbd\xb3\xd8\xae\xb3\x1f$\x01\x02\\500")
        host.flush()
        give_up_s = time.monotonic() + 30
        while (tmp_path / "display.txt").read_text("utf-8") != "ﾃｽｳﾘｮｳ\n¥500\n":
            assert time.monotonic() < give_up_s
        host.close()


@pytest.mark.parametrize("device", ASKED)
def test_a_directory_that_takes_nothing_is_told_before_anybody_is_served(device, capsys):
    assert main(["sim", device, "--tcp", "0", "--out", "/proc"]) == os.EX_CONFIG
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"hw sim {device}: /proc")


@pytest.mark.parametrize("device", ASKED)
@pytest.mark.parametrize("words", [("--fault", "fire@1"), ("--tcp", "70000"), ("--fault", "to-drop@0")])
def test_wrong_words_are_a_usage_error(device, words):
    with pytest.raises(SystemExit) as ended:
        main(["sim", device, *words])
    assert ended.value.code == os.EX_USAGE
