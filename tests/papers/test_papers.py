"""Every paper in both languages: it fits, names the same values, is void in training, says the same in every form."""

import io
import re

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from hw.errors import NotSent, OutcomeUnknown, Refused, TextDoesNotFit
from hw.link.memory import MemoryLink
from hw.ports import Columns, Text
from hw.printer.document import CupsPrinter, DocumentFolder, document_printer
from hw.printer.drawing import FONTS
from hw.printer.escpos import EscposPrinter
from hw.printer.layout import render
from hw.printer.models import MODELS
from hw.printer.self_test import self_test_page
from hw.sim.printer.virtual import VirtualPrinter
from hw.strict_toml import ConfigInvalid
from kiosk.papers import catalogue
from kiosk.papers.catalogue import LANGUAGES, a4_paper, roll_paper
from kiosk.papers.pdf import pdf
from kiosk.papers.picture import picture, text
from kiosk.papers.sheet import BOTTOM_MM, LEFT_MM, RIGHT_MM, Block, Line, SheetForm, Type, lay_out, width_mm
from tests.papers.contact_sheet import roll_pictures
from tests.papers.samples import A4, ROLL

PLACEHOLDER = re.compile(r"\{(\w+)\}")
VOID = {"ja": "訓練・無効", "en": "TRAINING - VOID"}


def layout(name, language):
    return catalogue._layout(name, language).read_text("utf-8")


@pytest.mark.parametrize("name", [*catalogue.ROLL, *catalogue.A4])
def test_both_languages_say_the_same_things(name):
    found = {
        language: (
            sorted(PLACEHOLDER.findall(layout(name, language))),
            sorted(re.findall(r'(?:when|unless|each) = "(\w+)"', layout(name, language))),
        )
        for language in LANGUAGES
    }
    assert found["ja"] == found["en"]


@pytest.mark.parametrize("model", ["generic-58", "tm-m30-ja"])
def test_the_contact_sheet_has_every_roll_paper_of_a_printer_that_counts_its_cuts_and_of_one_that_does_not(model):
    assert len(roll_pictures("ja", model)) == len(ROLL) + 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", catalogue.ROLL)
@pytest.mark.parametrize("model", ["generic-58", "tm-t88-ja", "tm-m30-ja"])
def test_a_roll_paper_fits_and_says_what_its_preview_says(name, language, model):
    sample = ROLL[name][language]
    marks = {*sample.marks, "training", "paid", "card_kept"}
    paper = roll_paper(name, language, sample.values, sample.rows, marks)
    sim = VirtualPrinter(dots=MODELS[model].dots)
    printer = EscposPrinter(MemoryLink(sim), MODELS[model])
    job = printer.render(paper, "0001")
    printer.print(job)
    assert sim.unknown == ()
    shown = re.sub(r"─+", "─", re.sub(r"\[QR [^\n]*\]", "[QR]", job.preview))
    printed = re.sub(r"─+", "─", re.sub(r"\[QR [^\n]*\]", "[QR]", sim.sheets[0].text))
    assert shown.split() == printed.split()
    assert VOID[language] in job.preview
    assert (
        VOID[language]
        not in render(
            roll_paper(name, language, sample.values, sample.rows, marks - {"training"}), "0001", MODELS[model], FONTS
        ).preview
    )


@pytest.mark.parametrize("model", sorted(MODELS))
def test_the_self_test_page_fits_every_printer(model):
    for is_training in (False, True):
        preview = render(self_test_page(is_training=is_training), "TEST", MODELS[model], FONTS).preview
        assert ("訓練・無効" in preview) == is_training


def test_a_hold_slip_says_what_is_so_and_not_its_opposite():
    sample = ROLL["hold"]["ja"]
    for marks, said, unsaid in (
        (set(), "いただいていません", "いただいています"),
        ({"paid"}, "¥500 いただいています", "いただいていません"),
        ({"card_kept"}, "お預かりしています", "お持ち帰りください"),
    ):
        lines = roll_paper("hold", "ja", sample.values, marks=marks)
        words = " ".join(
            f"{line.left} {line.right}" if isinstance(line, Columns) else line.text
            for line in lines
            if isinstance(line, Columns | Text)
        )
        assert said in words
        assert unsaid not in words


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", catalogue.A4)
def test_an_a4_paper_stays_within_its_margins_and_says_everything(name, language):
    sample = A4[name][language]
    pages = a4_paper(name, language, sample.values, sample.rows, {*sample.marks, "training"})
    assert len(pages) == 1 or name == "operations"
    for mark in (mark for page in pages for mark in page.marks):
        match mark:
            case Type():
                assert mark.x_mm >= LEFT_MM - 0.01
                assert mark.x_mm + width_mm(mark.text, mark.size) <= RIGHT_MM + 0.01
                assert mark.y_mm <= BOTTOM_MM
            case Line():
                assert LEFT_MM - 0.01 <= mark.x_mm <= mark.to_x_mm <= RIGHT_MM + 0.01
                assert mark.to_y_mm <= BOTTOM_MM + 0.01
    for page in pages:
        assert VOID[language] in text((page,)).split("\n")[0]
    typed = "".join(mark.text for page in pages for mark in page.marks if isinstance(mark, Type))  # cell by cell
    everything = re.sub(r"\s", "", typed)
    of_rows = [row for rows in sample.rows.values() for row in rows]
    cells = {cell for row in of_rows for cell in row.values()}
    named = set(PLACEHOLDER.findall(layout(name, language))) - {key for row in of_rows for key in row}
    for value in (*(sample.values[key] for key in named), *cells):
        assert re.sub(r"\s", "", value) in everything
    assert VOID[language] not in text(a4_paper(name, language, sample.values, sample.rows, sample.marks))


