"""`hw sim coin`: the simulated coin machine in a process of its own."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.sim.coin.fault import KINDS, parse_coin_faults
from hw.sim.coin.frame import Checksum
from hw.sim.coin.virtual import ORDERS, VirtualCoinMachine
from hw.sim.serving import add_parser as add_device
from hw.sim.serving import serve, unusable

if TYPE_CHECKING:
    from hw.sim.serving import SubParsers

_CHECKSUMS = {
    "auto": (Checksum.SIMPLE, Checksum.CRC),
    "simple": (Checksum.SIMPLE,),
    "crc": (Checksum.CRC,),
}


def add_parser(subparsers: "SubParsers", *, parents: Sequence[argparse.ArgumentParser] = ()) -> argparse.ArgumentParser:
    """Adds the command's arguments, and those of `parents`; `run` takes what they parse to."""
    parser = add_device(
        subparsers,
        "coin",
        parents,
        summary="a simulated coin acceptor and hopper (ccTalk)",
        description="Simulates one ccTalk bus with a coin acceptor (address 2; positions 1 to 5: 500, 500, 100, 50, 10 "
        "yen) and a 100-yen hopper (address 3), just switched on: the acceptor takes nothing until header 231 enables "
        "positions, and only while it is polled by header 229 at least once a second.",
        own_faults=parse_coin_faults,
        kinds=(kind if not value else f"{kind}=..." for kind, value in KINDS.items()),
        out="keep what the machine holds in DIR/coin.json: cash box, hopper, counters",
        hands=f"{', '.join(ORDERS)}; a bare number puts that coin in now, a held one goes in at the next poll at which "
        "it is accepted",
    )
    parser.add_argument(
        "--coins",
        type=_coins,
        default=(),
        metavar="YEN,YEN",
        help="coins in a hand before the slot: at each poll the first of them that would be accepted goes in",
    )
    parser.add_argument(
        "--checksum",
        choices=sorted(_CHECKSUMS),
        default="auto",
        help="the checksums it understands; auto: both, and it answers in the one that it was asked in",
    )
    parser.add_argument(
        "--no-echo", action="store_true", help="do not return the host's own bytes, as an interface that cancels them"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; the exit code: 0, 64 for an unusable port, 78 for an unusable directory."""
    faults, _ = args.fault
    try:
        machine = VirtualCoinMachine(
            directory=args.out, echoes=not args.no_echo, checksums=_CHECKSUMS[args.checksum], faults=faults
        )
        machine.cycle_power()
    except OSError as error:
        return unusable("coin", error)
    machine.hold(*args.coins)
    return serve("coin", machine, args)


def _coins(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.isdecimal() and 0 < int(word) <= 500 for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of coins such as 500,100")
    return tuple(map(int, words))
