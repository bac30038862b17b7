"""From a paper to bytes: the recipe of the manual, what fits, what is drawn, and what is refused."""

import pytest
from escpos.constants import QR_ECLEVEL_M, QR_MODEL_2
from escpos.printer import Dummy
from hypothesis import given, settings
from hypothesis import strategies as st
from qrcode import constants, util
from sample_receipt import RARE_NAME, RECEIPT, WITH_QR

from hw.errors import TextDoesNotFit
from hw.ports import Columns, Feed, PrintOutcome, QrCode, Rule, Text
from hw.printer.drawing import FONTS, _without_real_time
from hw.printer.layout import render
from hw.printer.models import MODELS
from hw.printer.qr_code import qr_code
from hw.printer.symbol import BYTES_AT_LEVEL_M, module_dots
from tests.hw.printer.printer_bench import MODEL, Bench

START = bytes.fromhex("1b40 1b5208 1b7401 1c4301 1c26 1c530000 1d57f801 1d610f")
"""ESC @, ESC R 8, ESC t 1, FS C 1, FS &, FS S 0 0, GS W 504, GS a 15."""
END = bytes.fromhex("1b6403 1d564200 1d28480600 3030 30303137")
"""ESC d 3, GS V 66 0, GS ( H with the id 0017."""

REAL_TIME = (b"\x10\x04", b"\x10\x05", b"\x10\x14")


def body(*paper, model=MODEL):
    data = render(paper, "0017", model, FONTS).data
    assert data.startswith(START)
    assert data.endswith(END)
    return data[len(START) : -len(END)]


@pytest.mark.parametrize(
    ("line", "bytes_"),
    [
        (Text("手数料領収書"), "8ee8 9094 97bf 97cc 8efb 8f91 0a"),
        (Text("¥500"), "5c 353030 0a"),
        (Text("ﾃｽﾄ"), "c3 bd c4 0a"),
        (Text("〜−—"), "8160 817c 815c 0a"),  # the JIS characters that CP932 maps otherwise
        (Text(""), "0a"),
        (Text("A", align="center"), "1b6101 41 0a"),
        (Text("A", align="right", bold=True), "1b6102 1b4501 41 0a"),
        (Text("A", scale=2), "1d2111 41 0a"),
        (Columns("A", "BC"), "41 1b24e001 4243 0a"),  # ESC $ 480: 2 of 42 columns of 12 dots left
        (Feed(2), "1b6402"),
        (Rule(), "849f" * 21 + "0a"),
        (
            QrCode("17"),
            "1b6101 0a 1d286b04003141 3200 1d286b0300314306 1d286b0300314531 1d286b0500315030 3137 1d286b0300315130 0a",
        ),
    ],
)
def test_each_line_becomes_the_commands_of_the_manual(line, bytes_):
    assert body(line) == bytes.fromhex(bytes_)


def test_only_changes_of_style_are_sent():
    assert body(Text("A", bold=True), Text("B", bold=True), Text("C")) == b"\x1bE\x01A\nB\n\x1bE\x00C\n"


def test_a_receipt_is_small():
    assert len(RECEIPT) == 15
    assert len(render(RECEIPT, "0017", MODEL, FONTS).data) <= 600
    assert len(render(WITH_QR, "0017", MODEL, FONTS).data) <= 600


