"""`hw sim printer`: the simulated receipt printer in a process of its own."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw.sim.fault import Fault, FaultSpecInvalid
from hw.sim.printer.fault import KINDS, parse_printer_faults
from hw.sim.printer.shells import serve_pty, serve_tcp
from hw.sim.printer.virtual import VirtualPrinter

if TYPE_CHECKING:
    _SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(
    subparsers: "_SubParsers", *, parents: Sequence[argparse.ArgumentParser] = ()
) -> argparse.ArgumentParser:
    """Adds the command's arguments, and those of `parents`; `run` takes what they parse to."""
    parser = subparsers.add_parser(
        "printer",
        parents=parents,
        help="a simulated receipt printer (ESC/POS)",
        description="Simulates a Japanese 80 mm receipt printer with cutter and cash drawer. The first line on stdout "
        "is the path of its pty, or 'tcp PORT'. Ends by SIGTERM.",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pty", action="store_true", help="serve on a pseudo-terminal (default)")
    where.add_argument("--tcp", type=_port, metavar="PORT", help="serve on this port of 127.0.0.1, 0 for any free one")
    parser.add_argument(
        "--fault",
        type=_faults,
        default={},
        metavar="SPEC",
        help=f"KIND@N, comma separated: at the Nth byte received, from 1; kinds: {', '.join(KINDS)}",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write DIR/0001.png .txt .bin, one a cut, and keep the counters there; numbers go on after a restart",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; the process's exit code: 0, 64 when the port or the directory cannot be used."""
    stop, end = os.pipe()

    def finish(signum: int, frame: object) -> None:
        os.write(end, b"\0")

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    try:
        printer = VirtualPrinter(directory=args.out, faults=args.fault)
        if args.tcp is None:
            serve_pty(printer, _announce, stop)
        else:
            serve_tcp(printer, args.tcp, _announce, stop)
    except OSError as error:
        print(f"hw sim printer: {error}", file=sys.stderr)
        return os.EX_USAGE
    return os.EX_OK


def _announce(line: str) -> None:
    print(line, flush=True)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _faults(text: str) -> Mapping[int, Fault]:
    try:
        return parse_printer_faults(text)
    except FaultSpecInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error
