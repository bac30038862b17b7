"""ccTalk frames as a peripheral reads and writes them, with both checksums.

Source: ccTalk Generic Specification, part 1, 7 (message structure) and 8 (CRC); frames are `dst n src header data sum`
and `dst n crc-low header data crc-high`.
"""

from dataclasses import dataclass
from enum import Enum

RESYNC_S = 0.05
"""A frame that pauses for longer between two bytes is given up (part 1, 6: inter-byte gap)."""


class Checksum(Enum):
    """How a frame is checked."""

    SIMPLE = "simple"
    CRC = "crc"


@dataclass(frozen=True)
class Request:
    """What a host asks: of `to`, by `sender` (1 where a CRC stands in its place), with the checksum that it uses."""

    to: int
    sender: int
    header: int
    data: bytes
    checksum: Checksum


def _crc(data: bytes) -> int:
    """CRC-CCITT, polynomial 1021h, starting at 0, most significant bit first."""
    crc = 0
    for value in data:
        crc ^= value << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def reply(request: Request, sender: int, header: int, data: bytes = b"") -> bytes:
    """The answer of peripheral `sender` to `request`, checked as the host checks."""
    if request.checksum is Checksum.SIMPLE:
        frame = bytes((request.sender, len(data), sender, header)) + data
        return frame + bytes((-sum(frame) & 0xFF,))
    head = bytes((request.sender, len(data)))
    crc = _crc(head + bytes((header,)) + data)
    return head + bytes((crc & 0xFF, header)) + data + bytes((crc >> 8,))


class FrameReader:
    """Puts bytes together into requests; `allowed` are the checksums that are understood."""

    def __init__(self, allowed: tuple[Checksum, ...]) -> None:
        self._allowed = allowed
        self._bytes = bytearray()
        self._last_s = 0.0
        self.ignored = 0
        """Bytes of frames that were given up."""
        self.bad_checksums = 0

    def feed(self, value: int, now_s: float) -> Request | None:
        """Takes one byte; the request that it completes, if its checksum is right."""
        if self._bytes and now_s - self._last_s > RESYNC_S:
            self.ignored += len(self._bytes)
            self._bytes.clear()
        self._last_s = now_s
        self._bytes.append(value)
        if len(self._bytes) < 2 or len(self._bytes) < 5 + self._bytes[1]:
            return None
        frame = bytes(self._bytes)
        self._bytes.clear()
        for checksum in self._allowed:
            if checksum is Checksum.SIMPLE and sum(frame) & 0xFF == 0:
                return Request(frame[0], frame[2], frame[3], frame[4:-1], checksum)
            if checksum is Checksum.CRC and _crc(frame[:2] + frame[3:-1]) == frame[2] | frame[-1] << 8:
                return Request(frame[0], 1, frame[3], frame[4:-1], checksum)
        self.bad_checksums += 1
        return None
