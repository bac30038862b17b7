"""Real processes killed at every call by which they change anything outside themselves, and started again.

    python -m tests.crash.killed [--every N] [--all] [--processes N]

`kiosk drill` works over a store and a simulated card in files, with the authority and the printer in processes of their
own. An undisturbed run under strace tells the calls: commits, card and till, bytes to the printer, requests to the
authority; of the authority its commits and answers; and of a clerk's station (`kiosk drill --attend`) and a terminal
that has nothing of the clerk's, theirs. Then, before each of them in its turn, SIGKILL: to the terminal, of either
kind, to the authority, to both at once, to the clerk's station, to all three. Between two such calls nothing can
be seen from outside, so that before one is after the one before. What was killed is started again until the case is
closed, and all must then be as if nothing had been.
"""

import argparse
import contextlib
import io
import json
import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hw.sim.card.memory import FileStore
from kiosk.authority.status_service import ask_status
from kiosk.clock import system_clock
from kiosk.config import SHIPPED, load_config
from kiosk.exit_code import ExitCode
from kiosk.journal.command import run_journal
from kiosk.model.certificate import CertificateState, serial_text
from kiosk.register.register import load_register
from tests.crash.recording import ROOT, RecordingFailed
from tests.e2e.commands import application_file, at, lines, run
from tests.issuance.rest import card_key, certificate_in
from tests.memory_folder import memory_folder

CALLS = ("fsync", "fdatasync", "ftruncate", "pwrite64", "write", "sendto", "rename", "unlink")
"""The calls by which Python and SQLite change files and send bytes."""

ROLLBACK_JOURNAL = "commit's rollback journal"
"""What SQLite writes before it changes a database, and cuts to nothing to commit."""

MOST_STARTS = 4
"""How often a drill is started again before its case must be closed: the first may end by rolling back."""

PRINTER = "printer bytes"

FLEETING = "fleeting"
"""What a customer display or a lamp shows: shown from threads of their own, and nobody's loss."""

PORTION = 12
"""So many deaths of a terminal or a clerk's station share an authority and a printer."""

NOT_REACHED = "place not reached, "

WINDOW = "window"
"""The name of the clerk's station."""


class Counted(StrEnum):
    """Whose calls are counted."""

    TERMINAL = "terminal"
    AUTHORITY = "authority"
    CLERKS_STATION = "clerk's station"
    FAR_TERMINAL = "terminal whose clerk is elsewhere"

    @property
    def has_window(self) -> bool:
        """Whether a clerk's station takes part."""
        return self in (Counted.CLERKS_STATION, Counted.FAR_TERMINAL)


class Victim(StrEnum):
    """Who dies."""

    TERMINAL = "terminal"
    AUTHORITY = "authority"
    TERMINAL_AND_AUTHORITY = "terminal, and the authority with it"
    AUTHORITY_AND_TERMINAL = "authority, and the terminal with it"
    CLERKS_STATION = "clerk's station"
    ALL = "clerk's station, terminal and authority with it"
    FAR_TERMINAL = "terminal whose clerk is elsewhere"

    @property
    def counted(self) -> Counted:
        """Of whose calls the place is one."""
        if self in (Victim.CLERKS_STATION, Victim.ALL):
            return Counted.CLERKS_STATION
        if self is Victim.FAR_TERMINAL:
            return Counted.FAR_TERMINAL
        return Counted.AUTHORITY if self in (Victim.AUTHORITY, Victim.AUTHORITY_AND_TERMINAL) else Counted.TERMINAL


@dataclass(frozen=True)
class Place:
    """Before the n-th call of this name, counted from 1; `kind` is what the call does.

    With `path` the n-th on that file: `{home}` in it is the folder of whoever dies.
    """

    call: str
    number: int
    kind: str
    path: str = ""


