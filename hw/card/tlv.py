"""BER-TLV data objects, read strictly and written minimally (ISO/IEC 7816-4, 6.3; ISO/IEC 8825-1)."""

from hw.errors import CardAnswerInvalid

MAX_LENGTH = 0xFFFF
"""The longest value that an APDU can carry, in bytes."""

_TAG_CONTINUES = 0x1F
_LENGTH_BYTES = {0x81: 1, 0x82: 2}


def read(data: bytes) -> dict[int, bytes]:
    """The data objects that fill `data` exactly, by tag, in their order.

    Tags have one or two bytes. Raises `CardAnswerInvalid` for bytes left over, a value that ends too early, an
    indefinite length or a tag that comes twice.
    """
    objects: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        tag, position = _read_tag(data, position)
        length, position = _read_length(data, position)
        if tag in objects or length > len(data) - position:
            raise CardAnswerInvalid(f"data object {tag:X} comes twice or is longer than what holds it")
        objects[tag] = data[position : position + length]
        position += length
    return objects


def write(tag: int, value: bytes) -> bytes:
    """One data object with the shortest length field. Raises ValueError for a tag or a value out of bounds."""
    tag_field = tag.to_bytes(2 if tag > 0xFF else 1, "big")
    has_second = tag_field[0] & _TAG_CONTINUES == _TAG_CONTINUES
    if has_second != (len(tag_field) == 2) or (has_second and tag_field[1] & 0x80) or len(value) > MAX_LENGTH:
        raise ValueError(f"tag {tag:X} has not one or two bytes, or its value is longer than {MAX_LENGTH}")
    length = len(value)
    if length < 0x80:
        return tag_field + bytes((length,)) + value
    size = 1 if length <= 0xFF else 2
    return tag_field + bytes((0x80 | size,)) + length.to_bytes(size, "big") + value


def _read_tag(data: bytes, position: int) -> tuple[int, int]:
    tag = data[position]
    if tag & _TAG_CONTINUES != _TAG_CONTINUES:
        return tag, position + 1
    if position + 1 == len(data) or data[position + 1] & 0x80:
        raise CardAnswerInvalid("a tag has more than two bytes or is cut short")
    return tag << 8 | data[position + 1], position + 2


def _read_length(data: bytes, position: int) -> tuple[int, int]:
    if position == len(data):
        raise CardAnswerInvalid("a data object has no length")
    first = data[position]
    if first < 0x80:
        return first, position + 1
    end = position + 1 + _LENGTH_BYTES.get(first, len(data))
    if end > len(data):
        raise CardAnswerInvalid("a length is indefinite, too long or cut short")
    return int.from_bytes(data[position + 1 : end], "big"), end
