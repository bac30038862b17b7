"""Health checks at all three levels: what is measured, what fails, and what nobody can say."""

import json
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace

import pytest

from hw.cash.coin_ledger import CoinLedger
from hw.data_folder import hold_data
from hw.devices import coin_ledger_path, open_devices
from hw.hardware import CashDevice, DisplayDevice, DocumentsDevice, Hardware, LampDevice, PrinterDevice, ScannerDevice
from hw.health import Checker, Power, check
from hw.health_words import HEALTH_DEVICES, Level, Outcome
from hw.ports import PrintOutcome, Text
from hw.printer.document import CupsPrinter, DocumentFolder
from tests.e2e.commands import ROOT, run

ALL = Hardware(
    cash=CashDevice("cctalk", "sim:", hopper=True),
    display=DisplayDevice("sim:"),
    lamp=LampDevice("sim:"),
    scanner=ScannerDevice("sim:", dialect="datalogic"),
    documents=DocumentsDevice("sim:"),
)


@pytest.fixture
def bench(tmp_path):
    with ExitStack() as held:
        yield lambda hardware=ALL: open_devices(hardware, tmp_path / "sim", held)


def checked(devices, level, answer=None, wanted=None):
    asked = []
    checker = Checker(lambda question: asked.append(question) or answer, is_training=True, pause=lambda seconds: None)
    return {health.device: health for health in check(devices, checker, level, wanted)}, asked


@pytest.mark.parametrize("level", [Level.INTERNAL, Level.EXTERNAL])
def test_a_station_in_order_passes_and_nobody_is_asked(bench, level):
    found, asked = checked(bench(), level)
    assert tuple(found) == HEALTH_DEVICES
    assert {health.outcome for health in found.values()} == {Outcome.PASSED}
    assert asked == []
    statistics = found["printer"].statistics
    assert (statistics.pop("AckLatencyMs", None) is not None) == (level is Level.EXTERNAL)
    assert statistics.pop("BarcodePrintedCount") == (level is Level.EXTERNAL)
    assert set(statistics) == {
        *("ReceiptCoverOpenCount", "MaximumTempReachedCount", "PrinterFaultCount", "CommunicationErrorCount"),
        *("ReceiptLineFeedCount", "PaperCutCount", "UnknownOutcomeCount", "ReprintCount", "FailedPaperCutCount"),
    }
    assert set(statistics.values()) == {0}
    assert found["scanner"].statistics == {"GoodScanCount": 0}
    assert found["display"].statistics == found["lamp"].statistics == {"CommunicationErrorCount": 0}


def test_what_went_wrong_is_counted(bench):
    devices = bench()
    job = devices.printer.render([Text("1")], "0001")
    printer = devices.simulators["printer"]
    assert devices.printer.print(job, lambda state: setattr(printer, "is_silent", True)) is PrintOutcome.UNKNOWN
    printer.is_silent = False
    assert devices.printer.print(job) is PrintOutcome.CONFIRMED
    statistics = checked(devices, Level.INTERNAL, wanted="printer")[0]["printer"].statistics
    assert (statistics["UnknownOutcomeCount"], statistics["ReprintCount"], statistics["FailedPaperCutCount"]) == (
        1,
        1,
        0,
    )


def test_what_a_printer_tells_of_itself_is_counted_once_each_time(bench):
    devices = bench()
    mechanism = devices.simulators["printer"].mechanism

    def statistics():
        health = checked(devices, Level.INTERNAL, wanted="printer")[0]["printer"]
        counted = ("ReceiptCoverOpenCount", "PrinterFaultCount", "CommunicationErrorCount")
        return health.power, *(health.statistics[name] for name in counted)

    assert statistics() == (Power.ONLINE, 0, 0, 0)
    mechanism.is_cover_open = True
    assert statistics() == statistics() == (Power.OFFLINE, 1, 0, 0)
    mechanism.is_cover_open = False
    mechanism.is_cutter_jammed = True
    assert statistics() == (Power.OFFLINE, 1, 1, 0)
    mechanism.is_cutter_jammed = False
    assert statistics() == (Power.ONLINE, 1, 1, 0)
    mechanism.is_cover_open = True
    assert statistics() == (Power.OFFLINE, 2, 1, 0)
    devices.simulators["printer"].is_silent = True
    assert statistics() == (Power.OFF_OFFLINE, 2, 1, 2)  # DLE EOT 1 is asked twice


