"""What the devices cost: a receipt's bytes and time on the wire, how fast they answer, and the processor while idle.

    python -m tests.bench devices [--seconds N] [--polls N] [--out FILE]

The simulated devices run in processes of their own, on ptys and sockets; only this process is measured. Limits are
ratios, or bytes: a receipt takes at most 600 without and 750 with the journal's code, and a thirtieth of the same
receipt sent as a picture; a station that looks after all its devices, and has nothing to do, takes at most 3 % of a
core.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hw.cash.cctalk.acceptor import CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.devices import open_devices
from hw.hardware import CashDevice, DisplayDevice, Hardware, LampDevice, PrinterDevice, ScannerDevice
from hw.link.memory import MemoryLink
from hw.link.reconnect import Presence
from hw.link.url import link_to
from hw.monitor import monitoring
from hw.owner import DeviceReport
from hw.printer.drawing import FONTS
from hw.printer.escpos import EscposPrinter
from hw.printer.layout import render
from hw.printer.models import MODELS
from hw.sim.printer.picture import draw
from hw.sim.printer.virtual import VirtualPrinter
from kiosk.config import load_receipt_form
from kiosk.issuance.receipt import compose_receipt
from tests.e2e.commands import ROOT
from tests.issuance.test_receipt_proof import proof, values

MOST_BYTES, MOST_BYTES_WITH_CODE = 600, 750
LEAST_TIMES_RASTER = 30
MOST_OF_A_CORE = 0.03
_BAUD = (9_600, 38_400, 115_200)
_JOURNAL_SIZES = (8, 1 << 10, 1 << 17, 1 << 20, 1 << 24)
"""Those of the longest path: one less than each has all its bits set."""
_BITS = 10
_MODEL = MODELS["tm-t88-ja"]


def main(words: Sequence[str]) -> int:
    """Measures, prints, and answers 1 when a limit is not met."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench devices", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the idle station is watched")
    parser.add_argument("--polls", type=int, default=300, help="questions to each device")
    parser.add_argument("--out", type=Path, help="keeps what was measured, as JSON")
    args = parser.parse_args(words)
    kept: dict[str, Any] = {}
    are_met = [_receipts(kept), _latencies(kept, args.polls), _idle(kept, args.seconds), _replug(kept)]
    if args.out:
        args.out.write_text(json.dumps(kept, indent=1))
    return 0 if all(are_met) else 1


def receipt_bytes(text: str) -> bytes:
    """The Japanese fee receipt as it is sent; `text` is that of its QR code."""
    form = load_receipt_form("ja", is_training=True)
    return render(compose_receipt(form, values(text)), "0001", _MODEL, FONTS).data


def raster_bytes(data: bytes) -> bytes:
    """The same receipt as another program would send it: one picture, by python-escpos."""
    from escpos.printer import Dummy

    sim = VirtualPrinter(dots=_MODEL.dots)
    sim.feed(data)
    picture = draw(sim.sheets[0])
    margin = (picture.width - _MODEL.dots) // 2
    dummy = Dummy(profile="TM-T88V")
    dummy.image(picture.crop((margin, 24, margin + _MODEL.dots, picture.height - 24)).convert("1"))
    dummy.cut()
    output: bytes = dummy.output
    return output


