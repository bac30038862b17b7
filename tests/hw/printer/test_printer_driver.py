"""The printer's driver against the simulated printer: what came out, what it says of it, on every kind of link."""

import queue
import threading
import time

import pytest
from sample_receipt import RARE_NAME, RECEIPT, WITH_QR

from hw.errors import LinkLost, OutcomeUnknown, PrinterBlocked
from hw.link.file import FileLink
from hw.link.memory import MemoryLink
from hw.link.reconnect import Presence
from hw.link.url import link_to
from hw.monitor import printer_care
from hw.owner import Owner
from hw.ports import PrinterStatus, PrintOutcome
from hw.printer.causes import describe, describe_automatic
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.printer.shared import SharedPrinter
from hw.sim.fault import Fault
from hw.sim.printer.virtual import VirtualPrinter
from tests.hw.printer.printer_bench import MODEL, Bench, serving
from tests.hw.printer.test_printer_cut_link import ASKED_BEFORE
from tests.wire.clock import Clock, SilentFrom

PATIENCE_S = 0.2
SLIP = RECEIPT[5:7]
"""Short, so that little time is allowed for it where the wait is to end in vain."""
READY = PrinterStatus(is_online=True, causes=(), is_paper_near_end=False, is_drawer_open=False)


def test_a_receipt_comes_out_once_and_is_confirmed(bench):
    printer = bench.printer()
    job = printer.render(WITH_QR, "0017")
    states = []
    assert printer.print(job, states.append) is PrintOutcome.CONFIRMED
    assert states == [PrintOutcome.SENDING, PrintOutcome.SENT]
    (sheet,) = bench.sheets(1)
    shown = job.preview.replace("─" * 42, "─" * 21).replace("[QR 61]", f"[QR {WITH_QR[-1].data}]")
    assert sheet.text.split() == shown.split()
    assert printer.cuts() == 1
    assert bench.sim.unknown == ()


def test_one_receipt_after_the_other(bench):
    printer = bench.printer()
    for number, paper in enumerate((RECEIPT, RARE_NAME, WITH_QR), 1):
        assert printer.cuts() == number - 1
        assert printer.print(printer.render(paper, f"{number:04d}")) is PrintOutcome.CONFIRMED
    assert printer.cuts() == 3
    assert len({sheet.text for sheet in bench.sheets(3)}) == 3


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_confirms_in_its_own_way(bench, name):
    printer = bench.printer(MODELS[name])
    counts = MODELS[name].cut_counter is not None
    outcome = PrintOutcome.CONFIRMED if counts else PrintOutcome.PRINTED  # nothing tells whether it was cut off
    assert printer.print(printer.render(RECEIPT[:-1], "0001")) is outcome
    assert printer.cuts() == (1 if MODELS[name].cut_counter else None)


def test_status_names_every_cause(bench):
    printer = bench.printer()
    assert printer.status() == READY
    bench.sim.set_paper("near_end")
    assert printer.status().is_paper_near_end
    assert printer.status().causes == ()
    bench.sim.set_paper("end")
    bench.sim.set_cover(True)
    bench.sim.jam_cutter()
    status = printer.status()
    assert not status.is_online
    assert set(status.causes) == {"paper_end", "cover_open", "cutter_error"}


@pytest.mark.parametrize("cause", ["paper_end", "cover_open", "cutter_error"])
def test_a_blocked_printer_is_sent_nothing(bench, cause):
    printer = bench.printer()
    job = printer.render(RECEIPT, "0001")
    match cause:
        case "paper_end":
            bench.sim.set_paper("end")
        case "cover_open":
            bench.sim.set_cover(True)
        case "cutter_error":
            bench.sim.jam_cutter()
    with pytest.raises(PrinterBlocked) as caught:
        printer.print(job, lambda state: pytest.fail("nothing may be sent"))
    assert caught.value.causes == (cause,)
    with pytest.raises(PrinterBlocked):
        printer.cuts()
    bench.sim.set_paper("ok")
    bench.sim.set_cover(False)
    assert len(bench.sim.sheets) == 0


