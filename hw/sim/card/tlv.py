"""BER-TLV data objects as a card writes them (ISO/IEC 7816-4, 5.2.2)."""


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
