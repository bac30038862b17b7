"""Command and response APDUs as values, and their bytes in short and extended form (ISO/IEC 7816-4, 5.1)."""

from dataclasses import dataclass, field

from hw.errors import CardAnswerInvalid

CHAINING = 0x10
"""Bit of CLA that marks every piece of a command but its last (ISO/IEC 7816-4, 5.4.1)."""

SECURE_MESSAGING = 0x04
"""Bit of CLA that marks a command under a secure channel (ISO/IEC 7816-4, 5.4.1; GlobalPlatform 2.3.1, 11.1.4)."""


@dataclass(frozen=True)
class Limits:
    """The most a command can carry and ask for: bytes of command data, bytes of answer data."""

    data: int
    answer: int

    def within(self, other: "Limits") -> "Limits":
        """What passes here and there."""
        return Limits(min(self.data, other.data), min(self.answer, other.answer))


SHORT = Limits(data=255, answer=256)
EXTENDED = Limits(data=65535, answer=65536)


@dataclass(frozen=True)
class Command:
    """One command APDU; `le` is the most answer data wanted (1 to 65536 bytes), None when none is expected.

    The data never shows in the repr: it may be a password. Raises ValueError for what the standard does not know.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int | None = None

    def __post_init__(self) -> None:
        if not all(0 <= byte <= 0xFF for byte in (self.cla, self.ins, self.p1, self.p2)):
            raise ValueError("a header field is one byte")
        if self.cla == 0xFF or self.ins & 0xF0 in (0x60, 0x90):
            raise ValueError(f"CLA {self.cla:02X} INS {self.ins:02X} is reserved (ISO/IEC 7816-3, 10.3.2)")
        if len(self.data) > EXTENDED.data or (self.le is not None and not 1 <= self.le <= EXTENDED.answer):
            raise ValueError("Lc or Le outside what an APDU can say")

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    @property
    def lc(self) -> bytes:
        """The Lc field: empty without data, one byte in a short command, three in an extended one."""
        if not self.data:
            return b""
        return b"\0" + len(self.data).to_bytes(2, "big") if self.is_extended else bytes((len(self.data),))

    def encode(self) -> bytes:
        """The bytes on the wire, in the short form whenever both lengths fit it."""
        return self.header + self.lc + self.data + self._le

    @property
    def is_extended(self) -> bool:
        """Whether a length field needs the extended form."""
        return len(self.data) > SHORT.data or (self.le or 0) > SHORT.answer

    @property
    def _le(self) -> bytes:
        if self.le is None:
            return b""
        if not self.is_extended:
            return bytes((self.le & 0xFF,))
        return (b"" if self.data else b"\0") + (self.le & 0xFFFF).to_bytes(2, "big")


@dataclass(frozen=True)
class Response:
    """One answer: data and status word. The data never shows in the repr: it may be a person's certificate."""

    data: bytes = field(repr=False)
    sw: int

    @classmethod
    def decode(cls, answer: bytes) -> "Response":
        """Splits an answer. Raises `CardAnswerInvalid` when there is no status word of the form 6xxx or 9xxx."""
        if len(answer) < 2 or answer[-2] & 0xF0 not in (0x60, 0x90):
            raise CardAnswerInvalid(f"an answer of {len(answer)} bytes ends in no status word")
        return cls(answer[:-2], int.from_bytes(answer[-2:], "big"))
