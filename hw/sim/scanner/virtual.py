"""The simulated scanner: codes held before it come out as lines, when it is enabled or triggered.

Source: Honeywell N86 and Xenon guides, serial programming and trigger commands (SYN T CR, SYN U CR; SYN M CR tag data
storage, answered tag data ACK storage); Datalogic single-letter commands E, D, i, h, s, R.
"""

import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from hw.sim.fault import Fault, parse_faults

KINDS: Mapping[str, str] = {"power-off": ""}
"""The power fails and comes back before the byte: settings that were not stored are gone."""
ORDERS = ("scan TEXT", "twice TEXT", "power off")
_SYN, _CR = 0x16, 0x0D
_ACK, _ENQ, _NAK = b"\x06", b"\x05", b"\x15"
_LONGEST_MENU = 256
_VOLATILE, _STORED = b"!", b"."
_SETTINGS = {"TRGMOD": "3", "MNUENA": "1"}
"""Trigger mode (0 manual or serial, 3 presentation), programming codes read (1) or not (0)."""
_MENU_PREFIX = "MENU:"
"""What the simulated scanner takes for a programming code: this, then a setting, such as MENU:TRGMOD0."""


def parse_scanner_faults(spec: str) -> dict[int, Fault]:
    """The faults of a specification such as `power-off@3`. Raises `FaultSpecInvalid`."""
    return parse_faults(spec, KINDS)


class VirtualScanner:
    """Reads a code a time: at once while it presents, else when triggered; each line ends in `ending`.

    `has_letters` tells whether it also takes the single-letter commands of other makers.
    """

    def __init__(
        self, *, ending: bytes = b"\r\n", has_letters: bool = True, faults: Mapping[int, Fault] | None = None
    ) -> None:
        self._ending = ending
        self._has_letters = has_letters
        self._faults = faults or {}
        self._received = 0
        self._pending = bytearray()
        self._settings = dict(_SETTINGS)
        self._stored = dict(_SETTINGS)
        self._is_enabled = True
        self._is_triggered = False
        self._before = deque[str]()
        self._is_heard = False
        self.reads = 0
        self._lock = threading.RLock()

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that count now."""
        return self._settings

    def feed(self, chunk: bytes) -> bytes:
        """Receives `chunk` and returns what comes out, codes read since included; no bytes upset it."""
        with self._lock:
            answers = bytearray()
            for value in chunk:
                self._received += 1
                self._is_heard = True
                if self._received in self._faults:
                    self.obey("power off")
                self._pending.append(value)
                answers += self._execute()
            return bytes(answers) + self._read()

    def hold(self, *codes: str) -> None:
        """Holds codes before the window, one after the other; they are read once a host has said anything."""
        with self._lock:
            self._before.extend(codes)

    def obey(self, order: str) -> None:
        """Does what hands do, one of `ORDERS`."""
        word, _, text = order.partition(" ")
        with self._lock:
            match word:
                case "scan" | "twice" if text:
                    self.hold(*([text] * (2 if word == "twice" else 1)))
                    self._is_heard = True
                case "power" if text == "off":
                    self._settings = dict(self._stored)
                    self._pending.clear()
                    self._is_enabled, self._is_triggered = True, False
                case _:
                    raise ValueError(f"{order!r} is none of: {', '.join(ORDERS)}")

    def look(self) -> str:
        """Whether its light is on, and how many codes it has read."""
        with self._lock:
            return f"{'looks for a code' if self._looks() else 'rests'}, {self.reads} codes read"

    def _read(self) -> bytes:
        out = bytearray()
        while self._before and self._looks():
            code = self._before.popleft()
            if code.startswith(_MENU_PREFIX) and self._settings["MNUENA"] == "1":
                self._set(code.removeprefix(_MENU_PREFIX), is_stored=True)
                continue
            self._is_triggered = False
            self.reads += 1
            out += code.encode("utf-8") + self._ending
        return bytes(out)

    def _looks(self) -> bool:
        return self._is_heard and self._is_enabled and (self._settings["TRGMOD"] != "0" or self._is_triggered)

    def _execute(self) -> bytes:
        received = bytes(self._pending)
        if received[0] != _SYN:
            self._pending.clear()
            return self._letter(received[:1]) if self._has_letters else b""
        if len(received) < 3:
            return b""
        if received[:3] == bytes((_SYN, 0x4D, _CR)):  # SYN M CR: a menu command, up to its storage mark
            if received[-1:] not in (_VOLATILE, _STORED) and len(received) < _LONGEST_MENU:
                return b""
            self._pending.clear()
            return self._menu(received[3:-1].decode("latin-1"), received[-1:])
        self._pending.clear()
        match received[1:3]:
            case b"T\r":
                self._is_triggered = True
            case b"U\r":
                self._is_triggered = False
        return b""

    def _letter(self, letter: bytes) -> bytes:
        match letter:
            case b"E":
                self._is_enabled = True
                return _ACK
            case b"D":
                self._is_enabled = False
                return _ACK
            case b"R":
                self.obey("power off")
                return b""
            case b"i":
                return b"SIMULATED SCANNER SIM0000001" + self._ending
            case b"h":
                return b"OK" + self._ending
            case b"s":
                return b"%d" % self.reads + self._ending
            case _:
                return b""

    def _menu(self, text: str, storage: bytes) -> bytes:
        tag, value = text[:6].upper(), text[6:]
        if tag == "REVINF":
            return text.encode("latin-1") + b"SIMULATED SCANNER" + _ACK + storage
        if value == "?" and tag in self._settings:
            return tag.encode("ascii") + self._settings[tag].encode("ascii") + _ACK + storage
        status = _ACK if self._set(text, is_stored=storage == _STORED) else _ENQ if tag not in _SETTINGS else _NAK
        return text.encode("latin-1") + status + storage

    def _set(self, text: str, *, is_stored: bool) -> bool:
        tag, value = text[:6].upper(), text[6:]
        if tag not in _SETTINGS or not value.isdecimal():
            return False
        self._settings[tag] = value
        if is_stored:
            self._stored[tag] = value
        return True


def counted(directory: Path | None, scanner: VirtualScanner) -> None:
    """Keeps the number of codes read in `directory`/scanner.txt."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "scanner.txt").write_text(f"{scanner.reads}\n")