@pytest.mark.parametrize("name", catalogue.A4)
def test_a_pdf_is_the_same_every_time_and_carries_its_fonts(name):
    sample = A4[name]["ja"]
    pages = a4_paper(name, "ja", sample.values, sample.rows, sample.marks)
    document = pdf(pages, name)
    assert document == pdf(pages, name)
    reader = PdfFileReader(io.BytesIO(document))
    assert int(reader.root["/Pages"]["/Count"]) == len(pages)
    fonts = reader.root["/Pages"]["/Kids"][0]["/Resources"]["/Font"]
    for font in fonts.values():
        if font.get_object()["/Subtype"] == "/TrueType":
            assert "/FontFile2" in font.get_object()["/FontDescriptor"]
    assert len(document) < 400_000


def test_a_picture_shows_what_is_typed():
    pages = a4_paper("password_sheet", "ja", A4["password_sheet"]["ja"].values)
    image = picture(pages[0], 50)
    assert abs(image.width / image.height - 210 / 297) < 0.01
    assert image.crop((60, 40, 350, 80)).getextrema()[0] < 100


def test_a_value_that_is_missing_is_named():
    with pytest.raises(ConfigInvalid, match="number"):
        a4_paper("application", "ja", {})
    with pytest.raises(ConfigInvalid, match="denominations"):
        a4_paper("daily_report", "ja", A4["daily_report"]["ja"].values, {"revenues": [], "refunds": []})
    with pytest.raises(ConfigInvalid, match="number"):
        roll_paper("hold", "ja", {})


def test_a_character_that_no_font_has_is_refused_and_a_rare_one_is_not():
    values = dict(A4["certificate_copy"]["ja"].values)
    pdf(a4_paper("certificate_copy", "ja", values | {"name": "髙﨑　𠮟子"}), "copy")
    with pytest.raises(TextDoesNotFit, match="U\\+1F600"):
        pdf(a4_paper("certificate_copy", "ja", values | {"name": "😀"}), "copy")


def test_a_table_goes_on_on_the_next_page_under_its_head():
    form = SheetForm((Block("table", head=("A", "B"), widths=(0, 40), each="rows", cells=("{a}", "b")),))
    pages = lay_out(form, {}, rows={"rows": [{"a": str(n)} for n in range(60)]})
    assert len(pages) == 3
    assert all(page.marks and text([page]).split()[:2] == ["A", "B"] for page in pages)
    assert "59" in text(pages)


def test_long_text_is_wrapped_and_brackets_stay_with_what_they_hold():
    form = SheetForm((Block(text="あ" * 44 + "「い」、" + "abc " * 40),))
    lines = text(lay_out(form, {})).split("\n")
    assert all(not line.endswith("「") and not line.startswith(("」", "、")) for line in lines)
    assert "".join(lines).replace(" ", "") == "あ" * 44 + "「い」、" + "abc" * 40
    with pytest.raises(TextDoesNotFit):
        lay_out(SheetForm((Block("table", widths=(4, 0), cells=("あ", "")),)), {})


def test_documents_go_into_a_folder_without_replacing_one_another(tmp_path):
    folder = document_printer(f"folder:{tmp_path}/out")
    first, second = folder.print("copy", b"1"), folder.print("copy", b"2")
    assert first != second
    assert open(first, "rb").read() == b"1"
    with pytest.raises(NotSent):
        DocumentFolder(tmp_path / "out" / "copy-0001.pdf").print("copy", b"3")


def test_documents_go_to_cups_on_its_standard_input(tmp_path):
    program = tmp_path / "lp"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/words; cat > {tmp_path}/paper; echo "request id is A4-7 (0 file(s))"\n'
    )
    program.chmod(0o755)
    assert CupsPrinter("A4", str(program)).print("copy", b"%PDF") == "A4-7"
    assert (tmp_path / "words").read_text() == "-d A4 -t copy -o media=A4 -\n"
    assert (tmp_path / "paper").read_bytes() == b"%PDF"
    program.write_text("#!/bin/sh\necho no such printer >&2; exit 1\n")
    with pytest.raises(Refused, match="no such printer"):
        CupsPrinter("A4", str(program)).print("copy", b"%PDF")
    with pytest.raises(NotSent, match="CUPS"):
        CupsPrinter("A4", str(tmp_path / "nothing")).print("copy", b"")
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(OutcomeUnknown, match="may have queued"):
        CupsPrinter("A4", str(program), timeout_s=0.2).print("copy", b"%PDF")


@pytest.mark.parametrize("link", ["", "cups:", "cups:a b", "cups:;rm", "folder:relative", "printer:A4"])
def test_what_is_no_document_printer_is_refused(link):
    with pytest.raises(ValueError, match="document printer"):
        document_printer(link)
