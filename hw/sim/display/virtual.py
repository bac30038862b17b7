"""The simulated customer display: the ESC/POS (Epson DM-D) and the CD5220 commands on one glass.

Source: Epson DM application programming guide; XP8200 manual 4.1.2 (EPSON mode) and 4.1.8 (CD5220 mode). A display is
set to one of them by a switch; where they differ (ESC W, ESC c, ESC f) `is_cd5220` decides, the rest never collides.
"""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from hw.sim.display.screen import Screen
from hw.sim.fault import Fault, parse_faults

KINDS: Mapping[str, str] = {"power-off": ""}
"""The power fails and comes back before the byte: the glass is empty, settings are gone."""
ORDERS = ("power off",)
_TEXT = "display.txt"
_ESC, _US, _CR, _CLR, _CAN = 0x1B, 0x1F, 0x0D, 0x0C, 0x18
_LONGEST_STRING = 40
_COUNTS: dict[int, dict[str, int]] = {
    _US: {**dict.fromkeys("\x0a\x0dB\x01\x02\x03@:U", 0), **dict.fromkeys("XECr,.;v", 1), **dict.fromkeys("$#T^", 2)},
    _ESC: {**dict.fromkeys("@\x11\x12\x13", 0), **dict.fromkeys("Rt=%?*_fc", 1), "l": 2, "[": 1},
}
"""Command prefix and letter to the number of parameters; ESC Q, ESC W and ESC & are read otherwise."""


def parse_display_faults(spec: str) -> dict[int, Fault]:
    """The faults of a specification such as `power-off@40`. Raises `FaultSpecInvalid`."""
    return parse_faults(spec, KINDS)