@pytest.mark.parametrize("is_jammed", [False, True])
def test_a_changer_is_checked_and_keeps_nothing(bench, is_jammed):
    devices = bench(Hardware(cash=CashDevice("cash_changer", "sim:")))
    if is_jammed:
        devices.simulators["changer"].obey("jam")
    before = devices.cash.counts().pieces
    for level in (Level.INTERNAL, Level.EXTERNAL):
        (health,) = checked(devices, level, wanted="cash")[0].values()
        assert health.outcome is (Outcome.FAILED if is_jammed and level is Level.EXTERNAL else Outcome.PASSED)
    assert devices.cash.counts().pieces == before
    devices.cash.begin(500)  # none was left open


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("echo a4 accepting requests since today", Outcome.PASSED),
        ("echo a4 not accepting requests since today", Outcome.FAILED),
        ("echo lpstat: Invalid destination name in list >&2; exit 1", Outcome.FAILED),
        (None, Outcome.FAILED),
    ],
)
def test_a_queue_of_documents_is_asked_and_nothing_is_printed(tmp_path, script, outcome):
    program = tmp_path / "lpstat"
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    checker = Checker(lambda question: None, is_training=True)
    queue = CupsPrinter("a4", str(tmp_path / "lp"), str(program))
    assert checker.documents(queue, Level.EXTERNAL).outcome is outcome


def test_a_folder_of_documents_that_is_none_fails(tmp_path):
    (tmp_path / "file").write_text("")
    checker = Checker(lambda question: None, is_training=True)
    assert checker.documents(DocumentFolder(tmp_path / "file"), Level.INTERNAL).outcome is Outcome.FAILED


def test_an_internal_check_moves_nothing(bench, tmp_path):
    checked(bench(), Level.INTERNAL)
    assert not list((tmp_path / "sim" / "printer").glob("*.png"))


def test_an_external_check_prints_a_page(bench, tmp_path):
    checked(bench(), Level.EXTERNAL, wanted="printer")
    assert "自己診断" in (tmp_path / "sim" / "printer" / "0001.txt").read_text("utf-8")


def test_an_interactive_check_asks_and_believes_the_answer(bench):
    devices = bench()
    devices.simulated_coins.hold(500)
    found, asked = checked(devices, Level.INTERACTIVE, True, "cash")
    assert found["cash"].outcome is Outcome.PASSED
    assert found["cash"].statistics["CoinAcceptedCount"] == 1
    assert len(asked) == 1
    assert checked(devices, Level.INTERACTIVE, False, "lamp")[0]["lamp"].outcome is Outcome.FAILED
    assert checked(devices, Level.INTERACTIVE, None, "display")[0]["display"].outcome is Outcome.UNKNOWN


def test_a_coin_that_a_check_took_is_handed_back(bench):
    devices = bench(replace(ALL, cash=CashDevice("cctalk", "sim:")))
    devices.simulated_coins.hold(500)
    answers = iter((True, False))
    checker = Checker(lambda question: next(answers), is_training=True, pause=lambda seconds: None)
    found = {health.device: health for health in check(devices, checker, Level.INTERACTIVE, "cash")}
    assert found["cash"].outcome is Outcome.FAILED
    assert found["cash"].text == "Interactive HCheck: handed back: no"


def test_what_fails_is_named(bench):
    devices = bench()
    devices.simulated_coins.obey("jam")
    found, _ = checked(devices, Level.INTERNAL, wanted="cash")
    assert found["cash"].outcome is Outcome.FAILED
    assert found["cash"].text == "Internal HCheck: self-check: 2"


