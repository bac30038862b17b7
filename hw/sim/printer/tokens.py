"""Splits the byte stream that a printer receives into ESC/POS commands and characters, one byte at a time.

Written to Epson's ESC/POS Command Reference. A command of unknown length is taken for its two bytes, as printers do.
"""

from collections.abc import Callable
from dataclasses import dataclass

DLE, ESC, FS, GS = 0x10, 0x1B, 0x1C, 0x1D

Length = Callable[[bytes], int]
"""How long a command is, as far as the bytes received so far tell; equal to their number when it is complete."""


@dataclass(frozen=True)
class Command:
    """A complete command: its `name` (prefix and function code, such as "GS V"), and the bytes that follow."""

    name: str
    parameters: bytes


@dataclass(frozen=True)
class Character:
    """One byte of text; two-byte characters are put together by who knows the code system."""

    code: int


Token = Command | Character


def _fixed(parameters: int) -> Length:
    return lambda command: 2 + parameters


def _counted(start: int, size: int = 2) -> Length:
    """A little-endian count of `size` bytes at `start`, then as many bytes."""

    def length(command: bytes) -> int:
        head = start + size
        return head if len(command) < head else head + int.from_bytes(command[start:head], "little")

    return length


def _until_nul(start: int) -> Length:
    return lambda command: len(command) if len(command) > start and command[-1] == 0 else max(start, len(command)) + 1


def _raster(command: bytes) -> int:
    """GS v 0 m xL xH yL yH, then x times y bytes."""
    if len(command) < 8:
        return 8
    return 8 + int.from_bytes(command[4:6], "little") * int.from_bytes(command[6:8], "little")


def _bit_image(command: bytes) -> int:
    """ESC * m nL nH, then n columns of 1 byte (m = 0, 1) or 3 bytes (m = 32, 33)."""
    if len(command) < 5:
        return 5
    return 5 + int.from_bytes(command[3:5], "little") * (3 if command[2] in (32, 33) else 1)


def _downloaded_image(command: bytes) -> int:
    """GS * x y, then x times y times 8 bytes."""
    return 4 if len(command) < 4 else 4 + command[2] * command[3] * 8


def _cut(command: bytes) -> int:
    """GS V m, and n for the forms that feed."""
    return 4 if len(command) > 2 and command[2] in (65, 66, 97, 98, 103, 104) else 3


def _barcode(command: bytes) -> int:
    """GS k m d... NUL (m = 0 to 6) or GS k m n d... (m from 65 on)."""
    if len(command) < 3:
        return 3
    return (_counted(3, size=1) if command[2] >= 65 else _until_nul(3))(command)


def _user_characters(command: bytes) -> int:
    """ESC & y c1 c2, then for each character its width x and x times y bytes."""
    if len(command) < 5:
        return 5
    end = 5
    for _ in range(command[4] - command[3] + 1):
        if len(command) <= end:
            return end + 1
        end += 1 + command[end] * command[2]
    return end


def _nv_images(command: bytes) -> int:
    """FS q n, then for each of n images xL xH yL yH and x times y times 8 bytes."""
    if len(command) < 3:
        return 3
    end = 3
    for _ in range(command[2]):
        if len(command) < end + 4:
            return end + 4
        size = [int.from_bytes(command[n : n + 2], "little") for n in (end, end + 2)]
        end += 4 + size[0] * size[1] * 8
    return end


def _bitmap_file(command: bytes) -> int:
    """GS D m fn a kc1 kc2 b c, then a Windows bitmap, which tells its length in its bytes 2 to 5."""
    return 15 if len(command) < 15 else 9 + max(6, int.from_bytes(command[11:15], "little"))


def _counter_print(command: bytes) -> int:
    """GS C m: 0 n1 n2, 1 aL aH bL bH n r, 2 nL nH, or ; sa ; sb ; sn ; sr ; sc ;."""
    if len(command) < 3:
        return 3
    if command[2] == 0x3B:
        return len(command) if command.count(b";") == 6 else len(command) + 1
    return {0x30: 5, 0x31: 9, 0x32: 5}.get(command[2] | 0x30, 3)


