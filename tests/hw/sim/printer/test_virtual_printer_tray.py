"""Sheets and counters on disk: numbers go on, pictures show what was printed, a kill loses nothing acknowledged."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import hw
from hw.sim.printer.picture import draw
from hw.sim.printer.virtual import VirtualPrinter

CUT = b"\x1dV\x42\x00"
CUTS = b"\x1dg2\x00\x32\x00"


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_each_cut_leaves_bytes_text_and_picture(tmp_path):
    printer = VirtualPrinter(directory=tmp_path / "papers")
    printer.feed(b"\x1b@one\n" + CUT + b"two\n" + CUT + b"three")
    assert names(tmp_path / "papers") == sorted(
        ["counters.json", *(f"000{n}.{suffix}" for n in (1, 2) for suffix in ("bin", "txt", "png"))]
    )
    assert (tmp_path / "papers/0001.bin").read_bytes() == b"\x1b@one\n" + CUT
    assert (tmp_path / "papers/0002.bin").read_bytes() == b"two\n" + CUT
    assert (tmp_path / "papers/0002.txt").read_text("utf-8") == "two\n"
    with Image.open(tmp_path / "papers/0001.png") as picture:
        assert picture.width == 512 + 2 * 28
        assert picture.convert("L").getextrema()[0] < 50


def test_numbers_and_counters_go_on_in_the_next_process(tmp_path):
    VirtualPrinter(directory=tmp_path).feed(b"one\n" + CUT + b"\x1bp\x0022")
    printer = VirtualPrinter(directory=tmp_path)
    assert printer.feed(CUTS) == b"\x5f1\x00"
    assert printer.counters.drawer_kicks == 1
    printer.feed(b"two\n" + CUT)
    assert (tmp_path / "0002.txt").read_text() == "two\n"
    assert VirtualPrinter(directory=tmp_path).feed(CUTS) == b"\x5f2\x00"


def test_resetting_a_counter_leaves_the_total_and_the_numbers(tmp_path):
    printer = VirtualPrinter(directory=tmp_path)
    printer.feed(b"1\n" + CUT + b"\x1dg0\x00\x32\x00")
    assert printer.feed(CUTS) == b"\x5f0\x00"
    assert printer.feed(b"\x1dg2\x00\xb2\x00") == b"\x5f1\x00"
    printer.feed(b"2\n" + CUT)
    assert (tmp_path / "0002.txt").read_text() == "2\n"


def test_papers_that_lie_there_without_counters_are_not_overwritten(tmp_path):
    (tmp_path / "0007.bin").write_bytes(b"someone's")
    VirtualPrinter(directory=tmp_path).feed(b"A\n" + CUT)
    assert (tmp_path / "0007.bin").read_bytes() == b"someone's"
    assert (tmp_path / "0008.txt").read_text() == "A\n"


def test_a_sheet_without_its_count_did_not_come_out(tmp_path):
    VirtualPrinter(directory=tmp_path).feed(b"one\n" + CUT)
    counted = (tmp_path / "counters.json").read_bytes()
    VirtualPrinter(directory=tmp_path).feed(b"killed before it was counted\n" + CUT)
    (tmp_path / "counters.json").write_bytes(counted)
    printer = VirtualPrinter(directory=tmp_path)
    assert printer.feed(CUTS) == b"\x5f1\x00"
    printer.feed(b"two\n" + CUT)
    assert (tmp_path / "0002.txt").read_text() == "two\n"


@pytest.mark.wire
def test_what_was_answered_survives_a_kill(tmp_path):
    program = (
        "import sys; from pathlib import Path; from hw.sim.printer.virtual import VirtualPrinter\n"
        "printer = VirtualPrinter(directory=Path(sys.argv[1]))\n"
        "while True: print(printer.feed(b'A\\n\\x1dV\\x00\\x1dg2\\x00\\x32\\x00').hex(), flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(hw.__path__[0]).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        answered = [process.stdout.readline() for _ in range(5)]
        process.send_signal(signal.SIGKILL)
        answered += [line for line in process.stdout if line.endswith("\n")]
    cuts = int(bytes.fromhex(answered[-1])[1:-1])
    counted = json.loads((tmp_path / "counters.json").read_text())["cuts"]
    assert cuts <= counted <= cuts + 1
    assert (tmp_path / f"{counted:04d}.png").exists()


def test_the_picture_shows_characters_where_they_were_set(tmp_path):
    printer = VirtualPrinter()
    printer.feed(b"\x1ba\x02AB\n\x1dv0\x00\x01\x00\x02\x00\xff\xff" + CUT)
    picture = draw(printer.sheets[0])
    black = picture.point(lambda value: 255 if value < 100 else 0)
    text = black.crop((0, 0, picture.width, 24 + 30)).getbbox()
    assert 28 + 512 - 24 <= text[0] < text[2] <= 28 + 512
    assert black.crop((0, 24 + 30, picture.width, picture.height)).getbbox() == (28 + 504, 0, 28 + 512, 2)


def test_without_fonts_the_picture_shows_boxes():
    printer = VirtualPrinter()
    printer.feed(b"A B\n" + CUT)
    black = draw(printer.sheets[0], fonts=()).point(lambda value: 255 if value < 100 else 0)
    assert black.getbbox() == (28 + 1, 24 + 2, 28 + 24 + 11, 24 + 22)
