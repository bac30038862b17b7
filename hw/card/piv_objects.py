"""The data objects of a PIV card, read and written, and the number that two of its answers give it.

NIST SP 800-73-4 part 2, 3.1.2 (GET DATA) and 3.3.2 (PUT DATA); tags of part 1, table 3.
"""

import base64
import hashlib

from hw.card import piv_contents, tlv
from hw.card.apdu import SHORT, Command
from hw.card.connection import CommandPort
from hw.card.exchange import do
from hw.card.status import Status, error_of
from hw.errors import CardUnsupported, Unsupported

IDENTIFIER, CAPABILITIES = 0x5FC102, 0x5FC107
"""Card holder unique identifier (CHUID) and card capability container (CCC): a card must have both."""

ANSWER_BYTES = 3072
"""As long as the longest data object and what encloses it."""

_SERIAL_NUMBER, _GUID_NUMBER = "PIV", "PIVG"
_TAG_LIST, _OBJECT = 0x5C, 0x53


def read_object(port: CommandPort, tag: int) -> bytes | None:
    """A data object's content, None when it is not there."""
    command = Command(0x00, 0xCB, 0x3F, 0xFF, tlv.write(_TAG_LIST, tag.to_bytes(3, "big")), le=ANSWER_BYTES)
    response = port.send(command)
    if response.sw == Status.FILE_NOT_FOUND:
        return None
    if response.sw != Status.OK:
        raise error_of("read data object", response.sw)
    return tlv.read(response.data).get(_OBJECT)


def write_object(port: CommandPort, tag: int, content: bytes) -> None:
    """Replaces a data object wholly; without content it is no longer there."""
    data = tlv.write(_TAG_LIST, tag.to_bytes(3, "big")) + tlv.write(_OBJECT, content)
    do(port, "write data object", Command(0x00, 0xDB, 0x3F, 0xFF, data))


def is_of_identifier(number: str) -> bool:
    """Whether a card's number is made of its identifier: with another one it would be another card."""
    return number.startswith(_GUID_NUMBER)


def card_number(port: CommandPort) -> str:
    """`PIV` and the card's serial number (INS F8, beyond the standard), or `PIVG` and what is made of its identifier.

    Raises `CardUnsupported` for a card that has neither: nothing tells it from another.
    """
    serial = port.send(Command(0x00, 0xF8, 0x00, 0x00, le=SHORT.answer))
    if serial.sw == Status.OK and len(serial.data) == 4:
        return f"{_SERIAL_NUMBER}{int.from_bytes(serial.data, 'big'):013d}"
    guid = piv_contents.guid_in(read_object(port, IDENTIFIER) or b"")
    if guid is None:
        raise CardUnsupported("the card has neither serial number nor identifier", Unsupported.NOT_PREPARED)
    return _GUID_NUMBER + base64.b32encode(hashlib.sha256(guid).digest()[:10]).decode("ascii")[:12]
