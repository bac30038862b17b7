"""Decodes what an ESC/POS printer sends: real-time, automatic and in-order status, blocks and responses in one stream.

Each kind has fixed bits that tell it from the others, so answers are known by their kind and never by being next.
Source: Epson TM-T88III and TM-U375 specifications, "notes for transmitting status"; GS ( H, DLE DC4 8, GS I, GS g 2.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class RealTimeStatus:
    """Answer to DLE EOT n, 0xx1xx10; which n it answers is known only to who asked."""

    value: int


@dataclass(frozen=True)
class AutomaticStatus:
    """Automatic Status Back (GS a), four bytes."""

    value: bytes


@dataclass(frozen=True)
class InOrderStatus:
    """Answer to GS r and to GS I 1 to 3, one byte 0xx0xxxx."""

    value: int


@dataclass(frozen=True)
class Block:
    """Answer to GS I 65 to 69 and to GS g 2: the bytes between 5F and 00."""

    data: bytes


@dataclass(frozen=True)
class ProcessReport:
    """Answer to GS ( H, function 48: what was sent before this id has been printed."""

    process_id: str


@dataclass(frozen=True)
class OfflineReport:
    """Response of GS ( H, function 49: the printer went offline, with the causes as bytes 40 to 7F."""

    causes: bytes


@dataclass(frozen=True)
class BuffersCleared:
    """Answer to DLE DC4 8: receive and print buffer are empty."""


@dataclass(frozen=True)
class FlowControl:
    """XON (`may_send`) or XOFF from a serial printer whose driver leaves them in the stream."""

    may_send: bool


@dataclass(frozen=True)
class Unknown:
    """A byte that belongs to nothing above."""

    value: int


Event = (
    RealTimeStatus
    | AutomaticStatus
    | InOrderStatus
    | Block
    | ProcessReport
    | OfflineReport
    | BuffersCleared
    | FlowControl
    | Unknown
)

_REAL_TIME = rb"[\x12\x16\x1a\x1e\x32\x36\x3a\x3e\x52\x56\x5a\x5e\x72\x76\x7a\x7e]"  # 0xx1xx10
_AUTOMATIC = rb"[\x10\x14\x18\x1c\x30\x34\x38\x3c\x50\x54\x58\x5c\x70\x74\x78\x7c]"  # 0xx1xx00
_IN_ORDER = rb"[\x00-\x0f\x20-\x2f\x40-\x4f\x60-\x6f]"  # 0xx0xxxx

_WHOLE = re.compile(
    rb"(?P<flow>[\x11\x13])"
    rb"|(?P<real_time>" + _REAL_TIME + rb")"
    rb"|(?P<automatic>" + _AUTOMATIC + _IN_ORDER + rb"{3})"
    rb"|(?P<in_order>" + _IN_ORDER + rb")"
    rb"|\x5f(?P<block>[\x01-\xff]{0,256})\x00"
    rb"|\x37\x22(?P<process>[\x20-\x7e]{4})\x00"
    rb"|\x37\x23(?P<offline>[\x40-\x7f]{0,256})\x00"
    rb"|(?P<cleared>\x37\x25\x00)",
    re.DOTALL,
)
_BEGUN = re.compile(
    _AUTOMATIC + _IN_ORDER + rb"{0,2}"
    rb"|\x5f[\x01-\xff]{0,256}"
    rb"|\x37(\x22[\x20-\x7e]{0,4}|\x23[\x40-\x7f]{0,256}|\x25)?",
    re.DOTALL,
)


class StatusDecoder:
    """Turns the printer's byte stream into events, however the stream is cut."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """Decodes `chunk` together with what was incomplete before; never raises."""
        data, start, events = self._pending + chunk, 0, list[Event]()
        while start < len(data):
            whole = _WHOLE.match(data, start)
            if whole:
                events.append(_event(whole))
                start = whole.end()
            elif _BEGUN.fullmatch(data, start):
                break
            else:
                events.append(Unknown(data[start]))
                start += 1
        self._pending = data[start:]
        return events

    def flush(self) -> list[Event]:
        """Gives up what is incomplete: call it when the printer has been silent, so that a torn answer ends there."""
        pending, self._pending = self._pending, b""
        return [Unknown(value) for value in pending]


def _event(whole: re.Match[bytes]) -> Event:
    """The event that one complete match stands for."""
    data = whole[whole.lastgroup or 0]
    match whole.lastgroup:
        case "flow":
            return FlowControl(may_send=data == b"\x11")
        case "real_time":
            return RealTimeStatus(data[0])
        case "automatic":
            return AutomaticStatus(data)
        case "in_order":
            return InOrderStatus(data[0])
        case "block":
            return Block(data)
        case "process":
            return ProcessReport(data.decode("ascii"))
        case "offline":
            return OfflineReport(data)
        case _:
            return BuffersCleared()