def test_a_device_that_is_away_is_off_or_offline(bench):
    found, _ = checked(bench(Hardware(printer=PrinterDevice("tcp://127.0.0.1:1"))), Level.INTERNAL)
    assert (found["printer"].power, found["printer"].outcome) == (Power.OFF_OFFLINE, Outcome.FAILED)
    assert found["cash"].outcome is Outcome.PASSED  # a drawer has nothing to be asked


def test_a_drawer_without_a_printer_fails_its_kick(bench):
    found, _ = checked(bench(Hardware(printer=PrinterDevice("tcp://127.0.0.1:1"))), Level.EXTERNAL, wanted="cash")
    assert found["cash"].outcome is Outcome.FAILED
    assert found["cash"].statistics["DrawerFailedOpenCount"] == 1


def test_the_command_tells_it_in_json_and_by_its_exit_code(tmp_path):
    settings = ["--set", "lamp.link=sim:", "--set", "display.link=sim:"]
    done = run("health", "--json", *settings, module="hw")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [line["device"] for line in lines] == ["card", "printer", "cash", "display", "lamp", "documents"]
    assert {line["power_state"] for line in lines} == {2001}
    done = run("health", "printer", "--set", "printer.link=tcp://127.0.0.1:1", module="hw")
    assert done.returncode == 1
    done = run("health", "display", "--level", "interactive", *settings, module="hw")
    assert done.returncode == 2 and "pattern seen: skipped (wanted: yes)" in done.stdout and "None" not in done.stdout


def test_money_that_belongs_to_nobody_is_told_until_a_person_has_accounted_for_it(tmp_path):
    ledger = CoinLedger(coin_ledger_path(tmp_path / "sim"))
    assert run("unassigned", "--data", tmp_path, module="hw").returncode == 0
    ledger.note(what="read", counter=1, coins_yen=[500], rejected=0, lost=0, resets=0, is_stray=True)
    done = run("unassigned", "--data", tmp_path, module="hw")
    assert (done.returncode, done.stdout) == (
        2,
        "unassigned 500 yen, lost events 0, resets 0, coins perhaps paid out 0\n",
    )
    assert run("unassigned", "--data", tmp_path, "--settle", module="hw").returncode == 0
    assert run("unassigned", "--data", tmp_path, module="hw").returncode == 0
    assert run("unassigned", module="hw").returncode == 64
    ledger = CoinLedger(coin_ledger_path(tmp_path / "sim"))
    ledger.note(what="begin", due_yen=500, payment="case")
    ledger.note(what="pay", event=1, paid=5, unpaid=0, coins=4, coin_yen=100, serial=7)
    done = run("unassigned", "--data", tmp_path, module="hw")
    assert done.returncode == 2
    assert "coins perhaps paid out 4\n" in done.stdout
    assert "payment case: 0 yen of it in the machine, 0 yen paid out, 400 yen more perhaps paid out\n" in done.stdout


def test_nothing_opens_the_devices_of_a_running_kiosk(tmp_path):
    before = CoinLedger(coin_ledger_path(tmp_path / "sim"))
    before.note(what="begin", due_yen=500, payment="case")
    written = coin_ledger_path(tmp_path / "sim").read_bytes()
    coins = ("--set", "cash.kind=cctalk", "--set", "cash.link=sim:")
    with hold_data(tmp_path):
        for words in (("health", *coins), ("watch", *coins), ("unassigned", "--settle")):
            done = run(*words, "--data", tmp_path, module="hw")
            assert done.returncode == 70
            assert done.stderr == f"hw: {tmp_path} is in use by another kiosk process\n"
        assert run("unassigned", "--data", tmp_path, module="hw").returncode == 2
    assert run("health", "cash", *coins, "--data", tmp_path, module="hw").returncode in (0, 1, 2)
    assert coin_ledger_path(tmp_path / "sim").read_bytes() == written


@pytest.mark.wire
def test_the_watch_tells_what_happens_until_it_is_ended():
    words = [sys.executable, "-m", "hw", "watch", "--json", "--set", "lamp.link=sim:"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert {line["device"]: line["presence"] for line in lines} == {
        "printer": "ready",
        "display": "ready",
        "lamp": "ready",
    }