@pytest.mark.parametrize("clear", [True, False])
def test_a_printer_goes_on_after_its_cutter_came_free(bench, clear):
    printer = bench.printer(patience_s=PATIENCE_S)
    job = printer.render(SLIP, "0001")
    assert printer.print(job, lambda state: bench.sim.jam_cutter()) is PrintOutcome.UNKNOWN
    assert printer.status().causes == ("cutter_error",)
    printer.recover(clear=clear)
    assert printer.status() == READY
    assert printer.await_confirmation(job, 0.2) is (PrintOutcome.UNKNOWN if clear else PrintOutcome.CONFIRMED)
    assert printer.print(printer.render(SLIP, "0002")) is PrintOutcome.CONFIRMED
    bench.sheets(1 if clear else 2)


def lose_paper_when_sent(bench):
    """Lets the paper run out after the printer was asked and before it gets the job."""

    def hear(state):
        if state is PrintOutcome.SENDING:
            bench.sim.set_paper("end")

    return hear


@pytest.mark.parametrize("name", ["tm-t88-ja", "generic-80"])
def test_paper_out_in_the_middle_is_not_confirmed_and_after_the_new_roll_one_sheet_comes_out(bench, name):
    printer = bench.printer(MODELS[name], PATIENCE_S)
    job = printer.render(SLIP, "0001")
    assert printer.print(job, lose_paper_when_sent(bench)) is PrintOutcome.UNKNOWN
    assert printer.status().causes == ("paper_end",)
    assert printer.await_confirmation(job, 0) is PrintOutcome.UNKNOWN
    assert len(bench.sim.sheets) == 0

    bench.sim.set_paper("ok")
    outcome = PrintOutcome.CONFIRMED if name == "tm-t88-ja" else PrintOutcome.PRINTED  # which counts no cuts
    assert printer.await_confirmation(job, 10) is outcome
    assert printer.await_confirmation(job, 0) is outcome
    assert printer.status() == READY
    (sheet,) = bench.sheets(1)
    assert sheet.data.endswith(job.data[:-11] if name == "tm-t88-ja" else job.data[:-3])


@pytest.mark.parametrize("name", ["tm-t88-ja", "generic-80"])
def test_a_late_confirmation_is_not_taken_for_that_of_the_next_job(bench, name):
    printer = bench.printer(MODELS[name], PATIENCE_S)
    late = printer.render(SLIP, "0001")
    assert printer.print(late, lose_paper_when_sent(bench)) is PrintOutcome.UNKNOWN
    bench.sim.set_paper("ok")
    bench.sheets(1)
    copy = printer.render(SLIP, "0001")
    assert printer.print(copy, lose_paper_when_sent(bench)) is PrintOutcome.UNKNOWN
    assert len(bench.sim.sheets) == 1


def test_a_silent_printer_blocks_and_is_not_believed(bench):
    printer = bench.printer(patience_s=PATIENCE_S)
    job = printer.render(SLIP, "0001")

    def fall_silent(state):
        bench.sim.is_silent = True

    assert printer.print(job, fall_silent) is PrintOutcome.UNKNOWN
    bench.sheets(1)
    with pytest.raises(OutcomeUnknown):
        printer.status()
    with pytest.raises(PrinterBlocked) as caught:
        printer.print(job)
    assert caught.value.causes == ("no_answer",)
    bench.sheets(1)


def test_a_printer_that_fell_silent_is_known_within_a_second(bench):
    """Half of which its owner may let pass before he asks; a hang-up is not needed."""
    waits = []

    class Watched:
        is_one_way = False

        def __init__(self, link):
            self._link = link
            self.write, self.drain_input, self.close = link.write, link.drain_input, link.close

        def read(self, maximum, deadline_s):
            waits.append(max(0.0, deadline_s - time.monotonic()))
            return self._link.read(maximum, deadline_s)

    printer = EscposPrinter(Watched(bench.link()), MODEL)
    assert printer.status() == READY
    bench.sim.is_silent = True
    waits.clear()
    with pytest.raises(OutcomeUnknown):
        printer.status()
    assert sum(waits) <= 0.5


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_is_asked_what_stops_it_during_a_print(bench, name):
    """Those that tell nothing by themselves, and those that were not yet told to when the paper ran out."""
    printer = bench.printer(MODELS[name], patience_s=1.0)
    assert printer.print(printer.render(SLIP, "0001"), lose_paper_when_sent(bench)) is PrintOutcome.UNKNOWN
    assert printer.told is not None
    assert printer.told.causes == ("paper_end",)
    bench.sim.set_paper("ok")
    assert printer.status() == printer.told == READY, "what was told within a print is not kept beyond the next answer"


