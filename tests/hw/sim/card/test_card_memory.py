"""What survives: power loss, SIGKILL, and files that are no card."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from card_terminal import CERTIFICATE, SELECT_AP, SIGN_PIN, Terminal, make_key, verify, write_certificate
from msgspec.structs import replace

import hw
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import CardMemoryInvalid, FileStore
from hw.sim.card.personalization import new_card

NUMBER = "JUKI20110000TEST"
PIN = b"KIOSK123"

# Counts up in the last four bytes of the CA certificate's file, and says so after each write.
_WRITER = """
import sys
from pathlib import Path
from hw.sim.card.chip import Chip
from hw.sim.card.key_maker import KeyMaker, make_rsa_2048
from hw.sim.card.memory import FileStore
chip = Chip(FileStore(Path(sys.argv[1])), KeyMaker(make_rsa_2048), bytes)
for count in range(1, 1 << 32):
    chip.write_file(2, 4092, count.to_bytes(4, "big"))
    print(count, flush=True)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "card.json"
    FileStore(path).write(new_card(NUMBER))
    return path


def terminal_of(path, **options):
    card = VirtualCard(FileStore(path), **options)
    card.power_on()
    terminal = Terminal(card.transmit)
    terminal.ok(SELECT_AP)
    return terminal


def test_card_in_a_file_is_the_same_card_in_the_next_process(file, prepared_key):
    first = terminal_of(file, make_key=lambda: prepared_key)
    modulus, _ = make_key(first, PIN)
    write_certificate(first, CERTIFICATE, b"\x30\x82\x00\x04DATA")
    first.ok(SIGN_PIN)
    assert first.send(verify(b"WRONG")) == (b"", 0x63C4)

    second = terminal_of(file)
    assert second.number() == NUMBER
    second.ok(SIGN_PIN)
    assert second.send("00200080") == (b"", 0x63C4)
    second.ok(verify(PIN))
    second.ok(CERTIFICATE)
    assert second.ok("00B0000008") == b"\x30\x82\x00\x04DATA"
    second.ok("00A4020C02001A")
    assert second.ok("0047810000")[9:265] == modulus.to_bytes(256, "big")


def test_file_holds_no_password_and_is_private(file, prepared_key):
    make_key(terminal_of(file, make_key=lambda: prepared_key), PIN)
    assert PIN not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    record = FileStore(file).read().pins[0x1B]
    assert (len(record.salt), len(record.digest), record.tries) == (16, 32, 5)


@pytest.mark.parametrize("writes", [1, 40])
def test_every_acknowledged_write_survives_sigkill(file, writes):
    environment = {**os.environ, "PYTHONPATH": str(Path(hw.__path__[0]).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(file)], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        for _ in range(writes):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        acknowledged = writes + len(process.stdout.read().splitlines())
    count = int.from_bytes(FileStore(file).read().files[2][4092:], "big")
    assert count in (acknowledged, acknowledged + 1)


def test_remains_of_an_interrupted_write_are_ignored(file):
    file.with_name("card.json.new").write_bytes(b'{"half')
    assert terminal_of(file).number() == NUMBER
    store = FileStore(file)
    store.write(replace(store.read(), files={2: b"new"}))
    assert FileStore(file).read().files == {2: b"new"}


def changed(**fields):
    return json.dumps(json.loads(msgspec.json.encode(new_card(NUMBER))) | fields).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (changed()[:-40], "truncated"),
        (b"[]", "object"),
        (changed(format="virtual-card-9"), "format"),
        (changed(number="short"), "number"),
        (changed(profile="credit"), "profile 'credit' is unknown"),
        (changed(attestation_key="AAAA"), "attestation_key"),
        (changed(pins={"27": {"salt": "", "digest": "", "tries": 16}}), "tries"),
        (changed(keys={"26": "AAAA"}), "key 001A"),
        (changed(surprise=1), "surprise"),
    ],
)
def test_file_that_is_no_card_is_named_with_the_reason(file, content, reason):
    file.write_bytes(content)
    with pytest.raises(CardMemoryInvalid, match=reason) as caught:
        FileStore(file).read()
    assert str(file) in str(caught.value)


def test_damaged_key_is_named(file, prepared_key):
    make_key(terminal_of(file, make_key=lambda: prepared_key), PIN)
    store = FileStore(file)
    memory = store.read()
    der = bytearray(memory.keys[0x1A])
    der[100] ^= 1
    store.write(replace(memory, keys={0x1A: bytes(der)}))
    with pytest.raises(CardMemoryInvalid, match="key 001A is damaged"):
        store.read()


def test_missing_file_and_missing_directory_are_named(tmp_path):
    with pytest.raises(CardMemoryInvalid, match=r"none\.json: No such file"):
        FileStore(tmp_path / "none.json").read()
    with pytest.raises(CardMemoryInvalid, match=r"card\.json: No such file"):
        FileStore(tmp_path / "nowhere" / "card.json").write(new_card(NUMBER))


@pytest.mark.parametrize("number", ["", "SHORT", "juki20110000test", "JUKI20110000TEST0"])
def test_card_numbers_have_one_form(number):
    with pytest.raises(ValueError, match="16 characters"):
        new_card(number)
