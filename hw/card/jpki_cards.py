"""What is where on cards with the JPKI application, as data: by the label a card bears, and by the layout of its files.

File identifiers of the public interface are those that other software for these cards uses.
"""

import string
from dataclasses import dataclass

from hw.ports import KeyUse, PinPolicy


@dataclass(frozen=True)
class Place:
    """Where one key pair is: identifiers of its certificate's file, its key and its password, and that one's rules."""

    certificate: bytes
    key: bytes
    pin: bytes
    pin_policy: PinPolicy


@dataclass(frozen=True)
class Layout:
    """How a card keeps a certificate: at most `file_bytes`, and how it is kept from being read before it is whole.

    With `has_life_cycle` the file is deactivated, written and activated (ISO/IEC 7816-9, 4). Without, what makes it
    readable, its first byte, is removed first and written last.
    """

    file_bytes: int
    has_life_cycle: bool


LAYOUTS = {
    1: Layout(file_bytes=4096, has_life_cycle=False),
    2: Layout(file_bytes=2048, has_life_cycle=True),
}
"""By the number in the card's identity (tag C3); a card that names none has the first. Municipalities differ in it."""

_CERTIFICATE, _KEY, _PIN = b"\x00\x01", b"\x00\x1a", b"\x00\x1b"

SIGNATURE = Place(_CERTIFICATE, _KEY, _PIN, PinPolicy(4, 16, string.ascii_letters + string.digits))
"""Where every card of this kind has its signature key, whatever its label."""

CARDS: dict[str, dict[KeyUse, Place]] = {
    "juki-2011": {KeyUse.SIGNATURE: SIGNATURE},
    "myna-2016": {
        KeyUse.SIGNATURE: Place(_CERTIFICATE, _KEY, _PIN, PinPolicy(6, 16, string.ascii_uppercase + string.digits)),
        KeyUse.AUTHENTICATION: Place(b"\x00\x0a", b"\x00\x17", b"\x00\x18", PinPolicy(4, 4, string.digits)),
    },
}
"""By the label in the card's identity, which is the policy's word for it."""

ANY_CARD = CARDS["myna-2016"]
"""What is where before the card was asked for its label: the same on all of them, as far as they have it."""
