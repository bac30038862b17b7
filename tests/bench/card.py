"""What the card layer takes: exchanges and time of its jobs, beside other people's tools on the same card.

    python -m tests.bench card [--pairs N] [--count N] [--out FILE]

A pcscd of its own, simulated cards in its virtual readers. Exchanges are counted by the card. Each job runs in a
process of its own, its time is from that process's start to its end. The cost of an exchange is compared with a C
program that has nothing between itself and libpcsclite, in alternating runs.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hw.sim.card.card import VirtualCard
from tests.bench import card_jobs
from tests.hw.card.pcsc_bench import Client, inserted, outcome
from tests.hw.card.test_driver_judges import issued
from tests.hw.card.test_driver_process import wait_for_card
from tests.pcscd import PrivatePcscd

MOST_OF_C = 1.4
MOST_HOP_MS = 3.0
MOST_EXCHANGES = {"read_free": 4, "read_protected": 6, "sign": 7, "generate": 11, "issue": 24}
FEWEST_PAIRS = 5

READER = "Kiosk Reader 00 00"
SELECT = "00A4040C0AD392F000260100000001"
COMMANDS = {"select": "00A4020C020002", "read_256": "00B0820000"}
"""A command without answer, and one that answers 256 bytes."""

_TOKEN = "JPKI (User Authentication PIN)"
TOOLS = {
    "identify": ("opensc-tool", "--reader", READER, "--name"),
    "read_free": ("pkcs15-tool", "--reader", READER, "--read-certificate", "01"),
    "read_protected": ("pkcs15-tool", "--reader", READER, "--read-certificate", "02", "--auth-id", "02", "--verify-pin",
                       "--pin", "KIOSK123"),
    "sign": ("pkcs11-tool", "--token-label", _TOKEN, "--login", "--pin", "4242", "--sign", "--id", "01",
             "--mechanism", "SHA256-RSA-PKCS", "--input-file", "/etc/hostname", "--output-file", "/dev/null"),
}  # fmt: skip
"""What OpenSC can do of it; its driver for these cards makes no keys."""


def main(words: Sequence[str]) -> int:
    """The benchmark; 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench card", description=__doc__)
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    parser.add_argument("--count", type=int, default=300, help="exchanges in each run of a pair")
    parser.add_argument("--out", type=Path, help="keep every figure there, as JSON")
    args = parser.parse_args(words)
    with PrivatePcscd() as pcscd, tempfile.TemporaryDirectory() as folder:
        card, _ = issued("myna-2016")
        with inserted(card, pcscd.vpcd_ports[0]), Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as client:
            assert client.run(outcome, wait_for_card, READER) == "True"
            # First what reads the certificates that a tool can read: ours are made for length alone.
            figures: dict[str, Any] = {
                "jobs": jobs(pcscd, card),
                "exchange": exchange_cost(pcscd, client, Path(folder), max(args.pairs, FEWEST_PAIRS), args.count),
                "hop": hop(client, max(args.pairs, FEWEST_PAIRS), args.count),
            }
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1) + "\n")
    return report(figures)


def exchange_cost(pcscd: PrivatePcscd, client: Client, folder: Path, pairs: int, count: int) -> dict[str, Any]:
    """Median microseconds of an exchange in every run, of ours and of the C program, in turn."""
    program = folder / "exchanges"
    source = Path(__file__).with_name("exchanges.c")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libpcsclite"], capture_output=True, text=True)
    words = flags.stdout.split() if flags.returncode == 0 else ["-I/usr/include/PCSC", "-lpcsclite"]
    subprocess.run(["gcc", "-O2", "-o", str(program), str(source), *words], check=True)
    measured: dict[str, Any] = {}
    for name, command in COMMANDS.items():
        runs: dict[str, list[float]] = {"ours": [], "c": []}
        for _ in range(pairs):
            ours = client.run(card_jobs.exchange_us, READER, count, SELECT, command)
            done = subprocess.run(
                [str(program), READER, str(count), SELECT, command],
                env=pcscd.env, capture_output=True, text=True, check=True,
            )  # fmt: skip
            runs["ours"].append(statistics.median(ours))
            runs["c"].append(statistics.median(map(float, done.stdout.split())))
        ratios = [ours / c for ours, c in zip(runs["ours"], runs["c"], strict=True)]
        measured[name] = {**runs, "ratio": statistics.median(ratios)}
    return measured


def hop(client: Client, runs: int, count: int) -> dict[str, Any]:
    """How often an issuance crosses to the card process and back, and the milliseconds of all that in every run."""
    crossings, took_ms = 0, []
    for _ in range(runs):
        crossings, times = client.run(card_jobs.hops, READER, count)
        took_ms.append(crossings * statistics.median(times) / 1000)
    return {"crossings": crossings, "runs_ms": took_ms, "hop_ms": statistics.median(took_ms)}


def jobs(pcscd: PrivatePcscd, card: VirtualCard) -> dict[str, Any]:
    """Exchanges and milliseconds of every job, the other tool's where there is one, and ours."""

    def measure(command: Sequence[str]) -> dict[str, float]:
        before, begun_s = card.exchanges, time.perf_counter()
        done = subprocess.run(command, env=pcscd.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return {"exchanges": card.exchanges - before, "ms": (time.perf_counter() - begun_s) * 1000}

    measured: dict[str, Any] = {job: {"tool": measure(command)} for job, command in TOOLS.items()}
    for job in card_jobs.JOBS:
        ours = measure([sys.executable, "-m", "tests.bench.card_jobs", job, READER])
        measured.setdefault(job, {})["ours"] = ours
    return measured


def report(figures: dict[str, Any]) -> int:
    """Prints what was found; 1 when a limit is not kept."""
    kept = True
    for name, runs in figures["exchange"].items():
        kept &= runs["ratio"] <= MOST_OF_C
        ours, c = (statistics.median(runs[who]) for who in ("ours", "c"))
        print(f"one exchange, {name:9} ours {ours:7.1f} us, C {c:7.1f} us: {runs['ratio']:.2f} (at most {MOST_OF_C})")
    kept &= figures["hop"]["hop_ms"] <= MOST_HOP_MS
    hops = figures["hop"]
    print(f"card process: {hops['crossings']} times there and back, {hops['hop_ms']:.2f} ms (at most {MOST_HOP_MS})")
    for job, found in figures["jobs"].items():
        ours, tool = found["ours"], found.get("tool")
        most = MOST_EXCHANGES.get(job)
        kept &= most is None or ours["exchanges"] <= most
        limit = f" (at most {most})" if most else ""
        beside = f"; {TOOLS[job][0]}: {tool['exchanges']} exchanges, {tool['ms']:.0f} ms" if tool else ""
        print(f"{job:15} {ours['exchanges']:3} exchanges{limit}, {ours['ms']:.0f} ms{beside}")
    return 0 if kept else 1
