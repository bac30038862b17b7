"""A trace of card traffic that holds no password and no certificate of a person, as lines of text.

    > 00A4020C02 001B
    < 9000 1.2 ms

What cannot be told to be harmless is masked: passwords, keys and data objects by instruction, file contents by the file
that is read or was selected before, everything under a secure channel.
"""

from collections.abc import Callable

from hw.card.apdu import SECURE_MESSAGING
from hw.errors import DeviceError

_SELECT, _READ_BINARY, _UPDATE_BINARY, _GET_RESPONSE = 0xA4, 0xB0, 0xD6, 0xC0
_PASSWORD_COMMANDS = frozenset({0x20, 0x24, 0x2C})
_KEY_AND_OBJECT_COMMANDS = frozenset({0x87, 0xCB, 0xD8, 0xDB, 0xF9, 0xFE, 0xFF})
"""Authentication, data objects, attestation, import of keys, management key; and the issuer's own (D8)."""

_SHORT_IDENTIFIER = 0x80
_READ_OR_ITS_END = (b"\x90\x00", b"\x62\x82")
_PUBLIC_FILES = frozenset({bytes.fromhex("0002"), bytes.fromhex("0006"), bytes.fromhex("000B")})


class RedactingTrace:
    """Writes two lines an exchange through `write`; itself a `hw.card.connection.Trace`."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._is_public_file = False
        self._is_masked = False

    def __call__(self, command: bytes, answer: bytes | DeviceError, duration_s: float) -> None:
        """Traces one exchange: the command, and the answer or the error that came instead."""
        header, data, le = _split(command)
        if header[1] in (_READ_BINARY, _UPDATE_BINARY) and header[2] & _SHORT_IDENTIFIER:
            self._is_public_file = bytes((0, header[2] & ~_SHORT_IDENTIFIER)) in _PUBLIC_FILES
        is_data_masked = self._mask(cla=header[0], ins=header[1])
        if header[1] in _PASSWORD_COMMANDS and data:
            self._write(f"> {header[:4].hex().upper()} [password]")
        else:
            self._write(f"> {_words(header.hex().upper(), _shown(data, is_data_masked), le.hex().upper())}")
        if isinstance(answer, DeviceError):
            self._is_public_file = False
            told = type(answer).__name__
        else:
            if header[1] in (_READ_BINARY, _UPDATE_BINARY) and header[2] & _SHORT_IDENTIFIER:
                self._is_public_file &= answer[-2:] in _READ_OR_ITS_END
            if header[1] == _SELECT:
                self._is_public_file = data in _PUBLIC_FILES and answer == b"\x90\x00"
            told = _words(_shown(answer[:-2], self._is_masked), answer[-2:].hex().upper())
        self._write(f"< {told} {duration_s * 1000:.1f} ms")

    def _mask(self, cla: int, ins: int) -> bool:
        """Whether data is masked both ways; GET RESPONSE goes on with what the command before it was."""
        is_secured = bool(cla & SECURE_MESSAGING)
        if ins != _GET_RESPONSE:
            is_file_content = ins in (_READ_BINARY, _UPDATE_BINARY)
            is_secret = ins in _KEY_AND_OBJECT_COMMANDS or (is_file_content and not self._is_public_file)
            self._is_masked = is_secured or is_secret
        if is_secured:
            self._is_public_file = False
        return self._is_masked


def _split(command: bytes) -> tuple[bytes, bytes, bytes]:
    """Header with Lc, data, and Le; a command of no known form is all data behind its first four bytes."""
    body = command[4:]
    if len(body) <= 1 or (len(body) == 3 and body[0] == 0):
        return command[:4], b"", body
    field, length = (3, int.from_bytes(body[1:3], "big")) if body[0] == 0 else (1, body[0])
    end = field + length
    if len(body) < end:
        return command[:4], body, b""
    return command[: 4 + field], body[field:end], body[end:]


def _shown(data: bytes, is_masked: bool) -> str:
    return f"[{len(data)} bytes]" if is_masked and data else data.hex().upper()


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)
