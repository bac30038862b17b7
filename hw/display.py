"""The customer display: two lines of twenty characters that show the payer what is due. It never answers.

Source: Epson DM application programming guide (ESC/POS mode); XP8200 manual, 4.1.8 (CD5220 mode).
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hw.errors import DeviceError, TextDoesNotFit
from hw.half_width import half_width, one_byte
from hw.link.link import Link

COLUMNS, ROWS = 20, 2
_RESYNC = b"\r\r"
"""Ends a command that an earlier line was cut within, and is nothing to a display that waits for one."""
_WRITE_S = 1.0
_BRIGHTNESS = range(1, 5)


@dataclass(frozen=True)
class _Dialect:
    """Bytes before the two lines, around each of them, and how brightness is set."""

    prepare: bytes
    line: tuple[tuple[bytes, bytes], tuple[bytes, bytes]]
    brightness: bytes


_DIALECTS = {
    "escpos": _Dialect(
        prepare=b"\x1bR\x08"  # ESC R 8: Japan, 5C is the yen sign
        b"\x1bt\x01"  # ESC t 1: katakana page
        b"\x1f\x01"  # US MD1: overwrite mode
        b"\x1fC\x00",  # US C 0: no cursor
        line=((b"\x1f$\x01\x01", b""), (b"\x1f$\x01\x02", b"")),  # US $ column row
        brightness=b"\x1fX",
    ),
    "cd5220": _Dialect(
        prepare=b"\x0c"  # CLR: out of string mode, in which the others are not heard
        b"\x1bfJ"  # ESC f J: Japanese set
        b"\x1bcJ"  # ESC c J: JIS font
        b"\x1b_\x00",  # ESC _ 0: no cursor
        line=((b"\x1bQA", b"\r"), (b"\x1bQB", b"\r")),  # ESC Q A ... CR
        brightness=b"\x1b*",
    ),
}

Dialect = Literal["escpos", "cd5220"]


class CustomerDisplay:
    """Shows two lines over `link`; every frame is whole, so that a display that lost its power shows the next one.

    Every method may be called from any thread: frames of two never mix.
    """

    def __init__(
        self, link: Link, dialect: Dialect = "escpos", *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._link = link
        self._dialect = _DIALECTS[dialect]
        self._monotonic = monotonic
        self._turn = threading.Lock()
        self.line_errors = 0
        """Frames that did not leave whole since the program began."""

    def show(self, upper: str, lower: str = "") -> None:
        """Shows both lines. Raises `TextDoesNotFit` before anything is sent, else as `Link.write` does."""
        frame = _RESYNC + self._dialect.prepare
        for text, (head, tail) in zip((upper, lower), self._dialect.line, strict=True):
            frame += head + one_byte(_fitting(text)) + tail
        self._send(frame)

    def show_amount(self, label: str, yen: int) -> None:
        """Shows what an amount is, and the amount at the right of the lower line."""
        self.show(label, f"\u00a5{yen:,}".rjust(COLUMNS))

    def clear(self) -> None:
        """Shows nothing."""
        self.show("")

    def set_brightness(self, level: int) -> None:
        """1 (dim) to 4."""
        if level not in _BRIGHTNESS:
            raise ValueError(f"{level} is no brightness")
        self._send(self._dialect.brightness + bytes((level,)))

    def connect(self) -> None:
        """Opens the link where it is not open; all that can be known of a device that never answers."""
        self._send(b"")

    def _send(self, data: bytes) -> None:
        with self._turn:
            try:
                self._link.write(data, self._monotonic() + _WRITE_S)
            except DeviceError:
                self.line_errors += 1
                raise


def _fitting(text: str) -> str:
    shown = half_width(text)
    if len(shown) > COLUMNS:
        raise TextDoesNotFit(f"the line takes {len(shown)} of {COLUMNS} columns")
    return shown.ljust(COLUMNS)