def test_a_printer_that_cannot_be_brought_in_step_is_busy():
    bench = Bench("memory")
    printer = bench.printer(MODELS["generic-58"])
    bench.sim.feed(b"\x1dv0\x00\x40\x00\x40\x00")  # somebody's image of which 4096 bytes are to come
    with pytest.raises(PrinterBlocked) as caught:
        printer.print(printer.render(SLIP, "0001"))
    assert caught.value.causes == ("busy",)


def test_a_printer_left_in_the_middle_of_a_command_is_cleared_first(bench):
    printer = bench.printer(patience_s=PATIENCE_S)
    bench.sim.feed(b"half a line \x1d(k\xff\x001P0 and half a symbol")
    assert printer.print(printer.render(RECEIPT, "0001")) is PrintOutcome.CONFIRMED
    (sheet,) = bench.sheets(1)
    assert "half" not in sheet.text
    assert sheet.text.lstrip().startswith("手数料領収書")


def test_the_drawer_opens_with_and_without_paper(bench):
    printer = bench.printer()
    printer.open_drawer()
    assert printer.status().is_drawer_open
    bench.sim.close_drawer()
    assert not printer.status().is_drawer_open
    bench.sim.set_paper("end")
    printer.open_drawer()
    assert printer.status().is_drawer_open
    assert bench.sim.counters.drawer_kicks == 2


def test_a_drawer_whose_switch_works_the_other_way():
    printer = EscposPrinter(Bench("memory").link(), MODEL, is_drawer_open_when_high=False)
    assert printer.status().is_drawer_open


def test_a_file_gets_every_byte_and_confirms_nothing(tmp_path):
    link = FileLink(tmp_path / "paper")
    printer = EscposPrinter(link, MODEL)
    job = printer.render(RECEIPT, "0001")
    assert printer.print(job) is PrintOutcome.UNKNOWN
    assert printer.cuts() is None
    with pytest.raises(OutcomeUnknown):
        printer.status()
    link.close()
    assert (tmp_path / "paper").read_bytes() == job.data


@pytest.mark.wire
def test_a_host_that_comes_back_finds_the_printer_as_it_left_it():
    for kind in ("pty", "tcp"):
        bench = Bench(kind)
        for number in range(1, 4):
            link = bench.link()
            printer = EscposPrinter(link, MODEL)
            assert printer.print(printer.render(RECEIPT, "0001")) is PrintOutcome.CONFIRMED
            assert printer.cuts() == number
            link.close()
        bench.close()


@pytest.mark.wire
def test_a_printer_switched_off_and_on_while_idle_prints_again():
    sim = VirtualPrinter()
    with serving(sim, "tcp") as url:
        printer = EscposPrinter(link_to(url), MODEL)
        assert printer.cuts() == 0
    job = printer.render(RECEIPT, "0001")
    with pytest.raises(PrinterBlocked) as caught:
        printer.print(job)
    assert caught.value.causes == ("link_lost",)
    with serving(sim, "tcp", int(url.rpartition(":")[2])):
        assert printer.print(job) is PrintOutcome.CONFIRMED
    with serving(sim, "tcp", int(url.rpartition(":")[2])):
        assert printer.cuts() == 1


def test_a_simulator_can_be_handled_while_it_prints():
    bench = Bench("memory")
    printer = bench.printer()
    stop = threading.Event()

    def fidget():
        while not stop.wait(0.001):  # faster than any hand; a printer tells each change by itself
            bench.sim.set_paper("near_end")
            bench.sim.set_paper("ok")

    hand = threading.Thread(target=fidget)
    hand.start()
    try:
        for number in range(5):
            assert printer.print(printer.render(RECEIPT, f"{number:04d}")) is PrintOutcome.CONFIRMED
    finally:
        stop.set()
        hand.join()
    assert len(bench.sim.sheets) == 5


