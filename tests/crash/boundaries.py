"""Compares the explorer's list of boundaries with what strace sees of a real `kiosk drill` in processes of its own.

The terminal of that drill speaks to a card behind a real pcscd, to a printer behind TCP, to the authority behind HTTP;
its store is a file. What leaves the process as a system call is sorted into the explorer's kinds by its target alone,
and the two sequences have to be the same. Whatever else the process makes durable is listed, and has to be known.
"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from hw.sim.till import SimulatedTill
from kiosk.issuance.issue import issue
from kiosk.issuance.persons import Persons
from kiosk.model.application import Application, Delivery
from kiosk.played_persons import play
from tests.crash.boundary import Kind, Passage, Phase, Point
from tests.crash.office import furnished
from tests.crash.people import Till
from tests.crash.play import set_up
from tests.crash.scenario import APPLICANT, SCENARIOS
from tests.crash.world import PASSWORDS, World
from tests.e2e.commands import APPLICATION, at, authority, started
from tests.pcscd import PrivatePcscd

_SENDING = ("write", "writev", "sendto", "sendmsg")
_CHANGING = ("pwrite64", "pwritev", "pwritev2", "truncate", "ftruncate", "fallocate", "unlink", "unlinkat", "sendfile")
_CALLS = ",".join(
    ("fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "connect", *_SENDING, *_CHANGING)
)
_CALL = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += +(-?\d+)(?: .*)?")
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_UNIX_SOCKET = re.compile(r"<UNIX-STREAM:\[(\d+)")
_TRANSMIT = r"\x09\x00\x00\x00"
"""SCARD_TRANSMIT in the header of a message to pcscd (its winscard_msg.h), which has 8 bytes."""

_KNOWN = {
    "station.key": "the key that seals records, linked into its place before anything else is done",
    "head.key": "the key that signs heads, likewise",
    "certificates": "the drill's own copy of the certificate, after the case is closed",
    "display.new": "what the simulated customer display shows, kept by the display",
    "lamp.new": "how the simulated signal tower stands, kept by the tower",
    "UNIX-STREAM": "to and from the process of its own that holds the card; a socket with a name is told apart",
    "pipe": "what the drill tells whoever has started it",
}
"""What a drill makes durable, and sends, outside an issuance."""


@dataclass(frozen=True)
class Seen:
    """What one system call was: a boundary's kind, or its target when it is none."""

    kind: Kind | None
    target: str


def compare_with_strace(out: TextIO) -> int:
    """Runs both and writes the comparison; 0 when they agree."""
    listed = list(_listed())
    seen = list(_seen())
    found = [one.kind for one in seen if one.kind is not None]
    others = Counter(one.target for one in seen if one.kind is None)
    for kind in dict.fromkeys(listed + found):
        print(f"{kind:6} listed {listed.count(kind):3}  strace {found.count(kind):3}", file=out)
    print(f"all    listed {len(listed):3}  strace {len(found):3}", file=out)
    print(
        "persons: of a drill whose card lies there, as on vpcd, only the till moves; no card is put in or taken",
        file=out,
    )
    different = [n for n, pair in enumerate(zip_longest(listed, found)) if pair[0] is not pair[1]]
    if different:
        print(f"the sequences differ from boundary {different[0] + 1} on:", file=out)
        print(f"  listed {listed[different[0] :][:8]}\n  strace {found[different[0] :][:8]}", file=out)
    unknown = [target for target in others if not is_known(target)]
    for target, count in others.items():
        print(f"outside of the issuance: {target} ({count})", file=out)
    for target in unknown:
        print(f"nobody knows of {target}", file=out)
    return int(bool(different or unknown))


def is_known(target: str) -> bool:
    """Whether it is nothing of an issuance's."""
    return any(name in target for name in _KNOWN)


# --- as the explorer lists them


def _listed() -> Iterator[Kind]:
    """The boundaries of the same issuance in this process, in their order; persons as a drill plays them."""
    points = list[Point]()
    with furnished() as office:
        stage = set_up(office, SCENARIOS["first"])
        with stage.world(stage.image) as world:
            # The card lies in the reader, as it does on vpcd, and nobody is there to take it.
            world.place_card(APPLICANT.code)
            world.passage = Passage(lambda point, label: points.append(point))
            issue(
                Application(APPLICANT.number, APPLICANT.code),
                world.start_terminal(Delivery.TERMINAL),
                _played(world),
                lambda _: None,
            )
    # A question to the clerk's station stays within the process of a drill, which plays him.
    return (point.kind for point in points if point.phase is Phase.AFTER and point.kind is not Kind.CLERK)


