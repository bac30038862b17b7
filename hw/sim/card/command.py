"""`hw sim card`: a simulated card in a virtual reader, until it is pulled or the process is told to end."""

import argparse
import os
import secrets
import signal
import socket
import string
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hw.sim.card.apdu import EXTENDED_ANSWER_SIZE
from hw.sim.card.card import VirtualCard
from hw.sim.card.faults import KINDS, parse_card_faults
from hw.sim.card.limits import STANDARD, CardLimits
from hw.sim.card.memory import CARD_NUMBER, CardMemory, CardMemoryInvalid, FileStore, MemoryStore, NonVolatile
from hw.sim.card.pace import CONTACT_CARD
from hw.sim.card.personalization import new_card, new_piv_card, new_standard_piv_card
from hw.sim.card.profile import JUKI_2011, PIV, PROFILE_NAMES, PROFILES
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
        "JPKI card holds the demo issuer keys and no password, a PIV card what its maker put in (PIN 123456, "
        "PUK 12345678, management key 0102..08 three times). Ends when the card is pulled, by SIGTERM, or with vpcd.",
    )
    parser.add_argument("--vpcd", type=_address, default=_VPCD, metavar="HOST:PORT", help="default 127.0.0.1:35963")
    parser.add_argument("--profile", choices=PROFILE_NAMES, help=f"kind of a new card, default {JUKI_2011.name}")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep the card's memory there; survives the process")
    parser.add_argument("--number", type=_number, help="number of a new card, 16 of A-Z and 0-9, default random")
    parser.add_argument("--short", action="store_true", help="a card that knows no extended length")
    parser.add_argument(
        "--max-answer", type=_answer_size, metavar="N", help="at most N bytes in one answer, more of it by 61xx"
    )
    parser.add_argument("--t0", action="store_true", help="a card of protocol T=0: short, answers fetched after 61xx")
    parser.add_argument(
        "--standard",
        action="store_true",
        help="with --profile piv: nothing beyond NIST SP 800-73-4, prepared for issue",
    )
    parser.add_argument("--pace", action="store_true", help="as slow as a real card")
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
        memory = _memory(args.state, args.profile, args.number, is_standard=args.standard)
        pace = CONTACT_CARD if args.pace else None
        card = VirtualCard(memory, faults=args.fault, limits=_limits(args), pace=pace)
    except CardMemoryInvalid as error:
        return _fail(os.EX_CONFIG, str(error))
    if args.standard and card.profile != PIV:
        return _fail(os.EX_USAGE, f"--standard: a {card.profile} card is no PIV card")
    for option, wanted, found in (
        ("--number", args.number, card.number),
        ("--profile", args.profile, card.profile),
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


def _memory(state: Path | None, profile: str | None, number: str | None, *, is_standard: bool) -> NonVolatile:
    """Where the card's memory is; a new card is made when there is none yet."""
    store = FileStore(state) if state else None
    if store and store.exists():
        return store
    card = _new_card(profile or JUKI_2011.name, number, is_standard=is_standard)
    if store is None:
        return MemoryStore(card)
    store.write(card)
    return store


def _new_card(profile: str, number: str | None, *, is_standard: bool) -> CardMemory:
    if profile == PIV:
        new = new_standard_piv_card if is_standard else new_piv_card
        return new(number or f"PIV{secrets.randbelow(1 << 31):013d}")
    return new_card(number or _random_number(), PROFILES[profile])


def _limits(args: argparse.Namespace) -> CardLimits:
    lacks = STANDARD.lacks if args.standard else frozenset[int]()
    limits = CardLimits(takes_extended=not (args.short or args.t0), is_t0=args.t0, lacks=lacks)
    return limits if args.max_answer is None else replace(limits, max_answer=args.max_answer)


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


def _answer_size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= EXTENDED_ANSWER_SIZE):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {EXTENDED_ANSWER_SIZE}")
    return int(text)


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
