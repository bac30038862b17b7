"""`hw sim card`: a simulated card in a virtual reader, until it is pulled or the process is told to end."""

import argparse
import os
import secrets
import signal
import socket
import string
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw.sim.card.card import VirtualCard
from hw.sim.card.faults import KINDS, parse_card_faults
from hw.sim.card.memory import CARD_NUMBER, CardMemoryInvalid, FileStore, MemoryStore, NonVolatile
from hw.sim.card.personalization import new_card
from hw.sim.card.profile import JUKI_2011, PROFILES
from hw.sim.card.vpcd import connect, serve
from hw.sim.fault import Fault, FaultSpecInvalid

if TYPE_CHECKING:
    _SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

_VPCD = ("127.0.0.1", 35963)
"""Where Debian's vpcd listens for the card of its first slot."""


def add_parser(
    subparsers: "_SubParsers", *, parents: Sequence[argparse.ArgumentParser] = ()
) -> argparse.ArgumentParser:
    """Adds the command's arguments, and those of `parents`; `run` takes what they parse to."""
    parser = subparsers.add_parser(
        "card",
        parents=parents,
        help="a simulated card in a virtual reader (vpcd)",
        description="Puts a simulated card into a virtual reader and prints 'ready' when the reader has seen it. A new "
        "card holds the demo issuer keys and no password. Ends when the card is pulled, by SIGTERM, or with vpcd.",
    )
    parser.add_argument("--vpcd", type=_address, default=_VPCD, metavar="HOST:PORT", help="default 127.0.0.1:35963")
    parser.add_argument("--profile", choices=sorted(PROFILES), help=f"kind of a new card, default {JUKI_2011.name}")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep the card's memory there; survives the process")
    parser.add_argument("--number", type=_number, help="number of a new card, 16 of A-Z and 0-9, default random")
    parser.add_argument(
        "--fault",
        type=_faults,
        default={},
        metavar="SPEC",
        help=f"KIND@N[=VALUE], comma separated: at the Nth command, from 1; kinds: {', '.join(KINDS)}",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Serves the card to its end; the process's exit code: 0, 64 usage, 69 vpcd unreachable, 78 state file unusable."""
    try:
        card = VirtualCard(_memory(args.state, args.profile, args.number), faults=args.fault)
    except CardMemoryInvalid as error:
        return _fail(os.EX_CONFIG, str(error))
    for option, wanted, found in (
        ("--number", args.number, card.number),
        ("--profile", args.profile, card.profile.name),
    ):
        if wanted not in (None, found):
            return _fail(os.EX_USAGE, f"{option} {wanted}: the card in {args.state} is {found}")
    host, port = args.vpcd
    try:
        connection = connect(host, port)
    except OSError as error:
        return _fail(os.EX_UNAVAILABLE, f"vpcd at {host}:{port}: {error.strerror or error}")
    _end_on_signal(connection)
    try:
        serve(card, connection, lambda: print("ready", flush=True))
    except CardMemoryInvalid as error:
        return _fail(os.EX_CONFIG, str(error))
    return os.EX_OK


def _memory(state: Path | None, profile: str | None, number: str | None) -> NonVolatile:
    """Where the card's memory is; a new card is made when there is none yet."""
    store = FileStore(state) if state else None
    if store and store.exists():
        return store
    card = new_card(number or _random_number(), PROFILES[profile or JUKI_2011.name])
    if store is None:
        return MemoryStore(card)
    store.write(card)
    return store


def _end_on_signal(connection: socket.socket) -> None:
    """Lets SIGTERM and SIGINT pull the card between two commands: the waiting receive sees the connection's end."""

    def pull(signum: int, frame: object) -> None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended already

    signal.signal(signal.SIGTERM, pull)
    signal.signal(signal.SIGINT, pull)


def _fail(code: int, reason: str) -> int:
    print(f"hw sim card: {reason}", file=sys.stderr)
    return code


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not (host and separator and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


def _number(text: str) -> str:
    if not CARD_NUMBER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not 16 characters of A-Z and 0-9")
    return text


def _faults(text: str) -> Mapping[int, Fault]:
    try:
        return parse_card_faults(text)
    except FaultSpecInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _random_number() -> str:
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(16))
