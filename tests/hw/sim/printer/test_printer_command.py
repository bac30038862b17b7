"""`hw sim printer` as a process: its first line, its papers, its faults, its end."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import hw
from hw.link.url import link_to
from hw.ports import PrintOutcome, Text
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.printer import command

pytestmark = pytest.mark.wire

_RUN = """
import argparse, sys
from hw.sim.printer import command
parser = argparse.ArgumentParser()
command.add_parser(parser.add_subparsers())
sys.exit(command.run(parser.parse_args()))
"""


@contextmanager
def running(*arguments):
    """The printer as a process, and the first line that it says."""
    environment = {**os.environ, "PYTHONPATH": str(Path(hw.__path__[0]).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, "printer", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        try:
            yield process, process.stdout.readline().rstrip("\n")
        finally:
            process.kill()


def url(line):
    return line.replace("tcp ", "tcp://127.0.0.1:") if line.startswith("tcp ") else f"serial://{line}"


@pytest.mark.parametrize("where", [[], ["--pty"], ["--tcp", "0"]])
def test_it_says_where_it_is_prints_there_and_ends_by_sigterm(where, tmp_path):
    with running(*where, "--out", str(tmp_path)) as (process, line):
        assert line.startswith("tcp " if "--tcp" in where else "/dev/pts/")
        for number in (1, 2):
            link = link_to(url(line))
            printer = EscposPrinter(link, MODELS["tm-t88-ja"])
            job = printer.render([Text("手数料領収書")], f"{number:04d}")
            assert printer.print(job) is PrintOutcome.CONFIRMED
            assert (tmp_path / f"{number:04d}.txt").read_text("utf-8") == "手数料領収書\n"
            assert (tmp_path / f"{number:04d}.bin").read_bytes().count(b"\x1dVB\x00") == 1
            assert (tmp_path / f"{number:04d}.png").stat().st_size > 0
            link.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_fault_stops_it_in_the_middle(tmp_path):
    with running("--tcp", "0", "--out", str(tmp_path), "--fault", "paper_end@75") as (_, line):
        link = link_to(url(line))
        printer = EscposPrinter(link, MODELS["tm-t88-ja"], patience_s=0.2)
        assert printer.print(printer.render([Text("手数料領収書")], "0001")) is PrintOutcome.UNKNOWN
        assert printer.status().causes == ("paper_end",)
        assert not list(tmp_path.glob("*.bin"))
        link.close()


def test_the_next_host_gets_its_turn_when_the_one_before_leaves():
    with running("--tcp", "0") as (_, line):
        address = ("127.0.0.1", int(line.removeprefix("tcp ")))
        first, second = socket.create_connection(address), socket.create_connection(address)
        second.settimeout(10)
        second.sendall(b"\x10\x04\x01")
        first.settimeout(10)
        first.sendall(b"\x10\x04\x01")
        assert first.recv(9) == b"\x12"
        first.close()
        assert second.recv(9) == b"\x12"
        second.close()


def test_a_host_that_vanishes_does_not_end_it():
    with running("--tcp", "0") as (_, line):
        address = ("127.0.0.1", int(line.removeprefix("tcp ")))
        for _ in range(3):
            host = socket.create_connection(address)
            host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # reset instead of FIN
            host.sendall(b"\x10\x04\x01" * 100)
            host.close()
        host = socket.create_connection(address)
        host.settimeout(10)
        host.sendall(b"\x10\x04\x01")
        assert host.recv(9) == b"\x12"
        host.close()


def test_a_port_that_is_taken_is_a_usage_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running("--tcp", port) as (process, line):
            assert line == ""
            assert "in use" in process.communicate(timeout=10)[1]
            assert process.returncode == os.EX_USAGE


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fault", "fire@1"],
        ["--fault", "paper_end@0"],
        ["--fault", "silent"],
        ["--tcp", "70000"],
        ["--pty", "--tcp", "0"],
    ],
)
def test_wrong_arguments_are_refused(arguments):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["printer", *arguments])


def test_a_host_that_does_not_read_does_not_stop_the_printer(tmp_path):
    with running("--pty", "--out", str(tmp_path)) as (_, line):
        host = os.open(line, os.O_RDWR | os.O_NOCTTY)
        os.set_blocking(host, False)
        rest = b"\x1dr\x01" * 20_000 + b"A\n\x1dV\x00"
        give_up = time.monotonic() + 20
        while rest and time.monotonic() < give_up:
            try:
                rest = rest[os.write(host, rest[:1000]) :]
            except BlockingIOError:
                continue
        while not (tmp_path / "0001.png").exists() and time.monotonic() < give_up:
            pass
        assert (tmp_path / "0001.txt").read_text() == "A\n"
        os.close(host)
