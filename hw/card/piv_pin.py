"""The PIN of a PIV card: how it is presented, and what becomes of it on a card that wants it before every signature.

By the standard the digital signature key asks for the PIN "always": in the command right before each use (NIST SP
800-73-4 part 1, table 4b). A certificate takes two signatures, minutes apart, and its owner types the PIN once. So on
such a card, and on no other, it is held from VERIFY for as many signatures, in the process that ends with the card.
"""

from hw.card.apdu import Command
from hw.card.connection import CommandPort
from hw.card.exchange import do
from hw.errors import NotSent

REFERENCE, PUK_REFERENCE = 0x80, 0x81
FACTORY_PIN, FACTORY_PUK = b"123456", b"12345678"
PADDED_BYTES = 8
_SIGNATURES = 2
"""Of the certificate request, and of the text by which the written certificate is proven."""


def padded(pin: bytes | bytearray) -> bytes:
    """8 bytes, filled with FF (part 2, 2.4.3). Raises `NotSent` for none at all and for too many."""
    if not 1 <= len(pin) <= PADDED_BYTES:
        raise NotSent("a PIN of this card has 1 to 8 characters")
    return bytes(pin).ljust(PADDED_BYTES, b"\xff")


def verify(port: CommandPort, pin: bytes | bytearray) -> None:
    """Presents the PIN once. Raises `PinRefused`, `PinLocked`."""
    do(port, "verify password", Command(0x00, 0x20, 0x00, REFERENCE, padded(pin)))


class HeldPin:
    """A PIN that the card has just taken, until it is spent, refused or wiped."""

    def __init__(self) -> None:
        self._pin = bytearray()
        self._signatures_left = 0

    def hold(self, pin: bytearray) -> None:
        """Keeps a copy of its own; the caller wipes the original."""
        self.wipe()
        self._pin = bytearray(pin)
        self._signatures_left = _SIGNATURES

    def present(self, port: CommandPort) -> None:
        """VERIFY for one signature, if there is a PIN. Whatever fails, it is not presented another time."""
        if not self._pin:
            return
        self._signatures_left -= 1
        is_kept = False
        try:
            verify(port, self._pin)
            is_kept = self._signatures_left > 0
        finally:
            if not is_kept:
                self.wipe()

    def wipe(self) -> None:
        """Overwrites it."""
        self._pin[:] = bytes(len(self._pin))
        self._pin = bytearray()