@pytest.mark.parametrize("name", sorted(MODELS))
def test_text_may_be_as_wide_as_the_paper_and_not_a_cell_wider(name):
    model = MODELS[name]
    columns = model.columns
    fitting = [
        Text("x" * columns),
        Text("字" * (columns // 2)),
        Text("─" * (columns // 2)),  # ambiguous in Unicode, two cells here
        Text("x" * (columns // 2), scale=2),
        Text("髙" * (columns // 2)),
        Text("髙" * (columns // 4) + "x" * (columns // 2 % 2), scale=2),
        Columns("字", "x" * (columns - 3)),
        Columns("髙", "x" * (columns - 3)),
    ]
    for line in fitting:
        bench = Bench("memory", model.dots)
        printer = bench.printer(model)
        assert printer.print(printer.render([line], "0001")).is_on_paper
        assert bench.sim.sheets[0].text.count("\n") == 1, "wrapped"
        match line:
            case Text():
                wider = Text(line.text + "x", scale=line.scale)
            case Columns():
                wider = Columns(line.left, line.right + "x")
        with pytest.raises(TextDoesNotFit):
            render([wider], "0001", model, FONTS)


@pytest.mark.parametrize(
    "text", ["A\nB", "\x1b@", "\x10\x04\x01", "\t", "\x7f", "\x80", "\xa0", "\ue000", "\u200b", "\u2028"]
)
def test_what_is_no_printable_character_is_refused(text):
    for line in (Text(text), Columns(text, "x"), Columns("x", text), QrCode(text)):
        with pytest.raises(TextDoesNotFit):
            render([line], "0001", MODEL, FONTS)


@pytest.mark.parametrize("text", ["葛\U000e0100", "か\u3099", "\U0010fffd", "\U00016000", "😀"])
def test_a_character_that_no_font_has_is_refused_and_never_replaced(text):
    with pytest.raises(TextDoesNotFit):
        render([Text(text)], "0001", MODEL, FONTS)


def test_without_fonts_nothing_is_drawn():
    with pytest.raises(TextDoesNotFit):
        render([Text("髙")], "0001", MODEL, ())
    render([Text("高")], "0001", MODEL, ())


@pytest.mark.parametrize("text", ["髙", "﨑", "①", "㈱", "\\", "é", "𠮟"])
def test_what_the_rom_may_lack_is_drawn_as_raster(text):
    assert body(Text(text)).startswith(b"\x1dv0\x00")
    assert b"?" not in body(Text(text))[:8]


def test_a_drawn_line_is_in_style_and_the_next_native_again():
    data = body(Text("髙", align="center", scale=2), Text("A", align="center"))
    assert data.startswith(b"\x1ba\x01\x1dv0\x00\x06\x00\x3c\x00")  # 48 dots wide, 60 high
    assert data.endswith(b"A\n")


@given(st.lists(st.sampled_from([b"\x10", b"\x04", b"\x05", b"\x14", b"\x00", b"\xff"])).map(b"".join) | st.binary())
def test_an_image_never_spells_a_real_time_command(bits):
    safe = _without_real_time(bits)
    assert not any(command in safe for command in REAL_TIME)
    assert len(safe) == len(bits)
    changed = sum(before != after for before, after in zip(bits, safe, strict=True))
    assert changed == sum(bits.count(command) for command in REAL_TIME)


japanese = st.text(st.sampled_from("あ手髙𠮟ﾃA1¥ \\～①(─"), max_size=14)
lines = st.one_of(
    st.builds(Text, japanese, st.sampled_from(["left", "center", "right"]), st.sampled_from([1, 2]), st.booleans()),
    st.builds(Columns, japanese, japanese, st.booleans()),
    st.just(Rule()),
    st.builds(Feed, st.integers(0, 255)),
    st.builds(QrCode, st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1)),
)


@settings(deadline=None)  # a busy machine is no fault of the paper's
@given(st.lists(lines, max_size=8))
def test_whatever_fits_comes_out_and_is_confirmed(paper):
    bench = Bench("memory")
    printer = bench.printer()
    try:
        job = printer.render(paper, "0017")
    except TextDoesNotFit:
        return
    assert not any(command in job.data for command in REAL_TIME)
    assert all(len(line) <= MODEL.columns for line in job.preview.splitlines())
    assert printer.print(job) is PrintOutcome.CONFIRMED
    assert bench.sim.unknown == ()
    assert len(bench.sim.sheets) == 1


def test_the_preview_shows_the_paper_in_its_columns():
    assert render(RARE_NAME, "0017", MODEL, FONTS).preview == (
        "               手数料領収書\n"
        "\n"
        "          幌延町役場 住民生活課\n"
        "氏名                           髙﨑 𠮟子様\n"
        "髙﨑 𠮟子様\n"
        "                   ①㈱\n"
    )


@pytest.mark.parametrize("job_id", ["", "123", "12345", "    ", "12\n4", "１２３４", "12é4"])
def test_a_job_id_is_four_printable_characters(job_id):
    with pytest.raises(ValueError, match="job id"):
        render(RECEIPT, job_id, MODEL, FONTS)


@pytest.mark.parametrize("data", ["abc", "HC1:6BF%RN", "漢字", "x" * 700])
def test_a_qr_code_is_what_another_program_sends(data: str):
    other = Dummy()
    other.qr(data, ec=QR_ECLEVEL_M, size=4, model=QR_MODEL_2, native=True)
    assert qr_code(4, data) == other.output


def test_the_capacity_of_qr_codes_is_that_of_the_standard():
    for version, capacity in enumerate(BYTES_AT_LEVEL_M, 1):
        bits = util.BIT_LIMIT_TABLE[constants.ERROR_CORRECT_M][version]
        header = 4 + (8 if version < 10 else 16)
        assert capacity == (bits - header) // 8


def test_a_qr_code_gets_smaller_modules_before_it_is_refused():
    assert module_dots(61, 504) == 6
    assert module_dots(700, 504) == 4
    with pytest.raises(TextDoesNotFit, match="wider"):
        module_dots(2000, 384)
    with pytest.raises(TextDoesNotFit, match="too many"):
        module_dots(2332, 10_000)
