"""Pictures from a process of their own: the same ones, without their libraries here, and also once it is gone."""

import os
import pickle
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hw.sim.printer.imaging import OwnProcess, here
from hw.sim.printer.virtual import VirtualPrinter

RECEIPT = "領収書\n".encode("cp932") + b"\x1d(k\x0b\x001P0K-EE-0001\x1d(k\x03\x001Q0" + b"\x1dV\x42\x00"

PRINTED = """
import sys
from pathlib import Path
from hw.sim.printer.imaging import OwnProcess
from hw.sim.printer.virtual import VirtualPrinter

VirtualPrinter(directory=Path(sys.argv[1]), imaging=OwnProcess()).feed(bytes.fromhex(sys.argv[2]))
print(*sorted({"PIL", "qrcode"} & set(sys.modules)))
"""

ASKING = """
import os, signal
from hw.sim.printer.imaging import OwnProcess

imaging = OwnProcess()
print(imaging(os.getpid), flush=True)
signal.pause()
"""


def picture(folder: Path, imaging) -> bytes:
    VirtualPrinter(directory=folder, imaging=imaging).feed(RECEIPT)
    return (folder / "0001.png").read_bytes()


def test_they_are_the_same_and_this_process_has_none_of_it(tmp_path):
    words = [sys.executable, "-c", PRINTED, str(tmp_path / "own"), RECEIPT.hex()]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.split() == []
    assert (tmp_path / "own" / "0001.png").read_bytes() == picture(tmp_path / "here", here)


def test_a_killed_process_costs_no_picture(tmp_path):
    imaging = OwnProcess()
    first = picture(tmp_path / "first", imaging)
    os.kill(imaging(os.getpid), signal.SIGKILL)
    assert picture(tmp_path / "second", imaging) == first
    assert picture(tmp_path / "third", imaging) == first
    assert imaging(os.getpid) != os.getpid()


class HalfAnAnswer(OwnProcess):
    """Its process is ended in the middle of its first answer."""

    def _begun(self):
        answer = pickle.dumps((True, bytes(1000)))[:500]
        words = [sys.executable, "-c", f"import sys; sys.stdout.buffer.write({answer!r})"]
        return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_process_that_ends_in_the_middle_of_an_answer_costs_no_picture(tmp_path):
    assert picture(tmp_path / "torn", HalfAnAnswer()) == picture(tmp_path / "here", here)


def test_the_process_ends_with_whoever_asked_it():
    imaging = OwnProcess()
    asked = imaging(os.getpid)
    assert Path(f"/proc/{asked}").exists()
    del imaging
    assert not Path(f"/proc/{asked}").exists()


def test_it_ends_when_this_process_is_killed():
    with subprocess.Popen([sys.executable, "-c", ASKING], stdout=subprocess.PIPE, text=True) as process:
        child = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
    # A process's descriptor is readable once it has ended (pidfd_open(2)).
    assert select.select([child], [], [], 30)[0] == [child]
    os.close(child)


def test_what_the_function_raises_is_raised_here():
    with pytest.raises(ValueError, match="invalid literal"):
        OwnProcess()(int, "no number")
