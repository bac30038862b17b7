"""The driver of a receipt printer: one paper sent once, and what is known about it afterwards."""

import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.errors import AnotherDevice, DeviceError, LinkLost, NotSent, OutcomeUnknown, PrinterBlocked
from hw.link.identity import KnownIdentity
from hw.link.link import Link
from hw.ports import Paper, PrinterStatus, PrintJob, PrintOutcome
from hw.printer import commands
from hw.printer.causes import FAULTS, describe, describe_automatic
from hw.printer.drawing import FONTS
from hw.printer.layout import IN_STEP, render
from hw.printer.models import PrinterModel
from hw.printer.qr_code import PRINT_QR_CODE
from hw.printer.status import AutomaticStatus, Block, BuffersCleared, Event, RealTimeStatus, StatusDecoder

_SLOWEST_BYTES_PER_S = 960  # 9600 baud, the slowest line that such printers are set to
_READ_SIZE = 4096
_IDENTITY = (66, 67, 65, 68)
_IDENTITY_TRIES = 3
_QUIET_S = 0.1  # longer than any gap inside one answer
STATUS_PATIENCE_S = 0.4
"""How long whoever looks after a printer waits for its status: real-time commands are answered in milliseconds."""
_LOOK_EVERY_S = 0.3
"""How often a printer is asked during a print; with the owner's own looks it is known within a second."""


@dataclass
class PrinterCounts:
    """What the driver counted since the program began; `ack_latency_ms` is from the last job's last byte on."""

    ack_latency_ms: int | None = None
    unknown_outcomes: int = 0
    reprints: int = 0
    """Jobs sent again under the id of one whose outcome was unknown."""
    failed_cuts: int = 0
    barcodes: int = 0
    """QR codes on papers of which the printer said that they came out."""
    cover_openings: int = 0
    overheatings: int = 0
    faults: int = 0
    """Errors of its mechanism, as it told them: a stuck cutter, and others that a person or nobody can remove."""
    line_errors: int = 0
    """Questions that it answered neither in order nor in real time."""

    def see(self, causes: Collection[str], before: Collection[str]) -> None:
        """Counts what stops the printer now and did not when it last told of itself."""
        new = set(causes) - set(before)
        self.cover_openings += "cover_open" in new
        self.overheatings += "head_hot" in new
        self.faults += not new.isdisjoint(FAULTS)