def _receipts(kept: dict[str, Any]) -> bool:
    are_met = []
    for name, text, limit in (("without code", "", MOST_BYTES), ("with code", proof(50), MOST_BYTES_WITH_CODE)):
        data = receipt_bytes(text)
        raster = raster_bytes(data)
        are_met += [len(data) <= limit, len(raster) >= LEAST_TIMES_RASTER * len(data)]
        times = ", ".join(f"{_wire_s(data, baud):.2f}/{_wire_s(raster, baud):.1f} s at {baud}" for baud in _BAUD)
        print(
            f"receipt {name}: {len(data)} bytes (at most {limit}), as a picture {len(raster):,}"
            f" ({len(raster) / len(data):.0f} times); on the wire {times}: {_word(are_met[-2] and are_met[-1])}"
        )
        kept[name] = {"bytes": len(data), "raster_bytes": len(raster)}
    # The path of the newest of n entries has as many hashes as n - 1 has bits set, and each takes 48 bytes on paper.
    for size in _JOURNAL_SIZES:
        data, usual = receipt_bytes(proof(size)), receipt_bytes(proof(size - size // 3))
        print(
            f"receipt in a journal of {size:,} entries: {len(data)} bytes at most, {len(usual)} at"
            f" {size - size // 3:,}; {_wire_s(data, _BAUD[0]):.2f} s at {_BAUD[0]}"
        )
        kept[f"journal of {size}"] = {"bytes": len(data)}
    return all(are_met)


def _wire_s(data: bytes, baud: int) -> float:
    return len(data) * _BITS / baud


def _latencies(kept: dict[str, Any], polls: int) -> bool:
    """How long a question takes, over a pty and over TCP."""
    for where in ("--pty", "--tcp"):
        with simulated("coin", where) as coins, simulated("printer", where) as printers:
            coin_link, printer_link = link_to(coins), link_to(printers)
            acceptor, printer = CoinAcceptor(Bus(coin_link)), EscposPrinter(printer_link, _MODEL)
            reading = timed(polls, lambda acceptor=acceptor: acceptor.read(0))
            status = timed(max(1, polls // 4), lambda printer=printer: printer.status())
            coin_link.close()
            printer_link.close()
        for name, found in (("ccTalk 229", reading), ("printer status (4 questions)", status)):
            print(f"{name} over {where[2:]}: p50 {found[0]:.2f} ms, p99 {found[1]:.2f} ms")
            kept[f"{name} {where[2:]}"] = {"p50_ms": found[0], "p99_ms": found[1]}
    sim = VirtualPrinter(dots=_MODEL.dots)
    in_memory = timed(polls, EscposPrinter(MemoryLink(sim), _MODEL).status)
    print(f"printer status in memory: p50 {in_memory[0]:.2f} ms")
    return True


def timed(count: int, ask: Callable[[], object]) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds."""
    spent = []
    for _ in range(count):
        begun = time.perf_counter()
        ask()
        spent.append((time.perf_counter() - begun) * 1000)
    return statistics.median(spent), sorted(spent)[int(len(spent) * 0.99)]


@contextmanager
def station(held: ExitStack, folder: Path) -> Iterator[Hardware]:
    """A station whose devices are all simulated in processes of their own."""
    urls = {name: held.enter_context(simulated(name, "--tcp" if name == "lamp" else "--pty")) for name in _DEVICES}
    yield Hardware(
        printer=PrinterDevice(urls["printer"]),
        cash=CashDevice("cctalk", urls["coin"]),
        display=DisplayDevice(urls["display"]),
        lamp=LampDevice(urls["lamp"]),
        scanner=ScannerDevice(urls["scanner"]),
    )


_DEVICES = ("printer", "coin", "display", "lamp", "scanner")


def _idle(kept: dict[str, Any], seconds: float) -> bool:
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        hardware = held.enter_context(station(held, folder))
        devices = open_devices(hardware, folder / "sim", held)
        reports: list[DeviceReport] = []
        held.enter_context(monitoring(devices, reports.append, monotonic=time.monotonic))
        # What starting costs is over by then; what is measured is a station at rest.
        time.sleep(2)
        begun_s, spent_s = time.monotonic(), time.process_time()
        time.sleep(seconds)
        share = (time.process_time() - spent_s) / (time.monotonic() - begun_s)
    ready = {report.name for report in reports if report.standing.presence is Presence.READY}
    is_met = share <= MOST_OF_A_CORE and ready == {"printer", "cash", "display", "lamp"}
    print(
        f"idle, {', '.join(sorted(ready))} looked after twice a second: {share:.2%} of a core"
        f" (at most {MOST_OF_A_CORE:.0%}): {_word(is_met)}"
    )
    kept["idle"] = {"share_of_a_core": share, "seconds": seconds}
    return is_met


def _replug(kept: dict[str, Any]) -> bool:
    """How soon it is told that a printer has gone, and that it is back."""
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        first = held.enter_context(ExitStack())
        url = first.enter_context(simulated("printer", "--tcp"))
        told: list[tuple[float, Presence]] = []
        devices = open_devices(Hardware(printer=PrinterDevice(url)), folder / "sim", held)
        held.enter_context(
            monitoring(
                devices,
                lambda report: told.append((time.monotonic(), report.standing.presence)),
                monotonic=time.monotonic,
            )
        )
        _wait_for(lambda: bool(told) and told[-1][1] is Presence.READY)
        gone_s = time.monotonic()
        first.close()
        _wait_for(lambda: told[-1][1] is Presence.LOST)
        lost_ms = (told[-1][0] - gone_s) * 1000
        held.enter_context(simulated("printer", "--tcp", url.rpartition(":")[2]))
        back_s = time.monotonic()
        _wait_for(lambda: told[-1][1] is Presence.READY)
        ready_ms = (told[-1][0] - back_s) * 1000
    print(f"unplugged: told after {lost_ms:.0f} ms; plugged in again: ready after {ready_ms:.0f} ms")
    kept["replug"] = {"lost_ms": lost_ms, "ready_ms": ready_ms}
    return True


def _wait_for(is_so: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > give_up_s:
            raise TimeoutError("the station does not tell what happened")
        time.sleep(0.005)


@contextmanager
def simulated(device: str, *where: str) -> Iterator[str]:
    """The url of a simulated device in a process of its own."""
    words = [sys.executable, "-m", "hw", "sim", device, *(("--tcp", "0") if where == ("--tcp",) else where)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline().strip()
            yield f"tcp://127.0.0.1:{line.removeprefix('tcp ')}" if line.startswith("tcp ") else f"serial://{line}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _word(is_met: bool) -> str:
    return "PASS" if is_met else "FAIL"
