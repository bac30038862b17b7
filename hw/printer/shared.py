"""The one thread that talks to a receipt printer, whoever asks: one call at a time, so that none cuts into a print."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hw.errors import LinkLost
from hw.ports import Paper, PrinterStatus, PrintJob, PrintOutcome
from hw.printer.escpos import EscposPrinter, PrinterCounts

T = TypeVar("T")


class SharedPrinter:
    """Implements `hw.ports.ReceiptPrinter` over another one; a call waits for the one before.

    All bytes pass in a thread of its own, `on_state` of a print is called there too; a caller who is interrupted while
    he waits leaves the call whole.
    """

    def __init__(self, printer: EscposPrinter) -> None:
        self._printer = printer
        self._turn = threading.Lock()
        self._owner = threading.local()
        self._thread = ThreadPoolExecutor(1, "printer", self._own)
        self._is_closed = False

    def close(self) -> None:
        """Ends the thread, after the call that is under way; every later one raises `LinkLost`."""
        with self._turn:
            self._is_closed = True
        self._thread.shutdown()

    def _own(self) -> None:
        self._owner.is_here = True

    def _do(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, done by the thread that owns the printer."""
        if getattr(self._owner, "is_here", False):
            return work()  # asked from within a call, such as by `on_state`
        with self._turn:
            return self._done(work)

    def _done(self, work: Callable[[], T]) -> T:
        if self._is_closed:
            raise LinkLost("closed")
        return self._thread.submit(work).result()

    @property
    def is_one_way(self) -> bool:
        """Whether it can never answer."""
        return self._printer.is_one_way

    @property
    def counts(self) -> PrinterCounts:
        """What the driver counted; may be read while it prints."""
        return self._printer.counts

    def status_unless_busy(self) -> PrinterStatus | None:
        """Asks the printer; while another call is under way, at once the newest that it told, or None."""
        if not self._turn.acquire(blocking=False):
            return self._printer.told
        try:
            return self._done(self._printer.status)
        finally:
            self._turn.release()

    def status(self) -> PrinterStatus:
        """Asks the printer."""
        return self._do(self._printer.status)

    def render(self, paper: Paper, job_id: str) -> PrintJob:
        """Turns a paper into bytes; needs no turn, since nothing is sent."""
        return self._printer.render(paper, job_id)

    def print(self, job: PrintJob, on_state: Callable[[PrintOutcome], None] | None = None) -> PrintOutcome:
        """Sends the job once."""
        return self._do(lambda: self._printer.print(job, on_state))

    def cuts(self) -> int | None:
        """The printer's own count of cuts."""
        return self._do(self._printer.cuts)

    def open_drawer(self) -> None:
        """Kicks the drawer."""
        self._do(self._printer.open_drawer)

    def recover(self, *, clear: bool) -> None:
        """Goes on after an error that a person has removed."""
        self._do(lambda: self._printer.recover(clear=clear))

    def identity(self) -> str:
        """Maker, model, firmware and serial number."""
        return self._do(self._printer.identity)

    def accept_replacement(self, seen: str | None = None) -> None:
        """A person has exchanged the printer on purpose."""
        self._do(lambda: self._printer.accept_replacement(seen))

    def counter(self, number: int) -> int | None:
        """A maintenance counter."""
        return self._do(lambda: self._printer.counter(number))

    def connect(self) -> None:
        """Opens the link where it is not open."""
        self._do(self._printer.connect)
