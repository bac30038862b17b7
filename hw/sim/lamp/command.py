"""`hw sim lamp`: the simulated signal tower in a process of its own."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.sim.lamp.virtual import KINDS, ORDERS, VirtualLamp, parse_lamp_faults
from hw.sim.serving import add_parser as add_device
from hw.sim.serving import serve, unusable

if TYPE_CHECKING:
    from hw.sim.serving import SubParsers


def add_parser(subparsers: "SubParsers", *, parents: Sequence[argparse.ArgumentParser] = ()) -> argparse.ArgumentParser:
    """Adds the command's arguments, and those of `parents`; `run` takes what they parse to."""
    return add_device(
        subparsers,
        "lamp",
        parents,
        summary="a simulated signal tower (Patlite PNS and PHN)",
        description="Simulates a signal tower with five tiers and a buzzer: PNS commands of the products XX (NH, NHL) "
        "and AB (LA6), PHN commands.",
        own_faults=parse_lamp_faults,
        kinds=KINDS,
        out="keep what is lit in DIR/lamp.json: 0 off, 1 on, 2 and 3 flashing; the buzzer's pattern",
        hands=", ".join(ORDERS),
    )


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; the exit code: 0, 64 for an unusable port, 78 for an unusable directory."""
    faults, _ = args.fault
    try:
        lamp = VirtualLamp(directory=args.out, faults=faults)
    except OSError as error:
        return unusable("lamp", error)
    return serve("lamp", lamp, args)