@pytest.mark.wire
def test_what_stops_a_print_is_known_while_it_is_under_way():
    bench = Bench("tcp")
    printer = SharedPrinter(bench.printer(patience_s=120))
    job = printer.render(RECEIPT, "0001")
    bench.sim._faults = {len(ASKED_BEFORE) + len(job.data) // 2: Fault("paper-end", 1)}
    begun, outcomes, told = threading.Event(), queue.Queue(), None
    thread = threading.Thread(target=lambda: outcomes.put(printer.print(job, lambda state: begun.set())))
    thread.start()
    try:
        assert begun.wait(60)
        give_up_s = time.monotonic() + 60
        while (told is None or not told.causes) and thread.is_alive() and time.monotonic() < give_up_s:
            told = printer.status_unless_busy()
        assert told == PrinterStatus(
            is_online=False, causes=("paper_end",), is_paper_near_end=told.is_paper_near_end, is_drawer_open=False
        )
        assert outcomes.empty()
    finally:
        bench.sim.set_paper("ok")
        thread.join()
        bench.close()
    assert outcomes.get() is PrintOutcome.CONFIRMED


@pytest.mark.parametrize("hands", [("paper end",), ("cover open",), ("cutter jam",), ("paper near end",), ()])
def test_what_a_printer_tells_by_itself_is_what_it_answers(hands):
    sim = VirtualPrinter()
    for order in hands:
        sim.obey(order)
    asked = {n: sim.feed(bytes((0x10, 0x04, n)))[0] for n in (1, 2, 3, 4)}
    told = sim.mechanism.automatic()
    assert describe_automatic(told, is_drawer_open_when_high=True) == describe(asked, is_drawer_open_when_high=True)


def test_all_bytes_pass_in_the_printers_own_thread():
    class Watched(MemoryLink):
        def write(self, data, deadline_s):
            threads.add(threading.current_thread().name)
            super().write(data, deadline_s)

        def read(self, maximum, deadline_s):
            threads.add(threading.current_thread().name)
            return super().read(maximum, deadline_s)

    threads, reports = set(), queue.Queue()
    printer = SharedPrinter(EscposPrinter(Watched(VirtualPrinter()), MODEL))
    owner = Owner("printer", printer, printer_care(None), reports.put, every_s=0.01)
    assert reports.get(timeout=60).standing.presence is Presence.READY
    job, heard = printer.render(SLIP, "0001"), []
    callers = [threading.Thread(target=printer.open_drawer) for _ in range(4)]
    for caller in callers:
        caller.start()
    assert printer.print(job, lambda state: heard.append((state, printer.status()))) is PrintOutcome.CONFIRMED
    assert owner.call(SharedPrinter.cuts) == 1
    for caller in callers:
        caller.join()
    owner.close()
    printer.close()
    assert [state for state, _ in heard] == [PrintOutcome.SENDING, PrintOutcome.SENT]
    with pytest.raises(LinkLost):
        printer.status()
    assert len(threads) == 1
    assert threading.current_thread().name not in threads


@pytest.mark.parametrize("writes", [4, 5, 6])
@pytest.mark.parametrize("act", [EscposPrinter.identity, EscposPrinter.cuts])
def test_a_printer_that_falls_silent_within_a_question_is_given_up_after_one_patience(act, writes):
    """It answers DLE EOT 1 to 4 and then nothing: more questions in order would find out no more."""
    clock = Clock()
    link = SilentFrom(clock, MemoryLink(VirtualPrinter()), writes)
    printer = EscposPrinter(link, MODEL, monotonic=clock.monotonic, patience_s=2.0)
    with pytest.raises(OutcomeUnknown):
        act(printer)
    assert clock.now_s - Clock().now_s <= 2.5
    assert printer.counts.line_errors == 1
