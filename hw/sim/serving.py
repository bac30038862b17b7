"""What the commands `hw sim printer|coin|display|lamp|scanner` have in common: where they serve, and how they end."""

import argparse
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw.link.injury import Injuries, split_faults
from hw.sim.fault import Fault, FaultSpecInvalid
from hw.sim.panel import HandledCore
from hw.sim.shells import serve_pty, serve_tcp

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

Faults = tuple[dict[int, Fault], Injuries]
OwnFaults = Callable[[str], dict[int, Fault]]


def add_parser(
    subparsers: "SubParsers",
    name: str,
    parents: Sequence[argparse.ArgumentParser],
    *,
    summary: str,
    description: str,
    own_faults: OwnFaults,
    kinds: Iterable[str],
    out: str,
    hands: str,
) -> argparse.ArgumentParser:
    """The parser of one simulated device: `--pty`, `--tcp`, `--fault`, `--out`, `--hands` and those of `parents`."""
    parser = subparsers.add_parser(
        name,
        parents=parents,
        help=summary,
        description=f"{description} The first line on stdout is the path of its pty, or 'tcp PORT'. Ends by SIGTERM.",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pty", action="store_true", help="serve on a pseudo-terminal (default)")
    where.add_argument("--tcp", type=_port, metavar="PORT", help="serve on this port of 127.0.0.1, 0 for any free one")
    own = ", ".join(kinds)
    parser.add_argument(
        "--fault",
        type=lambda text: _faults(text, own_faults),
        default=split_faults("", own_faults),
        metavar="SPEC",
        help=f"KIND@N or KIND@N=VALUE, comma separated, at the Nth byte received, from 1: {own}; and on the line, at "
        "the Nth byte to or from the device: {to,from}-{drop[=COUNT],garble[=XOR],duplicate,inject=HEX,split,delay=MS,"
        "pace=BAUD,close,stall}, to-echo; all of them with @N",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=out)
    parser.add_argument("--hands", action="store_true", help=f"obey lines on standard input: {hands}")
    return parser


def serve(device: str, core: HandledCore, args: argparse.Namespace) -> int:
    """Serves `core` until SIGTERM or SIGINT; the exit code: 0, 64 for an unusable port, 78 for an unusable `--out`."""
    try:
        _check_writable(args.out)
    except OSError as error:
        return unusable(device, error)
    stop, end = os.pipe()

    def finish(signum: int, frame: object) -> None:
        os.write(end, b"\0")

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    if args.hands:
        threading.Thread(target=_obey_lines, args=(device, core), daemon=True).start()
    _, injuries = args.fault
    try:
        if args.tcp is None:
            serve_pty(core, _announce, stop, injuries)
        else:
            serve_tcp(core, args.tcp, _announce, stop, injuries)
    except OSError as error:
        _tell(device, error)
        return os.EX_USAGE
    return os.EX_OK


def unusable(device: str, error: OSError) -> int:
    """Tells which directory cannot be written to, and why; the exit code."""
    _tell(device, error)
    return os.EX_CONFIG


def _tell(device: str, error: OSError) -> None:
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    print(f"hw sim {device}: {where}{error.strerror or error}", file=sys.stderr)


def _check_writable(directory: Path | None) -> None:
    """Before anybody is served: whoever comes first would else be the one whose sheet has no place."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass


def _obey_lines(device: str, core: HandledCore) -> None:
    for line in sys.stdin:
        order = line.strip()
        if order:
            try:
                core.obey(order)
            except ValueError as error:
                print(f"hw sim {device}: {error}", file=sys.stderr, flush=True)


def _announce(line: str) -> None:
    print(line, flush=True)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _faults(text: str, own: OwnFaults) -> Faults:
    try:
        return split_faults(text, own)
    except FaultSpecInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error
