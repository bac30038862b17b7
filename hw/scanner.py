"""The QR and barcode scanner: lines from a serial line, each one checked before anybody sees it.

A code is somebody else's text: what does not fit the grammar of the thing that is asked for is refused, with a reason
and never with its content. Source: Honeywell N86 and Xenon guides, serial trigger commands; Datalogic and CipherLab
host commands E and D.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from hw.errors import LinkLost
from hw.link.link import Link

LONGEST = 256
_GAP_S = 0.1
_SAME_S = 1.0
_WRITE_S = 1.0
_READ = 4096
_ENDS = b"\r\n"
_ACKNOWLEDGEMENTS = b"\x05\x06\x15"  # to commands of the host; they stand outside lines


class Refusal(StrEnum):
    """Why a line was not taken."""

    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    NOT_ASCII = "not_ascii"
    TORN = "torn"
    WRONG_FORM = "wrong_form"
    REPEATED = "repeated"


@dataclass(frozen=True, repr=False)
class Scanned:
    """A code of the form that was asked for."""

    text: str


@dataclass(frozen=True)
class ScanRefused:
    """A code that was not taken; its content is told to nobody."""

    reason: Refusal


ScanEvent = Scanned | ScanRefused


class LineDecoder:
    """Turns bytes into lines, however they are cut; of what is longer than `LONGEST` nothing is kept."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._is_too_long = False
        self._last_s: float | None = None

    def feed(self, chunk: bytes, now_s: float) -> list[bytes | Refusal]:
        """The lines that `chunk` completes, without their ends; a line with a gap in it is torn."""
        lines: list[bytes | Refusal] = []
        if self._last_s is not None and now_s - self._last_s > _GAP_S and (self._line or self._is_too_long):
            self._drop()
            lines.append(Refusal.TORN)
        if chunk:
            self._last_s = now_s
        for value in chunk:
            if value in _ENDS:
                if self._is_too_long:
                    lines.append(Refusal.TOO_LONG)
                elif self._line:
                    lines.append(bytes(self._line))
                self._drop()
            elif value in _ACKNOWLEDGEMENTS and not self._line:
                continue
            elif len(self._line) == LONGEST:
                self._is_too_long = True
            else:
                self._line.append(value)
        return lines

    def _drop(self) -> None:
        self._line.clear()
        self._is_too_long = False


@dataclass(frozen=True)
class _Dialect:
    """The host's commands that make a scanner look, and not look."""

    look: bytes
    rest: bytes


_DIALECTS = {
    "plain": _Dialect(b"", b""),
    "honeywell": _Dialect(b"\x16T\r", b"\x16U\r"),
    "datalogic": _Dialect(b"E", b"D"),
}

Dialect = Literal["plain", "honeywell", "datalogic"]


class CodeScanner:
    """Reads codes whose whole text matches `form` over `link`; the same one again within a second is one.

    `setup` are the commands, from the manual of the scanner at hand, that it is sent each time before it looks: above
    all the one that switches programming barcodes off, or a resident with a printed sheet could change its settings.
    """

    def __init__(
        self,
        link: Link,
        form: str,
        *,
        dialect: Dialect = "plain",
        setup: Sequence[bytes] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._form = re.compile(form)
        self._dialect = _DIALECTS[dialect]
        self._setup = tuple(setup)
        self._monotonic = monotonic
        self._decoder = LineDecoder()
        self._last: tuple[str, float] | None = None
        self.good_scans = 0
        """Codes taken since the program began."""

    def connect(self) -> None:
        """Opens the link where it is not open. Raises `NotSent`, `LinkLost`."""
        self._write(b"")

    def look(self) -> None:
        """Makes the scanner look for a code; what it read before, for nobody, is thrown away."""
        self._write(b"".join(self._setup) + self._dialect.look)
        self._link.drain_input()
        self._decoder = LineDecoder()

    def rest(self) -> None:
        """Makes the scanner look no more."""
        self._write(self._dialect.rest)

    def read(self, timeout_s: float) -> list[ScanEvent]:
        """What was read, waiting at most `timeout_s` for the first code. Raises `LinkLost`."""
        until_s = self._monotonic() + timeout_s
        while True:
            chunk = self._link.read(_READ, until_s)
            events = [self._event(line) for line in self._decoder.feed(chunk, self._monotonic())]
            if events or not chunk or self._monotonic() >= until_s:
                return events

    def _event(self, line: bytes | Refusal) -> ScanEvent:
        if isinstance(line, Refusal):
            return ScanRefused(line)
        if not line.isascii():
            return ScanRefused(Refusal.NOT_ASCII)
        text = line.decode("ascii")
        if not text.isprintable():
            return ScanRefused(Refusal.CONTROL_CHARACTER)
        if self._form.fullmatch(text) is None:
            return ScanRefused(Refusal.WRONG_FORM)
        now_s = self._monotonic()
        is_repeated = self._last is not None and self._last[0] == text and now_s - self._last[1] < _SAME_S
        self._last = (text, now_s)
        if is_repeated:
            return ScanRefused(Refusal.REPEATED)
        self.good_scans += 1
        return Scanned(text)

    def _write(self, data: bytes) -> None:
        # An empty write opens the link, so that whoever only listens is connected too.
        try:
            self._link.write(data, self._monotonic() + _WRITE_S)
        except LinkLost:
            self._link.write(data, self._monotonic() + _WRITE_S)
