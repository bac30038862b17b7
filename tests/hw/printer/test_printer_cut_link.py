"""For every byte of a receipt: a link cut there never confirms the job, sends it twice, or tears the next receipt."""

import pytest
from sample_receipt import RECEIPT

from hw.errors import PrinterBlocked
from hw.ports import PrintOutcome, QrCode, Text
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from tests.hw.printer.printer_bench import MODEL, Bench, CuttingLink

COUNT = bytes.fromhex("1d6732003200")
"""GS g 2: the counter of cuts."""
IDENTITY = bytes.fromhex("1d4942 1d4943 1d4941 1d4944")
"""GS I 66, 67, 65, 68; asked twice, so that a disturbed answer is no stranger's."""
IDENTITY_ANSWER = len("_SIMULATED0_VIRTUAL PRINTER0_1.000_SIM00000010")
ASKED_BEFORE = bytes.fromhex("1004 01 1004 02 1004 03 1004 04 1d2848 0600 3030 20202020") + 2 * IDENTITY + COUNT
"""DLE EOT 1 to 4, then GS ( H with the id of four spaces, then who it is, then the counter."""
MARK = 11
"""Bytes of GS ( H behind the cut."""


def print_until(written, read, paper, model=MODEL):
    """What the driver says of a print over a link that is cut, and the printer behind it."""
    bench = Bench("memory")
    received = bytearray()
    feed = bench.sim.feed
    bench.sim.feed = lambda chunk: received.extend(chunk) or feed(chunk)
    printer = EscposPrinter(CuttingLink(bench.link(), written, read), model)
    job = printer.render(paper, "0017")
    states = []
    try:
        outcome = printer.print(job, states.append)
    except PrinterBlocked as blocked:
        assert blocked.causes == ("link_lost",)
        outcome = PrintOutcome.NOT_STARTED
    assert (outcome is PrintOutcome.NOT_STARTED) == (states == [])
    return outcome, bench, bytes(received), job


@pytest.mark.parametrize("paper", [RECEIPT, (QrCode("17"),)], ids=["plain", "qr"])
def test_a_link_cut_at_any_byte_sent(paper):
    _, _, whole, job = print_until(1 << 30, 1 << 30, paper)
    assert whole == ASKED_BEFORE + job.data + COUNT
    for cut in range(len(whole) + 1):
        outcome, bench, received, _ = print_until(cut, 1 << 30, paper)
        assert received == whole[:cut]
        started = cut > len(ASKED_BEFORE)
        assert outcome is (PrintOutcome.UNKNOWN if started else PrintOutcome.NOT_STARTED)
        assert len(bench.sim.sheets) == (cut >= len(whole) - len(COUNT) - MARK)


def test_a_link_cut_at_any_byte_answered():
    count = 3  # 5F 30 00
    before = 4 + 7 + 2 * IDENTITY_ANSWER + count
    automatic = 4
    answers = before + automatic + 7 + count
    for cut in range(answers):
        outcome, bench, _, _ = print_until(1 << 30, cut, RECEIPT)
        started = cut >= before
        assert outcome is (PrintOutcome.UNKNOWN if started else PrintOutcome.NOT_STARTED)
        assert len(bench.sim.sheets) == started
    assert print_until(1 << 30, answers, RECEIPT)[0] is PrintOutcome.CONFIRMED


@pytest.mark.parametrize("paper", [RECEIPT[:8], (QrCode("17"),), (Text("髙"),)], ids=["plain", "qr", "drawn"])
def test_after_a_cut_at_any_byte_the_copy_comes_out_whole(paper):
    _, whole_bench, whole, _ = print_until(1 << 30, 1 << 30, paper)
    complete = whole_bench.sim.sheets[0].text
    within_cut_command = len(whole) - len(COUNT) - MARK - 1
    for cut in range(len(ASKED_BEFORE), len(whole) + 1):
        _, bench, _, _ = print_until(cut, 1 << 30, paper)
        printed = len(bench.sim.sheets)
        printer = bench.printer()
        assert printer.print(printer.render(paper, "0018")) is PrintOutcome.CONFIRMED
        # Without its last byte the cut of the first receipt is done when anything comes, such as a question.
        assert len(bench.sim.sheets) == printed + (2 if cut == within_cut_command else 1)
        assert bench.sim.sheets[-1].text.endswith(complete.lstrip("\n"))


@pytest.mark.parametrize("paper", [RECEIPT[:8], (QrCode("17" * 40),)], ids=["plain", "qr"])
def test_after_a_cut_at_any_byte_the_printer_tells_how_often_it_has_cut(paper):
    _, _, whole, _ = print_until(1 << 30, 1 << 30, paper)
    for cut in range(len(ASKED_BEFORE), len(whole) + 1):
        _, bench, _, _ = print_until(cut, 1 << 30, paper)
        assert bench.printer().cuts() == len(bench.sim.sheets)


def test_a_printer_that_cannot_be_cleared_is_busy_or_prints_whole():
    model = MODELS["generic-80"]
    bench = Bench("memory")
    job = bench.printer(model).render((*RECEIPT[3:6], Text("髙", align="right")), "0001")
    assert bench.printer(model).print(job) is PrintOutcome.PRINTED
    complete = bench.sim.sheets[0].text
    for cut in range(1, len(job.data)):
        bench = Bench("memory")
        bench.sim.feed(job.data[:cut])
        try:
            assert bench.printer(model).print(job) is PrintOutcome.PRINTED
        except PrinterBlocked as blocked:
            assert blocked.causes == ("busy",)
        else:
            assert bench.sim.sheets[-1].text.endswith(complete)