@dataclass(frozen=True)
class Death:
    """One death: whose, and where."""

    victim: Victim
    place: Place

    def __str__(self) -> str:
        return f"{self.victim} before {self.place.call} {self.place.number} ({self.place.kind})"


class NotAsUndisturbed(Exception):
    """After a death and new starts something is not as it would have been."""


class Town:
    """One authority and one printer in processes of their own, over a folder."""

    def __init__(self, folder: Path, authority: Path) -> None:
        self.folder = folder
        self.directory = Path(shutil.copytree(authority, folder / "ca"))
        self.papers = folder / "papers"
        self._authority: subprocess.Popen[str] | None = None
        self.url = ""
        printer = [sys.executable, "-m", "hw", "sim", "printer", "--pty", "--out", str(self.papers)]
        self._printer = _start(["setpriv", "--pdeathsig=KILL", "--", *printer])
        self.printer = _first_line(self._printer)

    def __enter__(self) -> "Town":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_authority()
        self._printer.kill()
        _end(self._printer)

    def serve(self, *tracer: str) -> subprocess.Popen[str]:
        """Starts the authority, under a tracer perhaps."""
        kiosk = [sys.executable, "-m", "kiosk", "ca", "serve", "--data", str(self.directory)]
        self._authority = _start([*tracer, *kiosk, "--listen", "127.0.0.1:0", "--exit-with-parent"])
        self.url = _first_line(self._authority).removeprefix("ready ")
        return self._authority

    def kill_authority(self) -> None:
        """Ends the authority without a word, also when it dies with its tracer only."""
        if self._authority is not None:
            self._authority.kill()
            _end(self._authority)
            self._authority = None

    def stop_authority(self) -> None:
        """Lets the authority end by itself, and whatever traces it write down the rest."""
        if self._authority is not None:
            _end(self._authority)
            self._authority = None

    def issued(self) -> set[bytes]:
        """Every certificate in the authority's books (DER)."""
        with contextlib.closing(sqlite3.connect(self.directory / "store.db")) as books:
            return {der for (der,) in books.execute("SELECT der FROM certificate")}

    def settings(self) -> list[str]:
        """What makes a drill use this town."""
        return [*at(self.url, self.directory), "--set", f"printer.link=serial://{self.printer}"]


