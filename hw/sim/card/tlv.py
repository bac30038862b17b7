"""BER-TLV data objects as a card writes and reads them (ISO/IEC 7816-4, 5.2.2)."""


def encode(tag: int, value: bytes) -> bytes:
    """One data object; `tag` as it stands on the wire, the length in its shortest form, up to 65535."""
    size = len(value)
    if size < 0x80:
        length = bytes((size,))
    elif size < 0x100:
        length = bytes((0x81, size))
    else:
        length = b"\x82" + size.to_bytes(2, "big")
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


class Malformed(ValueError):
    """The bytes are not data objects one after the other."""


def decode(data: bytes) -> dict[int, bytes]:
    """The data objects that fill `data`, by tag; of a tag that comes twice the first one holds. Raises `Malformed`."""
    objects: dict[int, bytes] = {}
    while data:
        tag, rest = _tag(data)
        if not rest:
            raise Malformed("a tag without a length")
        size, rest = rest[0], rest[1:]
        if size >= 0x80:
            count = size & 0x7F
            if not 1 <= count <= 2 or len(rest) < count:
                raise Malformed("a length of a form that is not taken")
            size, rest = int.from_bytes(rest[:count], "big"), rest[count:]
        if len(rest) < size:
            raise Malformed("a value that ends too early")
        objects.setdefault(tag, rest[:size])
        data = rest[size:]
    return objects


def _tag(data: bytes) -> tuple[int, bytes]:
    size = 1
    if data[0] & 0x1F == 0x1F:
        while size < len(data) and data[size] & 0x80:
            size += 1
        size += 1
    return int.from_bytes(data[:size], "big"), data[size:]