class EscposPrinter:
    """Drives a `model` over `link`; implements `hw.ports.ReceiptPrinter`.

    `patience_s` is how long an answer may take, and how much longer than computed a print may; whoever only asks for
    the status waits no longer than `STATUS_PATIENCE_S`. A one-way link (a file) never answers: its status is unknown,
    nothing is asked before printing, and every job ends UNKNOWN.
    """

    def __init__(
        self,
        link: Link,
        model: PrinterModel,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        fonts: Sequence[Path] = FONTS,
        is_drawer_open_when_high: bool = True,
        patience_s: float = 2.0,
    ) -> None:
        self._link = link
        self._model = model
        self._monotonic = monotonic
        self._fonts = fonts
        self._is_drawer_open_when_high = is_drawer_open_when_high
        self._patience_s = patience_s
        self._decoder = StatusDecoder()
        self.counts = PrinterCounts()
        self._sent_s = 0.0
        self._unknown_job_id: str | None = None
        self._sent_job_id: str | None = None
        self._cuts_before: int | None = None
        self._came_out = False
        self._is_cut_off = False
        self._known = KnownIdentity()
        self._is_met = False
        self._causes: tuple[str, ...] = ()
        self.told: PrinterStatus | None = None
        """The newest that the printer told of itself, asked or by itself; None since a job began and it said nothing.

        May be read from any thread, above all while a job is under way and nobody else may ask.
        """

    @property
    def is_one_way(self) -> bool:
        """Whether it can never answer, as a file cannot."""
        return self._link.is_one_way

    def status(self) -> PrinterStatus:
        """Asks DLE EOT 1 to 4 one by one, because the answers do not tell which one they answer.

        Raises `OutcomeUnknown` without an answer, `NotSent`, `LinkLost`.
        """
        return self._status(min(self._patience_s, STATUS_PATIENCE_S))

    def _status(self, patience_s: float) -> PrinterStatus:
        if self._link.is_one_way:
            raise OutcomeUnknown("nothing can answer on this link")
        answers = {}
        for n in (1, 2, 3, 4):
            answer = self._ask_real_time(n, patience_s / 2 if n == 1 else patience_s)
            if answer is None and n == 1:
                # A line cut within a question of before: the printer took this one for the rest of that.
                answer = self._ask_real_time(n, patience_s / 2)
                self._await(lambda event: False, self._monotonic() + _QUIET_S)  # both may be answered, late
            if not isinstance(answer, RealTimeStatus):
                raise OutcomeUnknown(f"printer does not answer DLE EOT {n}")
            answers[n] = answer.value
        return self._take_note(describe(answers, is_drawer_open_when_high=self._is_drawer_open_when_high))

    def render(self, paper: Paper, job_id: str) -> PrintJob:
        """See `hw.printer.layout.render`."""
        return render(paper, job_id, self._model, self._fonts)

    def print(self, job: PrintJob, on_state: Callable[[PrintOutcome], None] | None = None) -> PrintOutcome:
        """Sends the job once, after the printer said that it can print and proved that it follows.

        Where the model counts its cuts, CONFIRMED also means that there was exactly one more; where it does not, a job
        that was printed is PRINTED, since nothing in ESC/POS tells then whether it was cut off.
        Causes of `PrinterBlocked` are those of `hw.printer.causes`, `link_lost` (it cannot be reached), `no_answer`,
        `busy` (it answers, but still holds something that was sent before, or takes nothing), and `another_device`
        (since the line was lost another printer sits on it, which `accept_replacement` has not been told to take).
        """
        outcome = self._print(job, on_state or (lambda state: None))
        if outcome is PrintOutcome.UNKNOWN:
            self.counts.unknown_outcomes += 1
            self.counts.failed_cuts += self._came_out and not self._link.is_one_way
        if self._came_out:
            self.counts.barcodes += job.data.count(PRINT_QR_CODE)
        self._unknown_job_id = job.job_id if outcome is PrintOutcome.UNKNOWN else None
        return outcome

    def _print(self, job: PrintJob, tell: Callable[[PrintOutcome], None]) -> PrintOutcome:
        if not self._link.is_one_way:
            self._require_ready()
        self.told = None
        tell(PrintOutcome.SENDING)
        self._sent_job_id, self._came_out, self._is_cut_off = job.job_id, False, False
        self.counts.reprints += job.job_id == self._unknown_job_id
        transfer_s = len(job.data) / _SLOWEST_BYTES_PER_S
        try:
            self._send(job.data, self._monotonic() + transfer_s + self._patience_s)
        except NotSent as error:
            raise PrinterBlocked(("link_lost" if self._link.is_one_way else "busy",)) from error
        except (OutcomeUnknown, LinkLost):
            return PrintOutcome.UNKNOWN
        self._sent_s = self._monotonic()
        tell(PrintOutcome.SENT)
        paper_mm = job.preview.count("\n") * self._model.line_dots / self._model.dots_per_mm
        return self.await_confirmation(job, transfer_s + paper_mm / self._model.speed_mm_s + self._patience_s)

    def await_confirmation(self, job: PrintJob, timeout_s: float) -> PrintOutcome:
        """Looks for the confirmation of the job that was sent last, for at most `timeout_s`; prints nothing.

        A printer that ran out of paper holds the job, goes on after the new roll and confirms late: then a job that was
        UNKNOWN is CONFIRMED (or PRINTED) here. Any other job than the last is UNKNOWN.
        """
        if job.job_id != self._sent_job_id:
            return PrintOutcome.UNKNOWN
        try:
            self._await_coming_out(self._monotonic() + timeout_s)
            if self._came_out and not self._is_cut_off:
                if self._cuts_before is None:
                    return PrintOutcome.PRINTED
                self._require_same()
                self._is_cut_off = self._count_cuts() == self._cuts_before + 1
        except DeviceError:
            return PrintOutcome.UNKNOWN
        return PrintOutcome.CONFIRMED if self._is_cut_off else PrintOutcome.UNKNOWN

    def cuts(self) -> int | None:
        """Asks GS g 2, which is answered in order: after everything sent before, and not while offline.

        A printer that takes the question for the rest of a command, within which its link was cut, is emptied first.
        None where the model has no counter. Raises `PrinterBlocked`, also for another printer than before, whose count
        tells nothing; `OutcomeUnknown` when there is no answer, `LinkLost`.
        """
        if self._model.cut_counter is None or self._link.is_one_way:
            return None
        if causes := self.status().causes:
            raise PrinterBlocked(causes)
        self._require_same()
        return self._count_cuts()

    def identity(self) -> str:
        """Maker, model, firmware and serial number, as far as it tells them (GS I); "" where it tells nothing.

        Raises `PrinterBlocked`, since a printer that is offline answers none of it; `AnotherDevice` for another one
        than before, `OutcomeUnknown`, `LinkLost`.
        """
        if self._link.is_one_way:
            return ""
        if causes := self.status().causes:
            raise PrinterBlocked(causes)
        self._meet()
        return self._known.text

    def accept_replacement(self, seen: str | None = None) -> None:
        """A person has exchanged the printer; see `KnownIdentity.accept`."""
        self._known.accept(seen)

    def counter(self, number: int) -> int | None:
        """A maintenance counter (GS g 2), or None when the printer has none of that number. Raises as `cuts` does."""
        if self._link.is_one_way:
            return None
        if causes := self.status().causes:
            raise PrinterBlocked(causes)
        request = commands.report_counter(number)
        answer = self._ask(request, lambda event: isinstance(event, Block) and event.data.isdigit())
        return int(answer.data) if isinstance(answer, Block) else None

    def connect(self) -> None:
        """Opens the link where it is not open. Raises `NotSent`."""
        self._send(b"", self._monotonic() + self._patience_s)

    def open_drawer(self) -> None:
        """Kicks the drawer, in real time when the printer is blocked and would keep the ordinary pulse waiting.

        Raises `OutcomeUnknown`, `LinkLost`, `NotSent`; a kick may be repeated.
        """
        is_blocked = not self._link.is_one_way and bool(self._status(self._patience_s).causes)
        pulse = commands.DRAWER_PULSE_NOW if is_blocked else commands.DRAWER_PULSE
        self._send(pulse, self._monotonic() + self._patience_s)

    def recover(self, *, clear: bool) -> None:
        """Lets it go on after an error that a person has removed, such as a stuck cutter (DLE ENQ).

        With `clear` it forgets what it had received (ENQ 2), else it prints that on from the beginning of the line at
        which it stopped (ENQ 1). Without an error it does nothing. Raises `NotSent`, `OutcomeUnknown`, `LinkLost`;
        may be repeated.
        """
        self._send(commands.recover(clear=clear), self._monotonic() + self._patience_s)

    def _ask_real_time(self, n: int, patience_s: float) -> Event | None:
        with contextlib.suppress(LinkLost):  # lost while idle: writing opens it anew, or says that it cannot
            self._await(lambda event: False, self._monotonic())
        deadline_s = self._monotonic() + patience_s
        self._send(commands.report_real_time(n), deadline_s)
        answer = self._await(lambda event: isinstance(event, RealTimeStatus), deadline_s)
        if answer is None:
            self.counts.line_errors += 1
            self._give_up()
        return answer

    def _count_cuts(self) -> int | None:
        if self._model.cut_counter is None or self._link.is_one_way:
            return None
        request = commands.report_counter(self._model.cut_counter)

        def ask() -> Event | None:
            return self._ask(request, lambda event: isinstance(event, Block) and event.data.isdigit())

        answer = ask() or (ask() if self._clear() else None)
        if not isinstance(answer, Block):
            raise OutcomeUnknown("printer does not answer GS g 2")
        if not self._is_met:
            raise LinkLost("the line was lost while the cuts were asked: another printer may have counted them")
        return int(answer.data)

    def _require_ready(self) -> None:
        """Raises `PrinterBlocked` unless the printer can print and nothing sent before is left in it."""
        self._sent_job_id = None
        try:
            causes = self._status(self._patience_s).causes
            if not causes and not self._is_in_step():
                causes = ("busy",)
            if not causes:
                self._require_same()
                self._cuts_before = self._count_cuts()
        except PrinterBlocked:
            raise
        except OutcomeUnknown as error:
            raise PrinterBlocked(("no_answer",)) from error
        except (NotSent, LinkLost) as error:
            raise PrinterBlocked(("link_lost",)) from error
        if causes:
            raise PrinterBlocked(causes)

    def _require_same(self) -> None:
        """Raises `PrinterBlocked` when another printer than before sits on a line that was lost meanwhile."""
        try:
            if not self._is_met:
                self._meet()
        except AnotherDevice as error:
            raise PrinterBlocked(("another_device",)) from error

    def _meet(self) -> None:
        """Finds out who is there. Raises `AnotherDevice`; `OutcomeUnknown` for one that says nothing, unlike before."""
        found = self._ask_identity()
        if not found:
            # It took the question for the rest of a command, or tells nothing at all.
            if not self._is_in_step():
                raise PrinterBlocked(("busy",))
            found = self._ask_identity()
        if not found and self._known.text:
            raise OutcomeUnknown("printer does not answer GS I, as it did before")
        self._known.check(found)
        self._is_met = True

    def _ask_identity(self) -> str:
        """What GS I tells twice in the same words, so that no disturbed line makes a stranger of it; "" for nothing."""
        told = ""
        for _ in range(_IDENTITY_TRIES):
            texts = []
            for n in _IDENTITY:
                answer = self._ask(commands.report_identity(n), lambda event: isinstance(event, Block))
                if not isinstance(answer, Block):
                    break
                texts.append(answer.data.decode("ascii", "replace"))
            if not texts:
                return ""
            before, told = told, " ".join(texts)
            if told == before:
                break
        return told

    def _is_in_step(self) -> bool:
        """Whether it takes the next byte for a command, emptied first where that is what it needs."""
        return self._follows() or (self._clear() and self._follows())

    def _follows(self) -> bool:
        """Whether the printer has worked off what it got, so that it takes the next byte for a command.

        After a link was cut inside a command the printer takes the head of the next job for the rest of that command,
        prints the job without it, and confirms it all the same.
        """
        confirmation = self._model.confirmation
        answer = self._ask(confirmation.mark(IN_STEP), lambda event: confirmation.is_answer(event, IN_STEP))
        if answer is not None and not confirmation.names_job:
            # It may have been the late answer to an earlier job; then ours follows at once.
            self._await(lambda event: False, self._monotonic() + _QUIET_S)
        return answer is not None

    def _clear(self) -> bool:
        """Empties the printer's buffers of an earlier job's remains, where the model can; whether it did."""
        if not self._model.has_clear:
            return False
        return self._ask(commands.CLEAR_BUFFERS, lambda event: isinstance(event, BuffersCleared)) is not None

    def _ask(self, request: bytes, is_answer: Callable[[Event], bool]) -> Event | None:
        """Sends `request`, which is worked off in order, and waits for its answer; None where none comes.

        Whatever else comes is taken note of. A printer that is slow to answer is asked in real time as well, which one
        that is there answers whatever it does. Raises `OutcomeUnknown` when it answers neither: it is gone, and nothing
        else need be asked.
        """
        with contextlib.suppress(LinkLost):  # lost while idle: writing opens it anew, or says that it cannot
            self._await(lambda event: False, self._monotonic())
        begun_s = self._monotonic()
        deadline_s = begun_s + self._patience_s
        is_there = False

        def is_expected(event: Event) -> bool:
            nonlocal is_there
            is_there = is_there or isinstance(event, RealTimeStatus)
            return is_answer(event)

        self._send(request, deadline_s)
        if answer := self._await(is_expected, begun_s + min(_LOOK_EVERY_S, self._patience_s / 2)):
            return answer
        try:
            self._send(commands.report_real_time(1), deadline_s)
        except (NotSent, OutcomeUnknown):
            is_there = True  # it holds the line back, as only somebody who is there does
        answer = self._await(is_expected, deadline_s)
        if answer is None:
            self._give_up()
            if not is_there:
                self.counts.line_errors += 1
                raise OutcomeUnknown("printer answers neither in order nor in real time")
        elif not is_there:
            # Else a late answer would be taken for that to the next question.
            self._await(lambda event: isinstance(event, RealTimeStatus), self._monotonic() + _QUIET_S)
        return answer

    def _give_up(self) -> None:
        self._decoder.flush()
        self._is_met = False  # whoever answers after a silence may be another one

    def _send(self, data: bytes, deadline_s: float) -> None:
        try:
            self._link.write(data, deadline_s)
        except LinkLost:
            self._is_met = False
            raise

    def _receive(self, deadline_s: float) -> bytes:
        try:
            return self._link.read(_READ_SIZE, deadline_s)
        except LinkLost:
            self._is_met = False
            raise

    def _await(self, is_answer: Callable[[Event], bool], deadline_s: float) -> Event | None:
        """Reads until an event satisfies `is_answer`; None when the deadline has passed."""
        while chunk := self._receive(deadline_s):
            answer = None
            for event in self._decoder.feed(chunk):
                self._note(event)
                if answer is None and is_answer(event):
                    answer = event
            if answer is not None or self._monotonic() >= deadline_s:
                return answer
        return None

    def _await_coming_out(self, deadline_s: float) -> None:
        """Reads until the last job's confirmation came; meanwhile asks the printer, which tells `told` what stops it.

        A printer that does not answer in time is not asked again: its late answer would be taken for another's.
        """
        is_asked = not self._link.is_one_way
        until_s = self._monotonic()
        self._await(lambda event: self._came_out, until_s)
        while not self._came_out and until_s < deadline_s:
            until_s = min(until_s + _LOOK_EVERY_S, deadline_s) if is_asked else deadline_s
            self._await(lambda event: self._came_out, until_s)
            if not self._came_out and until_s < deadline_s:
                is_asked = self._look(deadline_s)

    def _look(self, deadline_s: float) -> bool:
        """Asks for the status within a print; whether it was told. Raises `LinkLost`."""
        answers = {}
        for n in (1, 2, 3, 4):
            until_s = min(self._monotonic() + STATUS_PATIENCE_S, deadline_s)
            try:
                self._send(commands.report_real_time(n), until_s)
            except (NotSent, OutcomeUnknown):
                return False
            answer = self._await(lambda event: isinstance(event, RealTimeStatus), until_s)
            if not isinstance(answer, RealTimeStatus):
                return False
            answers[n] = answer.value
        self._take_note(describe(answers, is_drawer_open_when_high=self._is_drawer_open_when_high))
        return True

    def _take_note(self, status: PrinterStatus) -> PrinterStatus:
        self.counts.see(status.causes, self._causes)
        self.told, self._causes = status, status.causes
        return status

    def _note(self, event: Event) -> None:
        """Remembers the confirmation of the last job, whenever it comes, and what the printer tells by itself."""
        if isinstance(event, AutomaticStatus):
            self._take_note(describe_automatic(event.value, is_drawer_open_when_high=self._is_drawer_open_when_high))
        if self._sent_job_id is not None and self._model.confirmation.is_answer(event, self._sent_job_id):
            if not self._came_out:
                self.counts.ack_latency_ms = round((self._monotonic() - self._sent_s) * 1000)
            self._came_out = True
