"""`hw sim card` as a process: its words, its exit codes, and vpcd's protocol as vpcd speaks it."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from card_terminal import SELECT_AP, Terminal

import hw
from hw.sim.card import command
from hw.sim.card.memory import FileStore
from hw.sim.card.personalization import new_card

NUMBER = "JUKI20110000TEST"
ATR = bytes.fromhex("3BE000FF8131FE4514")

_RUN = """
import argparse, sys
from hw.sim.card import command
parser = argparse.ArgumentParser()
command.add_parser(parser.add_subparsers())
sys.exit(command.run(parser.parse_args()))
"""


class Reader:
    """The vpcd end of one connection; length and payload in two sends, as vpcd does it."""

    def __init__(self, connection):
        self._connection = connection
        connection.settimeout(10)

    def control(self, payload):
        self._connection.sendall(len(payload).to_bytes(2, "big"))
        self._connection.sendall(payload)

    def receive(self):
        size = int.from_bytes(self._exactly(2), "big")
        return self._exactly(size)

    def transmit(self, raw):
        self.control(raw)
        return self.receive()

    def is_closed(self):
        return self._connection.recv(1) == b""

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            chunk = self._connection.recv(size - len(data))
            assert chunk, "the card closed the connection"
            data += chunk
        return data


@contextmanager
def running(*arguments):
    """The card as a process, and the reader it has connected to."""
    environment = {**os.environ, "PYTHONPATH": str(Path(hw.__path__[0]).parent)}
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        port = server.getsockname()[1]
        with subprocess.Popen(
            [sys.executable, "-c", _RUN, "card", "--vpcd", f"127.0.0.1:{port}", *arguments],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        ) as process:
            try:
                connection, _ = server.accept()
                with connection:
                    yield process, Reader(connection)
            finally:
                process.kill()


def run(*arguments):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return command.run(parser.parse_args(["card", *arguments]))


def test_says_ready_after_its_first_answer_to_reset_and_sigterm_is_removal(tmp_path):
    with running("--state", str(tmp_path / "card"), "--number", NUMBER) as (process, reader):
        assert reader.transmit(b"\x04") == ATR
        assert process.stdout.readline() == "ready\n"
        reader.control(b"\x01")
        terminal = Terminal(reader.transmit)
        terminal.ok(SELECT_AP)
        assert terminal.number() == NUMBER
        reader.control(b"\x02")
        assert terminal.send("00CA010100") == (b"", 0x6A88), "a reset deselects"
        process.send_signal(signal.SIGTERM)
        assert reader.is_closed()
        assert process.wait(10) == 0
    assert FileStore(tmp_path / "card").read().number == NUMBER


def test_pulled_card_closes_the_connection_and_ends(tmp_path):
    with running("--fault", "pull@2") as (process, reader):
        reader.control(b"\x01")
        reader.transmit(bytes.fromhex(SELECT_AP))
        reader.control(bytes.fromhex("00CA010100"))
        assert reader.is_closed()
        assert process.wait(10) == 0


def test_mute_card_keeps_the_connection_and_answers_nothing_until_sigterm():
    with running("--fault", "mute@1") as (process, reader):
        reader.control(b"\x01")
        reader.control(bytes.fromhex(SELECT_AP))
        assert reader.transmit(b"\x04") == ATR, "the answer is the one to this question"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_card_exchanged_behind_the_back_of_pcscd_answers_without_being_powered_on():
    with running() as (_, reader):
        assert reader.transmit(bytes.fromhex(SELECT_AP)).hex() == "9000"


def test_card_without_power_answers_the_question_for_its_atr_only():
    with running() as (_, reader):
        reader.control(b"\x00")
        reader.control(bytes.fromhex(SELECT_AP))
        assert reader.transmit(b"\x04") == ATR


def test_vpcd_hanging_up_ends_the_card():
    with running() as (process, reader):
        reader.transmit(b"\x04")
        reader._connection.close()
        assert process.wait(10) == 0


def test_nobody_listening_is_exit_69(capsys):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        assert run("--vpcd", f"127.0.0.1:{port}") == 69
    assert f"vpcd at 127.0.0.1:{port}" in capsys.readouterr().err


def test_broken_state_is_exit_78_and_names_the_file(tmp_path, capsys):
    (tmp_path / "card").write_text("{}")
    assert run("--state", str(tmp_path / "card")) == 78
    assert str(tmp_path / "card") in capsys.readouterr().err


def test_number_of_another_card_is_exit_64(tmp_path, capsys):
    FileStore(tmp_path / "card").write(new_card(NUMBER))
    assert run("--state", str(tmp_path / "card"), "--number", "X" * 16) == 64
    assert NUMBER in capsys.readouterr().err


def test_the_standard_that_only_piv_cards_have_is_exit_64_for_others(capsys):
    assert run("--standard") == 64
    assert "--standard" in capsys.readouterr().err


def test_a_card_of_the_standard_knows_nothing_beyond_it(tmp_path):
    state = tmp_path / "card"
    with running("--profile", "piv", "--standard", "--state", str(state)) as (_, reader):
        reader.control(b"\x01")
        assert reader.transmit(bytes.fromhex("00A4040009A00000030800001000"))[-2:].hex() == "9000"
        assert reader.transmit(bytes.fromhex("00F7009B00")).hex() == "6d00"
        assert reader.transmit(bytes.fromhex("00CB3FFF055C035FC10200"))[:2].hex() == "533b"
    assert FileStore(state).read().piv.management_algorithm == 0x0C


@pytest.mark.parametrize(
    "arguments",
    [
        ("--vpcd", "nohost"),
        ("--vpcd", ":1"),
        ("--vpcd", "localhost:70000"),
        ("--number", "lower"),
        ("--profile", "credit"),
        ("--fault", "explode@1"),
        ("--fault", "delay@1=long"),
        ("--max-answer", "0"),
        ("--max-answer", "65537"),
    ],
)
def test_wrong_argument_is_named(arguments, capsys):
    with pytest.raises(SystemExit):
        run(*arguments)
    assert arguments[0] in capsys.readouterr().err
