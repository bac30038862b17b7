"""Command and answer of a card: the strict parser (ISO/IEC 7816-3, 12.1.3) and the status words (7816-4, 5.6)."""

from dataclasses import dataclass, field
from enum import IntEnum

SHORT_ANSWER_SIZE = 256
EXTENDED_ANSWER_SIZE = 65536


class Status(IntEnum):
    """The status words this card answers; `TRIES`, `MORE` and `LE_WRONG` carry a count in their low bits."""

    OK = 0x9000
    MORE = 0x6100
    END_OF_FILE = 0x6282
    FILE_DEACTIVATED = 0x6283
    CRYPTOGRAM_WRONG = 0x6300
    TRIES = 0x63C0
    CHANNEL_NOT_SUPPORTED = 0x6881
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882
    CHAIN_BROKEN = 0x6883
    CHAINING_NOT_SUPPORTED = 0x6884
    LENGTH_WRONG = 0x6700
    FILE_KIND_WRONG = 0x6981
    SECURITY_NOT_SATISFIED = 0x6982
    PIN_BLOCKED = 0x6983
    PIN_UNSET = 0x6984
    CONDITIONS_NOT_SATISFIED = 0x6985
    NO_FILE_SELECTED = 0x6986
    DATA_WRONG = 0x6A80
    FUNCTION_NOT_SUPPORTED = 0x6A81
    FILE_NOT_FOUND = 0x6A82
    FILE_TOO_SMALL = 0x6A84
    P1P2_WRONG = 0x6A86
    REFERENCE_NOT_FOUND = 0x6A88
    OFFSET_WRONG = 0x6B00
    LE_WRONG = 0x6C00
    INS_UNKNOWN = 0x6D00
    CLA_UNKNOWN = 0x6E00


class Refusal(Exception):
    """The card answers nothing but `sw`, and did nothing."""

    def __init__(self, sw: Status) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


@dataclass(frozen=True)
class Command:
    """One command; `le` is the number of answer bytes wanted (1 to 65536), None when none are expected.

    `data` may hold a PIN and stays out of the representation. `extended` is the encoding of the length fields.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int | None = None
    extended: bool = False

    @property
    def p1p2(self) -> int:
        """P1 and P2 as one number."""
        return self.p1 << 8 | self.p2


@dataclass(frozen=True)
class Answer:
    """Answer data and status word."""

    data: bytes = field(default=b"", repr=False)
    sw: int = Status.OK


def parse(raw: bytes) -> Command:
    """The command in `raw`, in any of the cases 1, 2S to 4S, 2E to 4E. Raises `Refusal` 6700 for anything else."""
    if len(raw) < 4:
        raise Refusal(Status.LENGTH_WRONG)
    cla, ins, p1, p2, *_ = raw
    body = raw[4:]
    data, le, extended = _parse_extended(body) if len(body) > 1 and body[0] == 0 else _parse_short(body)
    return Command(cla, ins, p1, p2, data, le, extended)


def _parse_short(body: bytes) -> tuple[bytes, int | None, bool]:
    if not body:
        return b"", None, False
    if len(body) == 1:
        return b"", body[0] or SHORT_ANSWER_SIZE, False
    lc, rest = body[0], body[1:]
    if len(rest) == lc:
        return rest, None, False
    if len(rest) == lc + 1:
        return rest[:lc], rest[lc] or SHORT_ANSWER_SIZE, False
    raise Refusal(Status.LENGTH_WRONG)


def _parse_extended(body: bytes) -> tuple[bytes, int | None, bool]:
    length, rest = int.from_bytes(body[1:3], "big"), body[3:]
    if len(body) == 3:
        return b"", length or EXTENDED_ANSWER_SIZE, True
    if length and len(rest) == length:
        return rest, None, True
    if length and len(rest) == length + 2:
        return rest[:length], int.from_bytes(rest[length:], "big") or EXTENDED_ANSWER_SIZE, True
    raise Refusal(Status.LENGTH_WRONG)
