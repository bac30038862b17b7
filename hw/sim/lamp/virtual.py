"""The simulated signal tower: Patlite's PNS and PHN commands on one socket.

Source: NHL manual 3.5 (PHN) and 3.6 (PNS); LA6-POE manual 5.1 (PNS, product AB) and 5.2 (PHN). PNS answers 06 or 15,
PHN the letters ACK or NAK.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from hw.sim.fault import Fault, parse_faults

KINDS: Mapping[str, str] = {"power-off": "", "silent": "", "nak": ""}
"""Power lost and back before the byte; nothing answered from it on; every command refused from it on."""
ORDERS = ("power off", "refuse", "accept")
TIERS = ("red", "amber", "green", "blue", "white")
_STATE = "lamp.json"
_ACK, _NAK = b"\x06", b"\x15"
_OFF, _ON, _FLASH, _FLASH_2, _KEEP = 0, 1, 2, 3, 9
_GIVEN_UP_S = 1.0
_NH, _LA6 = b"XX", b"AB"
_BUZZERS = {_NH: 4, _LA6: 11}
_LA6_FLASHING = 2
_MAC = bytes.fromhex("8039e5000001")
_COLORS = (b"\xff\x00\x00", b"\xff\xcc\x00", b"\x00\xff\x00", b"\x00\x33\xff", b"\xff\xff\xff")


def parse_lamp_faults(spec: str) -> dict[int, Fault]:
    """The faults of a specification such as `silent@7`. Raises `FaultSpecInvalid`."""
    return parse_faults(spec, KINDS)


class VirtualLamp:
    """Five tiers (00 off, 01 on, 02 and 03 flashing) and a buzzer (0 silent); `directory` shows them in lamp.json."""

    def __init__(
        self,
        *,
        directory: Path | None = None,
        faults: Mapping[int, Fault] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tiers = [_OFF] * len(TIERS)
        self.buzzer = 0
        self._path = None if directory is None else directory / _STATE
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        self._faults = faults or {}
        self._monotonic = monotonic
        self._received = 0
        self._pending = bytearray()
        self._last_s = 0.0
        self.is_silent = self.refuses = False
        self._lock = threading.RLock()
        self._show()

    def feed(self, chunk: bytes) -> bytes:
        """Receives `chunk` and returns what it answers; no bytes upset it."""
        with self._lock:
            answers = bytearray()
            now_s = self._monotonic()
            if self._pending and now_s - self._last_s > _GIVEN_UP_S:
                self._pending.clear()
            for value in chunk:
                self._last_s = now_s
                self._received += 1
                if self._received in self._faults:
                    self._fail(self._faults[self._received].kind)
                self._pending.append(value)
                if len(self._pending) >= _length(self._pending):
                    answers += self._execute(bytes(self._pending))
                    self._pending.clear()
            if chunk:
                self._show()
            return b"" if self.is_silent else bytes(answers)

    def obey(self, order: str) -> None:
        """Does what hands do, one of `ORDERS`."""
        if order not in ORDERS:
            raise ValueError(f"{order!r} is none of: {', '.join(ORDERS)}")
        with self._lock:
            if order == "power off":
                self._fail("power-off")
            else:
                self.refuses = order == "refuse"
            self._show()

    def look(self) -> str:
        """Which lights are lit or flash, and whether it sounds."""
        with self._lock:
            words = {_ON: "lit", _FLASH: "flashing", _FLASH_2: "flashing"}
            lights = [f"{name} {words[tier]}" for name, tier in zip(TIERS, self.tiers, strict=True) if tier in words]
            return ", ".join((*lights, *(("buzzer",) if self.buzzer else ()))) or "dark"

    def _fail(self, kind: str) -> None:
        match kind:
            case "power-off":
                self._pending.clear()
                self._clear()
            case "silent":
                self.is_silent = True
            case "nak":
                self.refuses = True

    def _clear(self) -> None:
        self.tiers, self.buzzer = [_OFF] * len(TIERS), 0

    def _execute(self, command: bytes) -> bytes:
        if command[:1] == b"W":
            return b"NAK" if self.refuses else self._write_phn(command[1])
        if command[:1] == b"R":
            return b"R" + bytes((self._phn(),))
        product, identifier, data = command[:2], command[2:3], command[6:]
        if self.refuses or product not in _BUZZERS:
            return _NAK
        match identifier:
            case b"S" if len(data) == 6:
                return self._control(data[:5], data[5], _BUZZERS[product])
            case b"D" if len(data) == 7 and product == _LA6:  # colours of five tiers, flashing, buzzer
                tiers = [_OFF if color == 0 else _FLASH if data[5] else _ON for color in data[:5]]
                return self._control(bytes(tiers), data[6], _BUZZERS[product])
            case b"C" if not data:
                self._clear()
                return _ACK
            case b"G" if not data:
                return self._status(product)
            case b"E" if not data and product == _LA6:
                return self._detailed_status()
            case _:
                return _NAK

    def _control(self, tiers: bytes, buzzer: int, buzzers: int) -> bytes:
        if any(tier not in (_OFF, _ON, _FLASH, _FLASH_2, _KEEP) for tier in tiers):
            return _NAK
        if buzzer > buzzers and buzzer != _KEEP:
            return _NAK
        self.tiers = [now if new == _KEEP else new for now, new in zip(self.tiers, tiers, strict=True)]
        self.buzzer = self.buzzer if buzzer == _KEEP else buzzer
        return _ACK

    def _status(self, product: bytes) -> bytes:
        if product == _NH:
            return bytes((*self.tiers, self.buzzer))
        return bytes((*bytes(8), 0, *(min(tier, _LA6_FLASHING) for tier in self.tiers), self.buzzer))

    def _detailed_status(self) -> bytes:
        tiers = b"".join(
            bytes((min(tier, _LA6_FLASHING),)) + (color if tier else bytes(3))
            for tier, color in zip(self.tiers, _COLORS, strict=True)
        )
        return _MAC + bytes(8) + bytes(1) + bytes(4) + tiers + bytes((self.buzzer,))

    def _write_phn(self, bits: int) -> bytes:
        # Bits 0 to 2 light, 5 to 7 flash; lighting goes before flashing, buzzer pattern 1 (bit 3) before 2 (bit 4).
        for tier in range(3):
            self.tiers[tier] = _ON if bits >> tier & 1 else _FLASH if bits >> (5 + tier) & 1 else _OFF
        self.buzzer = 1 if bits & 0x08 else 2 if bits & 0x10 else 0
        return b"ACK"

    def _phn(self) -> int:
        lit = sum(1 << tier for tier in range(3) if self.tiers[tier] == _ON)
        flashing = sum(1 << 5 + tier for tier in range(3) if self.tiers[tier] in (_FLASH, _FLASH_2))
        return lit | flashing | {1: 0x08, 2: 0x10}.get(self.buzzer, 0)

    def _show(self) -> None:
        if self._path is not None:
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps({**dict(zip(TIERS, self.tiers, strict=True)), "buzzer": self.buzzer}))
            os.replace(draft, self._path)


def _length(received: bytearray) -> int:
    """Bytes of the command that begins in `received`: PHN by its letter, PNS by its size, anything else alone."""
    match received[:1]:
        case b"W":
            return 2
        case b"X" | b"A":
            return 6 if len(received) < 6 else 6 + min(255, int.from_bytes(received[4:6], "big"))
        case _:
            return 1