class VirtualDisplay:
    """Two lines of twenty characters; says nothing. `directory` shows them in display.txt, brightness 0 as empty."""

    def __init__(
        self,
        *,
        directory: Path | None = None,
        is_cd5220: bool = False,
        faults: Mapping[int, Fault] | None = None,
    ) -> None:
        self.screen = Screen()
        self._path = None if directory is None else directory / _TEXT
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        self._is_cd5220 = is_cd5220
        self._faults = faults or {}
        self._received = 0
        self._pending = bytearray()
        self._is_katakana = self._is_japan = False
        self._is_selected = True
        self._is_string_mode = False
        self.unknown: list[bytes] = []
        """Commands that meant nothing to it, the latest hundred."""
        self._lock = threading.RLock()
        self._show()

    def feed(self, chunk: bytes) -> bytes:
        """Receives `chunk`; no bytes upset it, and it never answers."""
        with self._lock:
            for value in chunk:
                self._received += 1
                if self._received in self._faults:
                    self.obey("power off")
                self._pending.append(value)
                if self._execute(bytes(self._pending)):
                    self._pending.clear()
            if chunk:
                self._show()
            return b""

    def obey(self, order: str) -> None:
        """Does what hands do, one of `ORDERS`."""
        if order not in ORDERS:
            raise ValueError(f"{order!r} is none of: {', '.join(ORDERS)}")
        with self._lock:
            self._pending.clear()
            self._initialize()
            self._show()

    def look(self) -> str:
        """Its two lines."""
        with self._lock:
            return " / ".join(self.screen.lines)

    def _initialize(self) -> None:
        self.screen = Screen()
        self._is_katakana = self._is_japan = self._is_string_mode = False
        self._is_selected = True

    def _execute(self, received: bytes) -> bool:
        """Does what is complete in `received`; whether it was."""
        code = received[0]
        if code in (_ESC, _US):
            if len(received) < 2:
                return False
            length = _length(received, is_cd5220=self._is_cd5220)
            if length is None or length > len(received):
                return False
            letter = chr(received[1])
            is_selecting = code == _ESC and letter == "="
            if is_selecting or self._is_selected:
                self._command(code, letter, received[2:], received)
            return True
        if self._is_selected:
            self._single(code)
        return True

    def _command(self, prefix: int, letter: str, parameters: bytes, received: bytes) -> None:
        if prefix == _ESC and letter == "Q":
            self._write_string(parameters)
        elif self._is_string_mode and letter != "@":
            pass  # after ESC Q only CLR and CAN lead back
        elif not (self._us(letter, parameters) if prefix == _US else self._esc(letter, parameters)):
            self.unknown = [*self.unknown, received][-100:]

    def _us(self, letter: str, p: bytes) -> bool:
        screen = self.screen
        moves: dict[str, Callable[[], None]] = {"\x0a": screen.up, "B": screen.bottom}
        modes: dict[str, Literal["overwrite", "vertical", "horizontal"]] = {
            "\x01": "overwrite",
            "\x02": "vertical",
            "\x03": "horizontal",
        }
        match letter:
            case _ if letter in moves:
                moves[letter]()
            case _ if letter in modes:
                screen.mode = modes[letter]
            case "\x0d":
                screen.column = 19
            case "$":
                screen.move_to(p[0], p[1])
            case "X" if 1 <= p[0] <= 4:
                screen.brightness = p[0]
            case "E":
                screen.blink = p[0]
            case "C":
                screen.is_cursor_on = p[0] in b"\x011"
            case "#" if p[1] <= 20:
                (screen.marks.add if p[0] in b"\x011" else screen.marks.discard)(p[1])
            case "," | "." | ";":
                self._print(p[0])
            case "@" | "r" | "v" | ":" | "^" | "T" | "U":
                pass  # self-test, reverse, DTR, macros, clock: nothing that a host sees in the text
            case _:
                return False
        return True

    def _esc(self, letter: str, p: bytes) -> bool:
        screen = self.screen
        modes: dict[str, Literal["overwrite", "vertical", "horizontal"]] = {
            "\x11": "overwrite",
            "\x12": "vertical",
            "\x13": "horizontal",
        }
        moves: dict[int, Callable[[], None]] = {
            0x41: screen.up,
            0x42: screen.down,
            0x43: screen.right,
            0x44: screen.left,
            0x48: screen.home,
            0x4B: screen.bottom,
        }
        match letter:
            case "@":
                self._initialize()
            case "=":
                self._is_selected = bool(p[0] & 2)
            case "R":
                self._is_japan = p[0] == 8
            case "t":
                self._is_katakana = p[0] == 1
            case "f":
                self._is_japan = p[0] == 0x4A  # J
            case "c":
                self._is_katakana = p[0] == 0x4A
            case "*" if 1 <= p[0] <= 4:
                screen.brightness = p[0]
            case "_":
                screen.is_cursor_on = p[0] in b"\x011"
            case "l":
                screen.move_to(p[0], p[1])
            case "[" if p[0] in moves:
                moves[p[0]]()
            case "[" if p[0] in b"LR":
                screen.column = 0 if p[0] == 0x4C else 19
            case _ if letter in modes:
                screen.mode = modes[letter]
            case "%" | "?" | "&" | "W":
                pass  # characters of one's own and windows are taken and not shown
            case _:
                return False
        return True

    def _single(self, code: int) -> None:
        screen = self.screen
        if self._is_string_mode and code not in (_CLR, _CAN):
            return
        match code:
            case 0x08:
                screen.left()
            case 0x09:
                screen.right()
            case 0x0A:
                screen.down()
            case 0x0B:
                screen.home()
            case 0x0C:
                screen.clear()
                self._is_string_mode = False
            case 0x0D:
                screen.column = 0
            case 0x18:
                screen.clear_line()
                self._is_string_mode = False
            case _ if code >= 0x20:
                self._print(code)
            case _:
                self.unknown = [*self.unknown, bytes((code,))][-100:]

    def _write_string(self, parameters: bytes) -> None:
        row, text = parameters[:1], "".join(map(self._character, parameters[1:-1]))
        self._is_string_mode = True
        if row in (b"A", b"D"):  # D scrolls; what is seen first is its beginning
            self.screen.write_line(0, text)
        elif row == b"B":
            self.screen.write_line(1, text)

    def _print(self, code: int) -> None:
        self.screen.put(self._character(code))

    def _character(self, code: int) -> str:
        if code == 0x5C and self._is_japan:
            return "\u00a5"
        if code < 0x80:
            return chr(code)
        text = bytes((code,)).decode("cp932" if self._is_katakana else "cp437", errors="ignore")
        return text if len(text) == 1 and text.isprintable() else " "

    def _show(self) -> None:
        if self._path is None:
            return
        text = "".join(f"{line.rstrip()}\n" for line in self.screen.lines)
        draft = self._path.with_suffix(".new")
        draft.write_text(text, "utf-8")
        os.replace(draft, self._path)


def _length(received: bytes, *, is_cd5220: bool) -> int | None:
    """Length of the command that begins in `received`; None when more of it must be seen first."""
    prefix, letter = received[0], chr(received[1])
    if prefix == _ESC and letter == "Q":  # row, text, CR
        end = received.find(_CR, 3)
        return len(received) if end >= 0 or len(received) > 3 + _LONGEST_STRING else None
    if prefix == _ESC and letter == "W":
        if is_cd5220:
            return 6 if len(received) > 2 and received[2] in b"\x011" else 3
        return 8 if len(received) > 3 and received[3] in b"\x011" else 4
    if prefix == _ESC and letter == "&":
        return _characters_length(received)
    return 2 + _COUNTS[prefix].get(letter, 0)


def _characters_length(received: bytes) -> int | None:
    """ESC & s n m, then for each character its width a and s times a bytes."""
    if len(received) < 5:
        return None
    end = 5
    for _ in range(max(0, received[4] - received[3] + 1)):
        if len(received) <= end:
            return None
        end += 1 + received[end] * received[2]
    return end
