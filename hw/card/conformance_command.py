"""`hw conform reader|card`: the compatibility check, its report on paper and for programs."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from hw.card.conformance import CARD_CHECKS, READER_CHECKS, Specimen, run_checks
from hw.card.conformance_process import find_in_process
from hw.card.conformance_report import Report, keep, next_number
from hw.card.reader_list import read_reader_list


class _PersonAtReader:
    """Asks on stderr, and goes on at once: the reader is watched for what was asked."""

    is_person = True

    def remove(self) -> None:
        """Asks for the card to be taken out."""
        self._ask("Take the card out of the reader.")

    def insert(self) -> None:
        """Asks for the card to be put in."""
        self._ask("Put the card into the reader again.")

    def remove_during(self, command: Callable[[], None]) -> None:
        """Has the card taken out while the command runs, which goes on until then."""
        self._ask("Take the card out of the reader while it is being read.")
        command()

    def _ask(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


_Parser = TypeVar("_Parser", bound=argparse.ArgumentParser)

_CHECKS = {"reader": READER_CHECKS, "card": CARD_CHECKS}


def add_parsers(subparsers: "argparse._SubParsersAction[_Parser]", *, parents: Sequence[_Parser] = ()) -> list[_Parser]:
    """Adds `reader` and `card`; `run` takes what they parse to."""
    parsers = []
    for subject in _CHECKS:
        parser = subparsers.add_parser(
            subject,
            parents=parents,
            help=f"tests a {subject} and writes a numbered report",
            description="A test card must lie in the reader; nothing on it is changed and no password is presented. "
            "Prints the report; exit code 0 when it passed, 1 when it failed, 2 when checks were left out, as those "
            "that need a hand are without --hand, 78 without the reader.",
        )
        parser.add_argument("name", metavar="READER", help="the PC/SC reader's name, or its unique beginning")
        parser.add_argument("--json", action="store_true", help="one JSON object in place of the page")
        parser.add_argument("--out", type=Path, metavar="DIR", help="keep the report there; default DATA/conformance")
        parser.add_argument(
            "--hand", action="store_true", help="somebody is there who takes the card out and puts it in when asked"
        )
        parser.set_defaults(subject=subject)
        parsers.append(parser)
    return parsers


def run(args: argparse.Namespace, readers: Path) -> int:
    """Tests, prints and keeps the report; `readers` is the list of readers, which knows maker and model."""
    from hw.card.pcsc import PcscSlot

    slot = PcscSlot(args.name)
    slot.is_card_present()
    directory = args.out or (args.data / "conformance" if args.data else None)
    hand = _PersonAtReader() if args.hand else None
    entry = read_reader_list(readers).entry_of(args.name)
    report = Report(
        number=next_number(directory) if directory else 1,
        subject=args.subject,
        name=args.name,
        maker=entry.maker if entry else "",
        model=entry.model if entry else "",
        system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        at=datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds"),
        findings=tuple(run_checks(_CHECKS[args.subject], Specimen(slot, time.perf_counter, hand), find_in_process)),
    )
    if directory:
        keep(report, directory)
    print(report.as_json() if args.json else report.as_page())
    return {"PASS": os.EX_OK, "FAIL": 1, "INCOMPLETE": 2}[report.result]
