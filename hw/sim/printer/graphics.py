"""The printer's memories for images: the print buffer's, the downloaded one, and the non-volatile one.

Source: Epson ESC/POS Command Reference, GS ( L and GS 8 L, FS p, FS q, GS *, GS /; TM-T88III and TM-T81
specifications.
"""

from collections.abc import Callable, Iterable, MutableMapping

from hw.sim.printer.bits import BitImage, of_columns, of_rows

NV_BYTES = 256 * 1024
"""What the non-volatile memory holds (TM-T81)."""
_CONTROL_BYTES = 24
"""What an image takes besides its dots."""
_FS_Q = "FS q "
"""Before the number of an image that FS q has defined; the two kinds do not live beside each other."""

NvImages = MutableMapping[str, BitImage]
"""By two-character key code (GS ( L), or by number (FS q)."""


class Graphics:
    """Executes what defines, deletes and prints images; `nv` outlives the power, `keep` writes it down."""

    def __init__(self, nv: NvImages, keep: Callable[[], None]) -> None:
        self._nv = nv
        self._keep = keep
        self._downloaded: dict[str, BitImage] = {}
        self._bit_image: BitImage | None = None
        self._buffered: BitImage | None = None

    def reset(self) -> None:
        """Power-on: only the non-volatile memory is left."""
        self._downloaded.clear()
        self._bit_image = self._buffered = None

    def define_numbered(self, data: bytes) -> bool:
        """FS q n [xL xH yL yH d1...dk]n: all images anew, in bytes across and down, in column format."""
        images, rest = dict[str, BitImage](), data[1:]
        for number in range(1, data[0] + 1):
            width, height = (8 * int.from_bytes(rest[n : n + 2], "little") for n in (0, 2))
            size = width * height // 8
            image = of_columns(width, height, rest[4 : 4 + size])
            if image is None:
                return False
            images[f"{_FS_Q}{number}"] = image
            rest = rest[4 + size :]
        if rest or not images or _size_of(images.values()) > NV_BYTES:
            return False
        self._nv.clear()
        self._nv.update(images)
        self._keep()
        return True

    def numbered(self, number: int, mode: int) -> BitImage | None:
        """FS p n m."""
        image = self._nv.get(f"{_FS_Q}{number}")
        return None if image is None or mode % 0x30 > 3 else image.scaled(mode % 0x30 % 2 + 1, mode % 0x30 // 2 + 1)

    def define_bit_image(self, data: bytes) -> bool:
        """GS * x y d1...dk: the downloaded bit image, in column format."""
        self._bit_image = of_columns(data[0] * 8, data[1] * 8, data[2:])
        return self._bit_image is not None

    def bit_image(self, mode: int) -> BitImage | None:
        """GS / m."""
        if self._bit_image is None or mode % 0x30 > 3:
            return None
        return self._bit_image.scaled(mode % 0x30 % 2 + 1, mode % 0x30 // 2 + 1)

    def do(self, p: bytes) -> BitImage | bool:
        """GS ( L and GS 8 L, m fn ...: an image to be printed, else whether it could be done."""
        if len(p) < 2 or p[0] != 0x30:
            return False
        match p[1]:
            case 0x02 | 0x32:  # print what fn 112 or 113 has stored
                image, self._buffered = self._buffered, None
                return image if image is not None else False
            case 0x70 | 0x71 if len(p) > 10:
                self._buffered = _scaled(_image(p[1] == 0x71, p[6:]), p[3], p[4])
                return self._buffered is not None
            case 0x41 if p[2:] == b"CLR":
                self._nv.clear()
            case 0x42 if len(p) == 4:
                self._nv.pop(_key(p[2:]), None)
            case 0x43 | 0x44 if len(p) > 11:
                return self._define_nv(_key(p[3:5]), _image(p[1] == 0x44, p[6:10] + p[11:]))
            case 0x45 if len(p) == 6:
                return _scaled(self._nv.get(_key(p[2:4])), p[4], p[5]) or False
            case 0x51 if p[2:] == b"CLR":
                self._downloaded.clear()
            case 0x52 if len(p) == 4:
                self._downloaded.pop(_key(p[2:]), None)
            case 0x53 | 0x54 if len(p) > 11:
                image = _image(p[1] == 0x54, p[6:10] + p[11:])
                if image is None:
                    return False
                self._downloaded[_key(p[3:5])] = image
            case 0x55 if len(p) == 6:
                return _scaled(self._downloaded.get(_key(p[2:4])), p[4], p[5]) or False
            case _:
                return False
        self._keep()
        return True

    def answer(self, p: bytes) -> bytes | None:
        """GS ( L, m fn: capacities (fn 48, 51) and key codes (fn 64, 80); None for what is no such question."""
        match p:
            case b"00" | b"0\x00":
                return b"\x370%d\x00" % NV_BYTES
            case b"03" | b"0\x03":
                return b"\x371%d\x00" % (NV_BYTES - _size_of(self._nv.values()))
            case b"0@KC":
                return _key_codes(0x72, self._nv)
            case b"0PKC":
                return _key_codes(0x73, self._downloaded)
            case _:
                return None

    def _define_nv(self, key: str, image: BitImage | None) -> bool:
        others = [other for code, other in self._nv.items() if code != key and not code.startswith(_FS_Q)]
        if image is None or _size_of([*others, image]) > NV_BYTES:
            return False
        for code in [code for code in self._nv if code.startswith(_FS_Q)]:
            del self._nv[code]
        self._nv[key] = image
        self._keep()
        return True


def _image(is_columns: bool, data: bytes) -> BitImage | None:
    """Width and height in dots (xL xH yL yH), then d1...dk."""
    width, height = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
    return (of_columns if is_columns else of_rows)(width, height, data[4:])


def _scaled(image: BitImage | None, wide: int, high: int) -> BitImage | None:
    return None if image is None or wide not in (1, 2) or high not in (1, 2) else image.scaled(wide, high)


def _key(code: bytes) -> str:
    return code.decode("latin-1")


def _size_of(images: Iterable[BitImage]) -> int:
    return sum(len(image.bits) + _CONTROL_BYTES for image in images)


def _key_codes(identifier: int, images: NvImages) -> bytes:
    """Header 37, which memory, 40 for the last block, the key codes, NUL."""
    codes = "".join(code for code in sorted(images) if not code.startswith(_FS_Q))
    return bytes((0x37, identifier, 0x40)) + codes.encode("latin-1") + b"\x00"
