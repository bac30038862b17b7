"""A PIN that is typed at the reader's own pad and never seen by this computer (PC/SC part 10, 2.5 and 2.6).

The reader is told by one control code what to ask and which command to make of it. Only PINs of digits can be entered
so.
"""

import struct
from enum import IntEnum
from typing import Protocol

from hw.errors import CardAnswerInvalid, NotSent

GET_FEATURE_REQUEST = 3400
"""Function code that asks a reader for its features (2.2)."""


_JAPANESE = 0x0411
"""Language of the reader's own prompts, as USB numbers them."""


class Feature(IntEnum):
    """What a reader may be able to do (2.3)."""

    VERIFY_PIN_START = 0x01
    VERIFY_PIN_FINISH = 0x02
    MODIFY_PIN_START = 0x03
    MODIFY_PIN_FINISH = 0x04
    GET_KEY_PRESSED = 0x05
    VERIFY_PIN_DIRECT = 0x06
    MODIFY_PIN_DIRECT = 0x07
    MCT_READER_DIRECT = 0x08
    MCT_UNIVERSAL = 0x09
    IFD_PIN_PROPERTIES = 0x0A
    ABORT = 0x0B
    SET_SPE_MESSAGE = 0x0C
    VERIFY_PIN_DIRECT_APP_ID = 0x0D
    MODIFY_PIN_DIRECT_APP_ID = 0x0E
    WRITE_DISPLAY = 0x0F
    GET_KEY = 0x10
    IFD_DISPLAY_PROPERTIES = 0x11
    GET_TLV_PROPERTIES = 0x12
    CCID_ESC_COMMAND = 0x13


class PadConnection(Protocol):
    """A held card whose reader can be spoken to."""

    def control(self, code: int, data: bytes) -> bytes:
        """One exchange with the reader itself. Raises `hw.errors.NotSent` when the reader has no such function."""
        ...

    def features(self) -> bytes:
        """What the reader answers to GET_FEATURE_REQUEST, empty for one that does not know it."""
        ...


def features_of(connection: object) -> dict[Feature, int]:
    """The features of the reader that holds the card, with their control codes; none for one without any.

    Raises ValueError when the reader's answer is malformed.
    """
    ask = getattr(connection, "features", None)
    return {} if ask is None else parse_features(ask())


def parse_features(answer: bytes) -> dict[Feature, int]:
    """Reads what GET_FEATURE_REQUEST answered: tag, length 4, control code, big-endian; unknown tags are left out.

    Raises ValueError.
    """
    if len(answer) % 6:
        raise ValueError("the reader's features are not whole records")
    features = {}
    for position in range(0, len(answer), 6):
        tag, length, code = struct.unpack_from(">BBI", answer, position)
        if length != 4:
            raise ValueError("a feature's control code has not four bytes")
        if tag in Feature._value2member_map_:
            features[Feature(tag)] = code
    return features


def verify_structure(command: bytes, *, minimum: int, maximum: int, timeout_s: int = 30) -> bytes:
    """PIN_VERIFY for VERIFY_PIN_DIRECT (2.5.2, little-endian): ASCII digits, ended by the reader's enter key.

    `command` is VERIFY: its header alone, and the PIN is put behind it as it is; or with Lc and filling bytes over
    which the PIN is laid from the left. Raises ValueError for lengths that no pad takes.
    """
    if not 1 <= minimum <= maximum <= 15:
        raise ValueError("a pad takes 1 to 15 digits")
    template = command if len(command) > 4 else command + b"\x00"
    ascii_from_the_left, enter_key, one_message, first_message = 0x82, 0x02, 0x01, 0x00
    block_bytes, length_position = len(template) - 5, 0x00
    return (
        bytes((timeout_s, timeout_s, ascii_from_the_left, block_bytes, length_position))
        + struct.pack("<HBBHB", minimum << 8 | maximum, enter_key, one_message, _JAPANESE, first_message)
        + bytes(3)
        + struct.pack("<I", len(template))
        + template
    )


_NOT_ENTERED = {0x6400: "nobody typed a PIN in time", 0x6401: "the person cancelled", 0x6403: "not a PIN's length"}
"""Status words of the reader itself (2.5.2): the card was not asked."""


class PadTraffic(Protocol):
    """What passes to a card and to its reader."""

    def features(self) -> bytes:
        """What the reader answers when asked for its features."""
        ...

    def enter_pin(self, code: int, structure: bytes, command: bytes) -> bytes:
        """Has a PIN typed at the reader and put into `command`; the status word."""
        ...


def has_pad(traffic: PadTraffic) -> bool:
    """Whether a PIN can be typed at the reader; not at one that cannot even describe its pad."""
    return _verify_code(traffic) is not None


def verify_at_reader(traffic: PadTraffic, command: bytes, *, minimum: int, maximum: int) -> int:
    """Has a PIN typed at the reader and verified by the card; the card's status word.

    Raises `NotSent` for a reader without a pad, and when the person typed none.
    """
    code = _verify_code(traffic)
    if code is None:
        raise NotSent("the reader has no pad for a PIN")
    structure = verify_structure(command, minimum=minimum, maximum=maximum)
    answer = traffic.enter_pin(code, structure, command)
    if len(answer) != 2:
        raise CardAnswerInvalid("the reader did not answer with a status word")
    sw = int.from_bytes(answer, "big")
    if sw in _NOT_ENTERED:
        raise NotSent(_NOT_ENTERED[sw])
    return sw


def _verify_code(traffic: PadTraffic) -> int | None:
    try:
        return parse_features(traffic.features()).get(Feature.VERIFY_PIN_DIRECT)
    except ValueError:
        return None
