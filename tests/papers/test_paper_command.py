"""`kiosk paper`: forms and filled-in papers, to a file, a folder or the roll."""

from pathlib import Path

import pytest

from hw.printer.drawing import FONTS
from hw.printer.layout import render
from hw.printer.models import MODELS
from kiosk.papers.catalogue import A4, LANGUAGES, ROLL, a4_paper, blank, roll_paper
from kiosk.papers.pdf import pdf
from tests.e2e.commands import run


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*ROLL, *A4])
def test_every_paper_can_be_a_form_for_a_pen(name: str, language: str) -> None:
    values, rows = blank(name, language)
    if name in ROLL:
        assert render(roll_paper(name, language, values, rows), "0001", MODELS["generic-58"], FONTS).data
    else:
        assert pdf(a4_paper(name, language, values, rows), name).startswith(b"%PDF")


def test_a_paper_goes_to_a_file_a_folder_or_the_roll(tmp_path: Path) -> None:
    data = ["--data", tmp_path / "data"]
    for suffix, beginning in ((".pdf", b"%PDF"), (".png", b"\x89PNG"), (".txt", b"")):
        out = tmp_path / f"sheet{suffix}"
        done = run("paper", "password_sheet", "--value", "attempts=5", "-o", out, *data)
        assert done.returncode == 0, done.stderr
        assert out.read_bytes().startswith(beginning)
    said = (tmp_path / "sheet.txt").read_text("utf-8")
    assert "訓練・無効" in said
    assert "5回続けて" in said
    assert "幌延町" in said
    done = run("paper", "refusal", *data, "--set", f"documents.link=folder:{tmp_path}/a4")
    assert Path(done.stdout.strip()).read_bytes().startswith(b"%PDF")
    done = run("paper", "hold", "--value", "number=2011-0001", *data)
    assert (done.returncode, done.stdout) == (0, "confirmed\n")
    assert "2011-0001" in (tmp_path / "data" / "sim" / "printer" / "0001.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("password_sheet", "--value", "password=Horonobe2011"), 64),  # there is none to print
        (("password_sheet", "-o", "sheet.doc"), 64),
        (("hold", "-o", "hold.pdf"), 64),
        (("hold", "--value", "number"), 64),
        (("nothing",), 64),
        (("refusal", "--set", "documents.link="), 78),  # nothing prints on A4
        (("hold", "--set", "printer.link=tcp://127.0.0.1:1"), 2),
    ],
)
def test_what_cannot_be_printed_is_told(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    done = run("paper", *words, "--data", tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr
