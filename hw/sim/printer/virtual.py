"""The simulated receipt printer: bytes in, answers out, sheets of paper aside."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from hw.sim.fault import Fault
from hw.sim.printer.fault import COVER_OPEN, CUTTER_JAM, NEAR_END, PAPER_END, POWER_OFF, SILENT
from hw.sim.printer.graphics import Graphics
from hw.sim.printer.head import Head
from hw.sim.printer.imaging import Imaging, here
from hw.sim.printer.interpreter import Interpreter
from hw.sim.printer.mechanism import AutomaticStatus, Mechanism, PaperState
from hw.sim.printer.real_time import RealTime, RealTimeScanner, RealTimeSettings
from hw.sim.printer.sheet import Sheet
from hw.sim.printer.tokens import Command, Tokenizer
from hw.sim.printer.tray import Tray

_SHEETS_KEPT = 1000
SERIAL = "SIM0000001"

ORDERS: Mapping[str, Callable[["VirtualPrinter"], None]] = {
    "paper end": lambda printer: printer.set_paper("end"),
    "paper near end": lambda printer: printer.set_paper("near_end"),
    "paper ok": lambda printer: printer.set_paper("ok"),
    "cover open": lambda printer: printer.set_cover(True),
    "cover close": lambda printer: printer.set_cover(False),
    "drawer close": lambda printer: printer.close_drawer(),
    "cutter jam": lambda printer: printer.jam_cutter(),
    "power off": lambda printer: printer.cycle_power(),
}
"""What hands can do, in words."""
_BY_FAULT = {
    PAPER_END: "paper end",
    NEAR_END: "paper near end",
    COVER_OPEN: "cover open",
    CUTTER_JAM: "cutter jam",
    POWER_OFF: "power off",
}


class VirtualPrinter:
    """A Japanese 80 mm printer with cutter, drawer connector and kanji ROM, `dots` wide.

    `serial` is the number by which GS I 68 tells it from others of its kind; with None it does not say who it is.
    `imaging` makes its pictures.

    A pure core: `feed` takes what the host sends and returns what the printer answers. `directory` keeps its sheets and
    non-volatile counters. While paper is out or the cover open, it holds what it receives and answers real-time
    commands only; afterwards it goes on where it was. The setters stand for a person's hands and may be called from
    another thread.
    """

    def __init__(
        self,
        *,
        directory: Path | None = None,
        dots: int = 512,
        faults: Mapping[int, Fault] | None = None,
        serial: str | None = SERIAL,
        imaging: Imaging = here,
    ) -> None:
        self.sheets: deque[Sheet] = deque(maxlen=_SHEETS_KEPT)
        self.mechanism = Mechanism()
        self._tray = Tray(directory, imaging)
        self.counters = self._tray.load()
        self._head = Head(dots)
        self._automatic = AutomaticStatus(self.mechanism)
        self._settings = RealTimeSettings()
        self._was_stopped = False
        images = self._tray.load_images()
        self._interpreter = Interpreter(
            self._head,
            self.mechanism,
            self._automatic,
            self.counters,
            self._cut,
            self._kick,
            self._settings,
            Graphics(images, lambda: self._tray.save_images(images)),
            serial,
            imaging,
        )
        self._faults = faults or {}
        self._received = 0
        self.is_silent = False
        """Whether it prints and answers nothing."""
        self._scanner = RealTimeScanner()
        self._held = deque[int]()
        self._tokenizer = Tokenizer()
        self._since_cut = bytearray()
        self._answers = bytearray()
        self._lock = threading.RLock()

    @property
    def hanging(self) -> Sheet:
        """What has been printed since the last cut, and hangs out of the printer."""
        return Sheet(self.counters.sheets + 1, bytes(self._since_cut), tuple(self._head.rows), self._head.dots)

    @property
    def unknown(self) -> tuple[Command, ...]:
        """The latest commands that meant nothing to this printer."""
        return tuple(self._interpreter.unknown)

    def feed(self, chunk: bytes) -> bytes:
        """Receives `chunk` and returns all answers that are due, also to earlier bytes; no bytes upset it."""
        with self._lock:
            for place, byte in enumerate(chunk):
                self._received += 1
                if self._received in self._faults:
                    fault = self._faults[self._received]
                    self._fail(fault)
                    if fault.kind == POWER_OFF:
                        # It takes seconds to start, and hears nothing of what arrives meanwhile.
                        self._received += len(chunk) - place - 1
                        break
                self._held.append(byte)
                self._work()
                command = self._scanner.feed(byte)
                if command:
                    self._act(command)
            answers = bytes(self._answers)
            self._answers.clear()
            return answers

    def set_paper(self, state: PaperState) -> None:
        """Puts in a new roll, or lets it run low or out."""
        with self._lock:
            self.mechanism.paper = state
            self._resume()

    def set_cover(self, is_open: bool) -> None:
        """Opens or closes the cover."""
        with self._lock:
            self.mechanism.is_cover_open = is_open
            self._resume()

    def jam_cutter(self) -> None:
        """Stops at a cutter error, from which DLE ENQ recovers."""
        with self._lock:
            self.mechanism.is_cutter_jammed = True
            self._report_change()

    def close_drawer(self) -> None:
        """Pushes the cash drawer shut."""
        with self._lock:
            self.mechanism.is_drawer_open = False
            self._report_change()

    def cycle_power(self) -> None:
        """Switches off and on: buffers, settings and errors are gone, paper, counters and what is printed stay."""
        with self._lock:
            self._clear()
            self._head.reset()
            self._scanner = RealTimeScanner()
            self.mechanism.is_cutter_jammed = False
            self._interpreter.reset()
            self._settings.has_pulse, self._settings.offline_response = True, 0
            self._answers.clear()

    def obey(self, order: str) -> None:
        """Does what hands do, one of `ORDERS`."""
        if order not in ORDERS:
            raise ValueError(f"{order!r} is none of: {', '.join(ORDERS)}")
        ORDERS[order](self)

    def look(self) -> str:
        """Paper, cover, cutter, drawer, and how many papers have come out."""
        seen = self.mechanism
        cover = "open" if seen.is_cover_open else "closed"
        cutter = ", cutter jammed" if seen.is_cutter_jammed else ""
        drawer = "open" if seen.is_drawer_open else "closed"
        return f"paper {seen.paper}, cover {cover}{cutter}, drawer {drawer}, {self.counters.cuts} papers cut off"

    def _fail(self, fault: Fault) -> None:
        if fault.kind == SILENT:
            self.is_silent = True
        else:
            self.obey(_BY_FAULT[fault.kind])

    def _work(self) -> None:
        """Processes what the receive buffer holds, as long as the printer is not stopped."""
        while self._held and not self.mechanism.is_stopped:
            byte = self._held.popleft()
            self._since_cut.append(byte)
            token = self._tokenizer.feed(byte)
            if token:
                self._say(self._interpreter.execute(token))

    def _resume(self) -> None:
        self._report_change()
        self._work()

    def _act(self, command: RealTime) -> None:
        """Executes a real-time command."""
        match command:
            case RealTime("EOT", n):
                status = self.mechanism.real_time(n)
                if status is not None:
                    self._say(bytes((status,)))
            case RealTime("PULSE") if self._settings.has_pulse:
                self._kick()
            case RealTime("CLEAR"):
                self._clear()
                self._say(b"\x37\x25\x00")
            case RealTime("ENQ", (1 | 2) as n) if self.mechanism.is_cutter_jammed:
                self.mechanism.is_cutter_jammed = False
                if n == 2:
                    self._clear()
                self._resume()

    def _clear(self) -> None:
        """Empties receive and print buffer; what is printed stays on the paper."""
        self._since_cut += bytes(self._held)
        self._held.clear()
        self._tokenizer.reset()
        self._interpreter.clear()

    def _cut(self) -> None:
        counters = self.counters
        counters.sheets += 1
        counters.cuts += 1
        counters.total_cuts += 1
        counters.lines += self._head.lines_printed
        counters.total_lines += self._head.lines_printed
        self._head.lines_printed = 0
        sheet = Sheet(counters.sheets, bytes(self._since_cut), self._head.take_rows(), self._head.dots)
        self._since_cut.clear()
        self._tray.drop(sheet, counters)
        self.sheets.append(sheet)

    def _kick(self) -> None:
        self.mechanism.is_drawer_open = True
        self.counters.drawer_kicks += 1
        self._tray.save(self.counters)
        self._report_change()

    def _report_change(self) -> None:
        self._say(self._automatic.changes())
        if self.mechanism.is_stopped and not self._was_stopped and self._settings.offline_response:
            has_cause = self._settings.offline_response == 2
            self._say(b"\x37\x23" + (self.mechanism.offline_cause() if has_cause else b"") + b"\x00")
        self._was_stopped = self.mechanism.is_stopped

    def _say(self, answer: bytes) -> None:
        if not self.is_silent:
            self._answers += answer
