"""`hw sim printer`: the simulated receipt printer in a process of its own."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.sim.printer.fault import KINDS, parse_printer_faults
from hw.sim.printer.virtual import ORDERS, SERIAL, VirtualPrinter
from hw.sim.serving import add_parser as add_device
from hw.sim.serving import serve, unusable

if TYPE_CHECKING:
    from hw.sim.serving import SubParsers


def add_parser(subparsers: "SubParsers", *, parents: Sequence[argparse.ArgumentParser] = ()) -> argparse.ArgumentParser:
    """Adds the command's arguments, and those of `parents`; `run` takes what they parse to."""
    parser = add_device(
        subparsers,
        "printer",
        parents,
        summary="a simulated receipt printer (ESC/POS)",
        description="Simulates a Japanese receipt printer with cutter and cash drawer.",
        own_faults=parse_printer_faults,
        kinds=KINDS,
        out="write DIR/0001.png .txt .bin, one a cut, and keep the counters there; numbers go on after a restart",
        hands=", ".join(ORDERS),
    )
    parser.add_argument("--dots", type=int, choices=(384, 512, 576), default=512, help="width, default 512")
    parser.add_argument(
        "--serial", type=_ascii, default=SERIAL, metavar="TEXT", help=f"serial number (GS I 68), default {SERIAL}"
    )
    return parser


def _ascii(text: str) -> str:
    if not text.isascii():
        raise argparse.ArgumentTypeError(f"{text!r} is not ASCII")
    return text


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; the exit code: 0, 64 for an unusable port, 78 for an unusable directory."""
    faults, _ = args.fault
    try:
        printer = VirtualPrinter(directory=args.out, dots=args.dots, faults=faults, serial=args.serial)
    except OSError as error:
        return unusable("printer", error)
    return serve("printer", printer, args)
