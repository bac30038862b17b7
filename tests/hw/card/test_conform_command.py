"""The commands of a technician at a real pcscd: what readers there are, and whether they and a card are fit."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hw.card.conformance import CARD_CHECKS, READER_CHECKS
from tests.hw.card.bad_readers import technicians_card
from tests.hw.card.pcsc_bench import Client, inserted, outcome
from tests.hw.card.test_driver_process import wait_for_card
from tests.pcscd import PrivatePcscd

pytestmark = pytest.mark.wire

READER, EMPTY_READER = "Kiosk Reader 00 00", "Kiosk Reader 00 01"


@pytest.fixture(scope="module")
def pcscd() -> Iterator[PrivatePcscd]:
    with PrivatePcscd() as running, inserted(technicians_card(), running.vpcd_ports[0]):
        with Client(running.env["PCSCLITE_CSOCK_NAME"]) as client:
            assert client.run(outcome, wait_for_card, READER) == "True"
        yield running


def hw(pcscd: PrivatePcscd, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hw", *words]
    return subprocess.run(command, env=pcscd.env, capture_output=True, text=True, timeout=60)


def test_readers_are_listed_with_what_is_known_of_them(pcscd: PrivatePcscd) -> None:
    listed = hw(pcscd, "list")
    assert listed.returncode == 0
    assert f"reader   pcsc:{READER}  passed" in listed.stdout.splitlines()


@pytest.mark.parametrize(("subject", "checks"), [("reader", READER_CHECKS), ("card", CARD_CHECKS)])
def test_a_good_one_passes_and_its_report_is_kept(pcscd: PrivatePcscd, tmp_path: Path, subject: str, checks) -> None:
    done = hw(pcscd, "conform", subject, READER, "--json", "--data", str(tmp_path))
    # Nobody is there who takes the card out of a reader.
    result, code = ("PASS", 0) if subject == "card" else ("INCOMPLETE", 2)
    assert done.returncode == code, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["number"], report["subject"], report["result"]) == (1, subject, result)
    assert [finding["check"] for finding in report["findings"]] == [check.__name__ for check in checks]
    assert json.loads((tmp_path / "conformance" / "0001.json").read_text()) == report
    assert (
        hw(pcscd, "conform", subject, READER, "--data", str(tmp_path)).stdout
        == (tmp_path / "conformance" / "0002.txt").read_text() + "\n"
    )


def test_who_stands_at_the_reader_is_asked_for_the_card(pcscd: PrivatePcscd) -> None:
    """On a reader of its own, at which the test is the hand."""
    command = [sys.executable, "-m", "hw", "conform", "reader", EMPTY_READER, "--json", "--hand"]
    with ExitStack() as held:
        lay = held.enter_context(inserted(technicians_card(), pcscd.vpcd_ports[1]))
        with Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as client:
            assert client.run(outcome, wait_for_card, EMPTY_READER) == "True"
        asked = held.enter_context(
            subprocess.Popen(command, env=pcscd.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        assert asked.stdout is not None
        assert asked.stderr is not None
        for line in asked.stderr:
            if "again" in line:
                lay = held.enter_context(inserted(technicians_card(), pcscd.vpcd_ports[1]))
            else:
                lay()
        findings = {finding["check"]: finding for finding in json.loads(asked.stdout.read())["findings"]}
        assert asked.wait(30) == 0, findings
    assert {findings[check]["outcome"] for check in ("hot_plug_is_noticed", "removal_during_a_command_ends_it")} == {
        "PASS"
    }


def test_an_empty_reader_fails_and_one_that_is_not_there_is_unavailable(pcscd: PrivatePcscd) -> None:
    empty = hw(pcscd, "conform", "reader", EMPTY_READER, "--json")
    assert empty.returncode == 1
    assert json.loads(empty.stdout)["findings"][0]["outcome"] == "FAIL"
    assert hw(pcscd, "conform", "reader", "No such reader").returncode == 78


def test_the_health_of_a_reader_tells_of_the_card_in_it_and_not_whose_it_is(pcscd: PrivatePcscd) -> None:
    done = hw(pcscd, "health", "card", "--json", "--set", f"card.link=pcsc:{READER}")
    assert done.returncode == 0, done.stdout + done.stderr
    health = json.loads(done.stdout)
    found = {measured["name"]: measured["value"] for measured in health["measurements"]}
    assert (found["compatibility check"], found["card"]) == ("passed", "juki-2011")
    assert (found["password for signature"], found["key for signature"]) == ("not set", "none")
    assert "TESTCARD00000001" not in done.stdout


def test_a_reader_that_is_not_there_fails_its_health_check_and_an_empty_one_leaves_it_open(pcscd: PrivatePcscd) -> None:
    missing = hw(pcscd, "health", "card", "--json", "--set", "card.link=pcsc:No such reader")
    assert (missing.returncode, json.loads(missing.stdout)["power"]) == (1, "off_offline")
    empty = hw(pcscd, "health", "card", "--level", "external", "--set", f"card.link=pcsc:{EMPTY_READER}")
    assert empty.returncode == 2, empty.stdout
    assert "card: none in the reader" in empty.stdout
