"""Standard output that is closed, full, narrow or read by nobody: how a command goes on, and how it ends."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TextIO

import pytest

from hw.cli import main
from hw.command_line import run_verb
from hw.standard_output import OutputLost
from tests.e2e.commands import ROOT

LIST = ["list", "--set", "card.link=pcsc:読取機"]


def full() -> TextIO:
    return open("/dev/full", "w", encoding="utf-8")


def left() -> TextIO:
    head, tail = os.pipe()
    os.close(head)
    return open(tail, "w", encoding="utf-8")


def closed() -> None:
    return None


@pytest.mark.parametrize(
    ("make", "told"),
    [(full, "stdout: No space left on device"), (closed, "stdout: Bad file descriptor"), (left, "")],
)
@pytest.mark.parametrize("words", [LIST, ["--help"], ["health", "--help"]])
def test_what_could_not_be_written_is_no_success_and_no_defect(
    words: list[str],
    make: Callable[[], TextIO | None],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = make()
    monkeypatch.setattr(sys, "stdout", output)
    assert main(words) == 70
    assert sys.stdout is output
    lines = [line for line in capsys.readouterr().err.splitlines() if "no card readers" not in line]
    assert lines == ([f"hw: {told}"] if told else [])
    if output is not None:
        output.close()  # what is left unwritten is dropped, or this would fail


def test_a_character_that_the_encoding_lacks_is_written_as_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    assert main(LIST) == 0
    assert rb"pcsc:\u8aad\u53d6\u6a5f" in written.getvalue()


def test_after_the_first_failure_nothing_more_is_written_and_a_worse_outcome_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Filling(io.StringIO):
        def write(self, text: str, /) -> int:
            if text == "two":
                raise OSError(28, "No space left on device")
            return super().write(text)

    def verb() -> int:
        for text in ("one", "two", "three"):
            try:
                print(text, end="")
            except OutputLost:
                continue
        return 2

    output = Filling()
    monkeypatch.setattr(sys, "stdout", output)
    assert run_verb("kiosk", verb, lambda error: None) == 2
    assert output.getvalue() == "one"
    assert "No space left" in capsys.readouterr().err


def test_with_all_three_closed_no_file_becomes_the_output() -> None:
    probe = (
        "import os\nfrom hw.command_line import run_verb\n"
        "run_verb('hw', lambda: os._exit(os.open('/dev/null', os.O_RDONLY) > 2), lambda error: None)"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, probe], cwd=ROOT, timeout=60
    )
    assert done.returncode == 1