def _played(world: World) -> Persons:
    from kiosk.application_file import ClerkTable

    till: SimulatedTill = world.till
    assert isinstance(till, Till)
    return play(
        APPLICANT.code, PASSWORDS[APPLICANT.code], ClerkTable(tendered_yen=1000), APPLICANT.number, till, None, None
    )


# --- as strace sees them


def _seen() -> Iterator[Seen]:
    with ExitStack() as held:
        directory = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="kiosk-strace-")))
        url = held.enter_context(authority(directory / "ca"))
        pcscd = held.enter_context(PrivatePcscd())
        card = started("sim", "card", "--vpcd", f"127.0.0.1:{pcscd.vpcd_ports[0]}", module="hw")
        held.enter_context(card)
        _, tcp = held.enter_context(started("sim", "printer", "--tcp", "0", module="hw"))
        port = tcp.split()[1]
        trace, data = directory / "trace", directory / "data"
        drill = [sys.executable, "-m", "kiosk", "drill", APPLICATION, "--data", data, *at(url, directory / "ca")]
        devices = ["--set", f"card.link=pcsc:{pcscd.reader_names[0]}", "--set", f"printer.link=tcp://127.0.0.1:{port}"]
        strace = ["strace", "-f", "-yy", "-xx", "-s", "64", "-e", f"trace={_CALLS}", "-o", trace]
        done = subprocess.run(
            [str(word) for word in (*strace, *drill, *devices)],
            env=pcscd.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the traced drill failed: {done.stdout}{done.stderr}")
        yield from sort_calls(trace.read_text(), data, url.rpartition(":")[2], port)


def sort_calls(trace: str, data: Path, authority_port: str, printer_port: str) -> Iterator[Seen]:
    """Every call that has an effect outside of the process, sorted by its target."""
    to_pcscd = set[str]()
    for line in whole_calls(trace.splitlines()):
        match = _CALL.fullmatch(line.strip())
        if match is None:
            continue
        call, arguments, result = match[1], match[2], int(match[3])
        target = _unhex(arguments)
        socket = _UNIX_SOCKET.search(arguments)
        if call == "connect":
            if socket is not None and "pcscd.comm" in target:
                to_pcscd.add(socket[1])
            elif f"htons({authority_port})" in arguments:
                yield Seen(Kind.AUTHORITY, "authority")
            elif f"htons({printer_port})" not in arguments:
                yield Seen(None, f"connect {target.partition('{')[2]}")
        elif call in ("fsync", "fdatasync"):
            if f"{data}/kiosk.db>" in target:
                yield Seen(Kind.STORE, "kiosk.db")
            elif "kiosk.db-journal" not in target and f"<{data}>" not in target:
                yield Seen(None, f"{call} {_name(target)}")
        elif call.startswith(("rename", "link")) and result == 0:
            yield Seen(Kind.PERSON if "/sim/till" in target else None, f"{call} {_name(target)}")
        elif call in _CHANGING and result >= 0:
            if not _is_of_store_or_till(target):
                yield Seen(None, f"{call} {_name(target)}")
        elif call in _SENDING and result > 0:
            if f"->127.0.0.1:{printer_port}]" in target:
                yield Seen(Kind.PRINTER, "printer")
            elif socket is not None and socket[1] in to_pcscd:
                # Around an APDU there are messages to pcscd of which the card hears nothing.
                if _TRANSMIT in arguments and result == 8:
                    yield Seen(Kind.CARD, "card")
            elif not _is_of_store_or_till(target) and f"->127.0.0.1:{authority_port}]" not in target:
                yield Seen(None, f"{call} {_name(target)}")


def whole_calls(lines: Iterable[str]) -> Iterator[str]:
    """Calls during which strace wrote down another thread's are told in two lines; here each is one, where it ended."""
    begun = dict[str, str]()
    for line in lines:
        thread, _, told = line.partition(" ")
        if told.endswith(_UNFINISHED):
            begun[thread] = line.removesuffix(_UNFINISHED)
        elif (resumed := _RESUMED.match(told.lstrip())) is not None:
            yield begun.pop(thread, thread) + resumed[1]
        else:
            yield line


def _is_of_store_or_till(target: str) -> bool:
    return "/kiosk.db" in target or "/sim/till" in target


def _name(target: str) -> str:
    """The last parts of the first path named, or of what kind else is written to."""
    if (other := re.match(r"\d+<(pipe|UNIX-STREAM):", target)) is not None:
        return other[1]
    match = re.search(r"(/[^>\",]*)", target)
    return "/".join(Path(match[1]).parts[-2:]) if match else target


def _unhex(text: str) -> str:
    """Paths as text: -xx writes every string in hex."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)
