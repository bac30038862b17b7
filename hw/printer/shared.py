"""Lets several threads use one printer, one call at a time, so that a status view never cuts into a print."""

from collections.abc import Callable
from threading import RLock

from hw.ports import Paper, PrinterStatus, PrintJob, PrintOutcome
from hw.printer.escpos import EscposPrinter


class SharedPrinter:
    """Implements `hw.ports.ReceiptPrinter` over another one; a call waits for the one before."""

    def __init__(self, printer: EscposPrinter) -> None:
        self._printer = printer
        self._turn = RLock()

    @property
    def is_one_way(self) -> bool:
        """Whether it can never answer."""
        return self._printer.is_one_way

    def status_unless_busy(self) -> PrinterStatus | None:
        """Asks the printer; while another call is under way, at once what it told by itself, or None."""
        if not self._turn.acquire(blocking=False):
            return self._printer.told
        try:
            return self._printer.status()
        finally:
            self._turn.release()

    def status(self) -> PrinterStatus:
        """Asks the printer."""
        with self._turn:
            return self._printer.status()

    def render(self, paper: Paper, job_id: str) -> PrintJob:
        """Turns a paper into bytes; needs no turn, since nothing is sent."""
        return self._printer.render(paper, job_id)

    def print(self, job: PrintJob, on_state: Callable[[PrintOutcome], None] | None = None) -> PrintOutcome:
        """Sends the job once."""
        with self._turn:
            return self._printer.print(job, on_state)

    def cuts(self) -> int | None:
        """The printer's own count of cuts."""
        with self._turn:
            return self._printer.cuts()

    def open_drawer(self) -> None:
        """Kicks the drawer."""
        with self._turn:
            self._printer.open_drawer()

    def identity(self) -> str:
        """Maker, model, firmware and serial number."""
        with self._turn:
            return self._printer.identity()

    def accept_replacement(self) -> None:
        """A person has exchanged the printer on purpose."""
        with self._turn:
            self._printer.accept_replacement()

    def counter(self, number: int) -> int | None:
        """A maintenance counter."""
        with self._turn:
            return self._printer.counter(number)

    def connect(self) -> None:
        """Opens the link where it is not open."""
        with self._turn:
            self._printer.connect()
