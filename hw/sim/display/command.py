"""`hw sim display`: the simulated customer display in a process of its own."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.sim.display.virtual import KINDS, ORDERS, VirtualDisplay, parse_display_faults
from hw.sim.serving import add_parser as add_device
from hw.sim.serving import serve, unusable

if TYPE_CHECKING:
    from hw.sim.serving import SubParsers


def add_parser(subparsers: "SubParsers", *, parents: Sequence[argparse.ArgumentParser] = ()) -> argparse.ArgumentParser:
    """Adds the command's arguments, and those of `parents`; `run` takes what they parse to."""
    parser = add_device(
        subparsers,
        "display",
        parents,
        summary="a simulated customer display, 2 lines of 20 (ESC/POS, CD5220)",
        description="Simulates a customer display that understands the commands of Epson's DM-D and of the CD5220.",
        own_faults=parse_display_faults,
        kinds=KINDS,
        out="keep what is shown in DIR/display.txt, two lines of UTF-8",
        hands=", ".join(ORDERS),
    )
    parser.add_argument(
        "--mode",
        choices=("escpos", "cd5220"),
        default="escpos",
        help="how commands are read that the two sets have with different parameters (ESC W)",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; the exit code: 0, 64 for an unusable port, 78 for an unusable directory."""
    faults, _ = args.fault
    try:
        display = VirtualDisplay(directory=args.out, is_cd5220=args.mode == "cd5220", faults=faults)
    except OSError as error:
        return unusable("display", error)
    return serve("display", display, args)
