"""`hw sim scanner`: the simulated code scanner in a process of its own."""

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.sim.scanner.virtual import KINDS, ORDERS, VirtualScanner, counted, parse_scanner_faults
from hw.sim.serving import add_parser as add_device
from hw.sim.serving import serve, unusable

if TYPE_CHECKING:
    from hw.sim.serving import SubParsers


def add_parser(subparsers: "SubParsers", *, parents: Sequence[argparse.ArgumentParser] = ()) -> argparse.ArgumentParser:
    """Adds the command's arguments, and those of `parents`; `run` takes what they parse to."""
    parser = add_device(
        subparsers,
        "scanner",
        parents,
        summary="a simulated QR and barcode scanner (serial)",
        description="Simulates a code scanner: lines ending CR LF; trigger SYN T CR and SYN U CR, menu commands "
        "SYN M CR ... ! or . (TRGMOD0 triggered, TRGMOD3 presenting; MNUENA0 ignores programming codes; REVINF), and "
        "the letters E, D, i, h, s, R.",
        own_faults=parse_scanner_faults,
        kinds=KINDS,
        out="write the number of codes read to DIR/scanner.txt at the end",
        hands=", ".join(ORDERS),
    )
    parser.add_argument(
        "--code", action="append", default=[], metavar="TEXT", help="a code held before it from the start; repeats"
    )
    parser.add_argument("--no-letters", action="store_true", help="do not take the commands E, D, i, h, s, R")
    parser.add_argument("--cr", action="store_true", help="end lines with CR alone")
    return parser


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; the exit code: 0, 64 for an unusable port, 78 for an unusable directory."""
    faults, _ = args.fault
    scanner = VirtualScanner(ending=b"\r" if args.cr else b"\r\n", has_letters=not args.no_letters, faults=faults)
    scanner.hold(*args.code)
    try:
        counted(args.out, scanner)
        code = serve("scanner", scanner, args)
        counted(args.out, scanner)
    except OSError as error:
        return unusable("scanner", error)
    return code if code else os.EX_OK