def _start(words: Sequence[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _end(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


class Window:
    """The clerk's station of one terminal, in a process of its own, over the store that both share."""

    def __init__(self, town: Town, name: str, application: Path) -> None:
        self.data = town.folder / f"{name}-{WINDOW}"
        self.store = town.folder / f"{name}.db"
        self._town = town
        self._application = application
        self._process: subprocess.Popen[str] | None = None

    def attend(self, *tracer: str) -> subprocess.Popen[str]:
        """Starts it, under a tracer perhaps; it can be asked, or has died before that."""
        credential = self._town.directory / "stations" / f"{WINDOW}.pem"
        settings = ["--set", f"authority.url={self._town.url}", "--set", f"authority.credential={credential}"]
        words = ["drill", str(self._application), "--attend", "--data", str(self.data), *settings, *self.shared()]
        self._process = _start([*tracer, sys.executable, "-m", "kiosk", *words])
        _first_line(self._process)
        return self._process

    def shared(self) -> list[str]:
        """Where the store is."""
        return ["--set", f"store.url=sqlite:///{self.store}"]

    def leave(self) -> None:
        """Lets it end by itself, if it has not died."""
        if self._process is not None:
            _end(self._process)
            self._process = None


class Counterpart:
    """One resident at one terminal of a town: his application, his card, the terminal's data.

    With `has_window` the terminal has nothing of the clerk's, and a clerk's station of its own.
    """

    def __init__(self, town: Town, name: str, resident: str, *, has_window: bool = False) -> None:
        self.town = town
        self.number = name
        self.data = town.folder / name
        self._file = application_file(town.folder / f"{name}.toml", resident=resident, number=name)
        self.window = Window(town, name, self._file) if has_window else None
        self._papers_before = {path.name for path in town.papers.glob("*.txt")}
        self._issued_before = town.issued()

    def drill(self, *tracer: str) -> list[str]:
        """The command."""
        words = ["drill", str(self._file), "--json", "--data", str(self.data), *self.town.settings()]
        if self.window is not None:
            words += ["--set", f"clerk.station={WINDOW}", *self.window.shared()]
        return [*tracer, sys.executable, "-m", "kiosk", *words]

    def check(self) -> None:
        """Starts the drill until the case is closed, and looks at everything. Raises `NotAsUndisturbed`."""
        for _ in range(MOST_STARTS):
            done = run(*self.drill()[3:])
            told = lines(done.stdout)
            if done.returncode == 0:
                break
        else:
            raise NotAsUndisturbed(f"not closed after {MOST_STARTS} starts: {done.stdout} {done.stderr}")
        serial = told[-1]["serial"]
        certificate = x509.load_pem_x509_certificate(Path(told[-1]["certificate"]).read_bytes())
        papers = [p.read_text() for p in self.town.papers.glob("*.txt") if p.name not in self._papers_before]
        originals = [text for text in papers if "手数料領収書" in text]
        (card,) = (FileStore(path).read() for path in (self.data / "sim").glob("card-*.json"))
        proofs = [line[4:-1] for text in originals for line in map(str.strip, text.splitlines()) if line[:4] == "[QR "]
        for what, is_so in {
            "the certificate is good": self._is_good(certificate),
            "no other of the resident's is": self._valid_serials() == [serial],
            "it is in the card": certificate_in(card.files[0x0001]) == certificate.public_bytes(Encoding.DER),
            "with its key": card_key(card) == certificate.public_key(),
            "the card is out of the reader": _content(self.data / "sim" / "reader.json")["inserted"] is None,
            "the till holds the fee": _content((self.window or self).data / "sim" / "till.json") == {self.number: 500},
            "there is one original at most": len(originals) <= 1,
            "there is a receipt": any("No. 000001" in text for text in papers),
            "the journal holds": all(self._holds(head) for head in proofs or [None]),
        }.items():
            if not is_so:
                raise NotAsUndisturbed(f"not so: {what}")

    def _is_good(self, certificate: x509.Certificate) -> bool:
        issuer = x509.load_pem_x509_certificates((self.town.directory / "ca.pem").read_bytes())[0]
        url = f"{self.town.url}/ocsp"
        status = ask_status(url, certificate, issuer, clock=system_clock, timeout_s=10)
        return status.state is CertificateState.GOOD

    def _valid_serials(self) -> list[str]:
        """Of the certificates that were issued since this resident came, those that are good."""
        since = [x509.load_der_x509_certificate(der) for der in self.town.issued() - self._issued_before]
        return [serial_text(one.serial_number) for one in since if self._is_good(one)]

    def _holds(self, head: str | None) -> bool:
        store = [] if self.window is None else [("store.url", f"sqlite:///{self.window.store}")]
        folders = [self.data] if self.window is None else [self.data, self.window.data]
        config = load_config(SHIPPED / "kiosk.toml", store)
        with contextlib.redirect_stdout(io.StringIO()):
            return all(run_journal(config, folder, "verify", head) is ExitCode.OK for folder in folders)


def _content(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.read_text())
    return found


_LINE = re.compile(r"(?P<thread>\d+) +(?P<call>\w+)\((?P<first>\d+<.*?>(?=[,)])|\"[^\"]*\")(?P<rest>.*)\n")


def places(trace: Iterable[str], kinds: Sequence[tuple[str, str]], home: str = "") -> list[Place]:
    """The calls in a trace that change what others see: those on something of which `kinds` has a part of the name.

    strace counts each thread's calls of a name for itself, and the first thread that comes to a number dies. What is
    done to a simulated device of `home`, and to the printer, is counted by the name of the file. Raises
    `RecordingFailed` when another thread would come to a call's number first.
    """
    numbers: Counter[tuple[str, str]] = Counter()
    reached: Counter[str] = Counter()
    found: list[Place] = []
    for line in trace:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        call, thread, first = match["call"], match["thread"], match["first"]
        numbers[thread, call] += 1
        is_first = numbers[thread, call] > reached[call]
        reached[call] = max(reached[call], numbers[thread, call])
        kind = next((kind for part, kind in kinds if part in first), None)
        if kind is None or kind == FLEETING:
            continue
        path = first.strip('"') if first.startswith('"') else first.partition("<")[2].partition("<")[0].rstrip(">")
        if kind == PRINTER or (home and path.startswith(f"{home}/sim")):
            numbers[path, call] += 1
            found.append(Place(call, numbers[path, call], kind, path.replace(home, "{home}") if home else path))
        elif not is_first:
            raise RecordingFailed(f"another thread comes to {call} {numbers[thread, call]} ({kind}) first")
        else:
            found.append(Place(call, numbers[thread, call], kind))
    return found


def _tracer(trace: Path) -> list[str]:
    return ["strace", "-f", "-yy", "-e", f"trace={','.join(CALLS)}", "-o", str(trace)]


def _killer(place: Place, printer: str, home: str) -> list[str]:
    # Not with --seccomp-bpf, under which strace 6.1 delivers no signal.
    inject = f"inject={place.call}:signal=KILL:when={place.number}"
    path = printer if place.kind == PRINTER else place.path.replace("{home}", home)
    within = ["-P", path] if place.path else []
    return ["strace", "-f", "-e", f"trace={place.call}", "-e", inject, *within, "-o", os.devnull]


def _terminal_kinds(counterpart: Counterpart, store: str, town: Town, port: str) -> tuple[tuple[str, str], ...]:
    """By a part of what a terminal's call is made on, what the call does; the authority listens at that port."""
    data = str(counterpart.data)
    return (
        (f"{store}-journal", ROLLBACK_JOURNAL),
        (store, "commit"),
        (f"<{Path(store).parent}>", "commit"),
        (f"{data}/sim/till", "till"),
        (f"{data}/sim/display", FLEETING),
        (f"{data}/sim/lamp", FLEETING),
        (f"{data}/sim", "card"),
        (f"<{town.printer}<", PRINTER),
        (f"->127.0.0.1:{port}]", "authority request"),
        (data, "other files"),
    )


def record(folder: Path, authority: Path) -> dict[Counted, list[Place]]:
    """The places of undisturbed issuances: terminal's and authority's of one, a clerk's station's of another."""
    with Town(folder, authority) as town:
        town.serve(*_tracer(folder / "authority.trace"))
        served = town.url.rpartition(":")[2]
        counterpart = Counterpart(town, "recorded", RESIDENTS[0])
        done = subprocess.run(
            counterpart.drill(*_tracer(folder / "terminal.trace")), capture_output=True, text=True, timeout=120
        )
        if done.returncode:
            raise RecordingFailed(done.stdout + done.stderr)
        town.stop_authority()
        town.serve()
        counterpart.check()
        elsewhere = Counterpart(town, "elsewhere", RESIDENTS[1], has_window=True)
        window = elsewhere.window
        assert window is not None
        window.attend(*_tracer(folder / "window.trace"))
        far = elsewhere.drill(*_tracer(folder / "far.trace"))
        done = subprocess.run(far, capture_output=True, text=True, timeout=120)
        window.leave()
        if done.returncode:
            raise RecordingFailed(done.stdout + done.stderr)
    terminal = _terminal_kinds(counterpart, f"{counterpart.data}/kiosk.db", town, served)
    far_terminal = _terminal_kinds(elsewhere, str(window.store), town, town.url.rpartition(":")[2])
    books = str(town.directory)
    at_authority = (
        ("store.db-journal", ROLLBACK_JOURNAL),
        (books, "commit"),
        (f"TCP:[127.0.0.1:{served}->", "answer"),
    )
    at_window = (
        (f"{window.store}-journal", ROLLBACK_JOURNAL),
        (str(window.store), "commit"),
        (f"<{folder}>", "commit"),
        (f"{window.data}/sim/till", "till"),
        (f"{window.data}/sim/display", FLEETING),
        (f"{window.data}/sim/lamp", FLEETING),
        (str(window.data), "other files"),
    )
    found = {}
    for counted, name, kinds, home in (
        (Counted.TERMINAL, "terminal", terminal, str(counterpart.data)),
        (Counted.AUTHORITY, "authority", at_authority, ""),
        (Counted.CLERKS_STATION, "window", at_window, str(window.data)),
        (Counted.FAR_TERMINAL, "far", far_terminal, str(elsewhere.data)),
    ):
        with (folder / f"{name}.trace").open() as trace:
            found[counted] = places(trace, kinds, home)
    return found


RESIDENTS = [one.code for one in load_register(SHIPPED / "demo" / "residents.toml").residents()]


def die(town: Town, death: Death, name: str, resident: str) -> bool:
    """One drill that dies, and all that follows; whether the place was reached. Raises `NotAsUndisturbed`."""
    counted = death.victim.counted
    counterpart = Counterpart(town, name, resident, has_window=counted.has_window)
    home = counterpart.window.data if counterpart.window and counted is not Counted.FAR_TERMINAL else counterpart.data
    killer = _killer(death.place, town.printer, str(home))
    if counterpart.window is not None and counted is Counted.FAR_TERMINAL:
        counterpart.window.attend()
        terminal = _start(counterpart.drill(*killer))
        _read_to_end(terminal)
        is_reached = _was_killed(terminal)
    elif counterpart.window is not None:
        attending, terminal = counterpart.window.attend(*killer), _start(counterpart.drill())
        is_reached = _first_to_end(attending, terminal) is attending
        counterpart.window.leave()
        is_reached = is_reached and _was_killed(attending)
        if is_reached and death.victim is Victim.ALL:
            terminal.kill()
            town.kill_authority()
            town.serve()
        # Whoever has asked hears from the next one that he was not answered.
        counterpart.window.attend()
        _read_to_end(terminal)
    elif counted is Counted.AUTHORITY:
        authority = town.serve(*killer)
        terminal = _start(counterpart.drill())
        authority_ended = _first_to_end(authority, terminal) is authority
        is_reached = authority_ended and _was_killed(authority)
        if is_reached and death.victim is Victim.AUTHORITY_AND_TERMINAL:
            terminal.kill()
        _read_to_end(terminal)
        town.kill_authority()
        town.serve()
    else:
        terminal = _start(counterpart.drill(*killer))
        _read_to_end(terminal)
        is_reached = _was_killed(terminal)
        if death.victim is Victim.TERMINAL_AND_AUTHORITY:
            town.kill_authority()
            town.serve()
    try:
        counterpart.check()
    # Whatever goes wrong in looking at what was left is a finding about this death, and has to name it.
    except Exception as error:
        raise NotAsUndisturbed(f"{death}: {error}") from error
    finally:
        if counterpart.window is not None:
            counterpart.window.leave()
    return is_reached


def _first_to_end(*processes: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Whichever process ends first."""
    descriptors = {os.pidfd_open(process.pid): process for process in processes}
    try:
        ended, _, _ = select.select(list(descriptors), [], [])
        return descriptors[ended[0]]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _was_killed(process: subprocess.Popen[str]) -> bool:
    """Whether a process that has ended ended as it should, and not by itself: its tracer dies of the same signal."""
    return process.wait() == -signal.SIGKILL


def _read_to_end(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    process.stdout.read()
    _end(process)


def deaths(found: dict[Counted, list[Place]], every: int, *, is_all: bool) -> list[Death]:
    """Each victim at each of its places, or at every so manieth.

    Without `is_all` not before a write to SQLite's journal: until that is synced, nothing else of a commit is written.
    """
    return [
        Death(victim, place)
        for victim in Victim
        for place in [p for p in found[victim.counted] if is_all or not _is_preparing(p)][::every]
    ]


def _is_preparing(place: Place) -> bool:
    return place.call == "pwrite64" and place.kind == ROLLBACK_JOURNAL


def portions(wanted: Sequence[Death]) -> Iterator[Sequence[Death]]:
    """Deaths that can share a town: by the dozen, but that each of an authority wants one of its own."""
    terminals = [death for death in wanted if death.victim.counted is not Counted.AUTHORITY]
    for begin in range(0, len(terminals), PORTION):
        yield terminals[begin : begin + PORTION]
    for death in wanted:
        if death.victim.counted is Counted.AUTHORITY:
            yield [death]


def die_often(authority: Path, wanted: Sequence[Death]) -> tuple[Counter[str], list[str]]:
    """Deaths in one town; how many reached their place, by victim and kind, and what was not as undisturbed."""
    counts: Counter[str] = Counter()
    violations = []
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder, Town(Path(folder), authority) as town:
        if wanted[0].victim.counted is not Counted.AUTHORITY:
            town.serve()
        for number, death in enumerate(wanted):
            try:
                is_reached = die(town, death, f"killed-{number}", RESIDENTS[number])
                counts[f"{'' if is_reached else NOT_REACHED}{death.victim}: {death.place.kind}"] += 1
            except NotAsUndisturbed as violation:
                violations.append(str(violation))
    return counts, violations


def make_authority(folder: Path) -> Path:
    """The folder of an authority that has issued nothing; towns get copies."""
    for words in (("ca", "init"), ("ca", "station", WINDOW)):
        made = run(*words, "--data", folder)
        if made.returncode:
            raise RecordingFailed(made.stderr)
    return folder


def main(argv: Sequence[str] | None = None) -> int:
    """Kills everywhere, prints the counts, and ends with 1 when anything was not as undisturbed."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.killed", description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="only at every N-th place of each victim")
    parser.add_argument("--all", action="store_true", help="also before each write to SQLite's journal")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args(argv)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=memory_folder()) as name:
        folder = Path(name)
        authority = make_authority(folder / "authority")
        (folder / "town").mkdir()
        found = record(folder / "town", authority)
        for counted, there in found.items():
            kinds = Counter(place.kind for place in there)
            print(f"{counted}: {len(there)} places: {dict(kinds)}", flush=True)
        wanted = deaths(found, args.every, is_all=args.all)
        counts: Counter[str] = Counter()
        violations: list[str] = []
        with ProcessPoolExecutor(args.processes) as workers:
            running = [workers.submit(partial(die_often, authority), portion) for portion in portions(wanted)]
            for done in as_completed(running):
                told, violated = done.result()
                counts.update(told)
                violations += violated
                elapsed_s = time.monotonic() - begun
                tried = counts.total() + len(violations)
                print(f"{tried} of {len(wanted)}, {elapsed_s:.0f} s, violations {len(violations)}", file=sys.stderr)
                print(*violated, sep="\n", end="\n" if violated else "", file=sys.stderr)
    for what, times in sorted(counts.items()):
        print(f"  {times:5} {what}")
    print(f"deaths {len(wanted)}, {time.monotonic() - begun:.0f} s, violations {len(violations)}")
    print(*violations, sep="\n", end="\n" if violations else "")
    if is_one_alive := any(what.startswith(NOT_REACHED) for what in counts):
        print("whoever was not killed where he should be shows nothing")
    return int(bool(violations) or is_one_alive)


if __name__ == "__main__":
    sys.exit(main())
