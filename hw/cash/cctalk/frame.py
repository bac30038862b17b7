"""ccTalk frames as a host writes and reads them, with both checksums.

Source: ccTalk Generic Specification, part 1, 7 and 8: `to n from header data sum`, where all bytes add up to 0 modulo
256; or `to n crc-low header data crc-high`, CRC-CCITT over to, n, header, data, starting at 0.
"""

import binascii
from dataclasses import dataclass
from typing import Literal

Checksum = Literal["simple", "crc"]

HOST = 1
LONGEST_DATA = 252
_OVERHEAD = 5


@dataclass(frozen=True)
class Answer:
    """What a peripheral answered: `header` 0 is ACK, or data; 5 NAK, 6 BUSY. `sender` is None under a CRC."""

    sender: int | None
    header: int
    data: bytes


def encode(to: int, header: int, data: bytes, checksum: Checksum) -> bytes:
    """A command of the host to peripheral `to`."""
    if len(data) > LONGEST_DATA:
        raise ValueError(f"{len(data)} bytes are too many for one frame")
    if checksum == "simple":
        frame = bytes((to, len(data), HOST, header)) + data
        return frame + bytes((-sum(frame) % 256,))
    crc = binascii.crc_hqx(bytes((to, len(data), header)) + data, 0)
    return bytes((to, len(data), crc & 0xFF, header)) + data + bytes((crc >> 8,))


def length(received: bytes) -> int:
    """How long the frame is that begins in `received`, as far as its bytes tell."""
    return 2 if len(received) < 2 else received[1] + _OVERHEAD


def decode(frame: bytes, checksum: Checksum) -> Answer | None:
    """The answer in a whole frame to the host; None when it is damaged, or not for the host."""
    if len(frame) < _OVERHEAD or len(frame) != length(frame) or frame[0] != HOST:
        return None
    data = frame[4:-1]
    if checksum == "simple":
        return Answer(frame[2], frame[3], data) if sum(frame) % 256 == 0 else None
    crc = binascii.crc_hqx(frame[:2] + frame[3:4] + data, 0)
    return Answer(None, frame[3], data) if crc == frame[2] | frame[-1] << 8 else None
