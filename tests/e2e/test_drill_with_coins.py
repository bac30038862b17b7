"""`kiosk drill` with a coin acceptor: in memory, as a process of its own, and over a line on which things go wrong."""

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.commands import APPLICATION, ROOT, run


def drilled(data, *settings):
    words = [word for setting in ("cash.kind=cctalk", *settings) for word in ("--set", setting)]
    done = run("drill", APPLICATION, "--data", data, "--json", *words)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["step"] == "closed"
    ledger = [json.loads(line) for line in (data / "devices" / "coins.jsonl").read_text().splitlines()]
    return lines, ledger


def paid_in_coins(ledger):
    return sum(sum(entry["coins_yen"]) for entry in ledger if entry["what"] == "read")


def test_the_fee_is_paid_at_the_coin_slot(tmp_path: Path) -> None:
    _, ledger = drilled(tmp_path, "cash.link=sim:", "display.link=sim:")
    assert paid_in_coins(ledger) == 500
    assert not any(entry["what"] == "clerk" for entry in ledger)
    assert json.loads((tmp_path / "sim" / "coin.json").read_text())["acceptor"]["cash_box_yen"] == [500]
    receipt = (tmp_path / "sim" / "printer" / "0001.txt").read_text("utf-8")
    assert "¥500" in receipt
    assert (tmp_path / "sim" / "display" / "display.txt").read_text("utf-8").strip()


@contextmanager
def coin_machine(*words):
    with subprocess.Popen(
        [sys.executable, "-m", "hw", "sim", "coin", *words], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        try:
            yield f"serial://{process.stdout.readline().strip()}"
        finally:
            process.terminate()


@pytest.mark.wire
@pytest.mark.parametrize(
    ("machine", "settings"),
    [
        (["--checksum", "crc", "--fault", "from-drop@40,from-garble@300=80,to-duplicate@90"], ["cash.checksum=crc"]),
        (["--no-echo"], ["cash.fault=from-drop@40,to-garble@130,from-delay@400=250"]),
    ],
)
def test_every_coin_is_credited_over_a_line_that_misbehaves(
    tmp_path: Path, machine: list[str], settings: list[str]
) -> None:
    with coin_machine("--coins", "100,100,100,100,100", "--out", str(tmp_path / "machine"), *machine) as url:
        _, ledger = drilled(tmp_path, f"cash.link={url}", *settings)
    inside = json.loads((tmp_path / "machine" / "coin.json").read_text())["acceptor"]["cash_box_yen"]
    assert paid_in_coins(ledger) == sum(inside)
    assert sum(inside) == 500 or any(entry["what"] == "clerk" for entry in ledger)


def test_a_machine_that_is_away_leaves_the_clerk(tmp_path: Path) -> None:
    _, ledger = drilled(tmp_path, "cash.link=serial:///dev/nothing")
    assert [entry["yen"] for entry in ledger if entry["what"] == "clerk"] == [1000]