def _user_memory(command: bytes) -> int:
    """FS g 1 m a1 a2 a3 a4 nL nH d1...dk writes, FS g 2 m a1 a2 a3 a4 nL nH reads the user's NV memory."""
    if len(command) < 3:
        return 3
    return (_counted(8) if command[2] == 0x31 else _fixed(8))(command)


def _pulse_and_others(command: bytes) -> int:
    """DLE DC4 fn: 1 m t (pulse), 2 a b (off), 3 a n r t1 t2 (buzzer), 7 m (send status), 8 and seven (clear)."""
    if len(command) < 3:
        return 3
    return {3: 8, 7: 4, 8: 10}.get(command[2], 5)


def _status_request(command: bytes) -> int:
    """DLE EOT n, and a where n is 7 (ink), 8 (MICR) or 18 (interface)."""
    return 4 if len(command) > 2 and command[2] in (7, 8, 18) else 3


_LENGTHS: dict[int, dict[str, Length]] = {
    DLE: {"\x04": _status_request, "\x05": _fixed(1), "\x14": _pulse_and_others},
    ESC: {
        **dict.fromkeys("@2<LSimov\x0c", _fixed(0)),
        **dict.fromkeys(" !%+-3=?AEGJKMRTUVadertu{", _fixed(1)),
        **dict.fromkeys("$\\Bcf", _fixed(2)),
        "p": _fixed(3),
        "W": _fixed(8),
        "D": _until_nul(2),
        "*": _bit_image,
        "&": _user_characters,
        "(": _counted(3),
    },
    FS: {
        **dict.fromkeys("&.", _fixed(0)),
        **dict.fromkeys("!-CW", _fixed(1)),
        **dict.fromkeys("Sp?", _fixed(2)),
        "2": _fixed(74),
        "q": _nv_images,
        "g": _user_memory,
        "(": _counted(3),
    },
    GS: {
        **dict.fromkeys(":<c", _fixed(0)),
        **dict.fromkeys("!#/BEHITabfhjrw|", _fixed(1)),
        **dict.fromkeys("$ALPW\\", _fixed(2)),
        **dict.fromkeys("^z", _fixed(3)),
        "C": _counter_print,
        "D": _bitmap_file,
        "g": _fixed(4),
        "(": _counted(3),
        "8": _counted(3, size=4),
        "*": _downloaded_image,
        "V": _cut,
        "k": _barcode,
        "v": _raster,
        "Q": _raster,
    },
}
_PREFIX_NAMES = {DLE: "DLE", ESC: "ESC", FS: "FS", GS: "GS"}
_CODE_NAMES = {"\x04": "EOT", "\x05": "ENQ", "\x14": "DC4", "\x0c": "FF", " ": "SP"}
_CONTROL_NAMES = {0x07: "BEL", 0x09: "HT", 0x0A: "LF", 0x0B: "VT", 0x0C: "FF", 0x0D: "CR", 0x18: "CAN"}


class Tokenizer:
    """Collects bytes until they make one token."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._length = 1

    def feed(self, byte: int) -> Token | None:
        """Takes one byte; the token that it completes, if any."""
        self._pending.append(byte)
        while len(self._pending) == self._length:
            received = bytes(self._pending)
            self._length = _length(received)
            if self._length <= len(received):
                self.reset()
                return _token(received)
        return None

    def reset(self) -> None:
        """Forgets the beginning of a command."""
        self._pending.clear()
        self._length = 1


def _length(received: bytes) -> int:
    if received[0] not in _LENGTHS:
        return 1
    if len(received) < 2:
        return 2
    length = _LENGTHS[received[0]].get(chr(received[1]))
    return 2 if length is None else length(received)


def _token(received: bytes) -> Token:
    if received[0] not in _LENGTHS:
        if received[0] >= 0x20:
            return Character(received[0])
        return Command(_CONTROL_NAMES.get(received[0], f"{received[0]:02X}"), b"")
    code = chr(received[1])
    name = f"{_PREFIX_NAMES[received[0]]} {_CODE_NAMES.get(code, code)}"
    if code == "(" and received[0] != DLE:
        return Command(f"{name} {chr(received[2])}", received[5:])
    return Command(name, received[2:])
