"""Bit images as every command carries them, turned into one form: rows of 8 dots a byte, most significant bit left."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BitImage:
    """A bit image; `width` may end inside the last byte of its rows."""

    width: int
    height: int
    bits: bytes

    @property
    def width_bytes(self) -> int:
        """Bytes a row."""
        return (self.width + 7) // 8

    def scaled(self, wide: int, high: int) -> "BitImage":
        """Each dot `wide` across and `high` down."""
        from PIL import Image

        if (wide, high) == (1, 1):
            return self
        image = Image.frombytes("1", (self.width, self.height), self.bits)
        image = image.resize((self.width * wide, self.height * high), Image.Resampling.NEAREST)
        return BitImage(image.width, image.height, image.tobytes())


def of_rows(width: int, height: int, data: bytes) -> BitImage | None:
    """Raster format, a row after the other; None when `data` is not exactly that."""
    image = BitImage(width, height, data)
    return image if width and height and len(data) == image.width_bytes * height else None


def of_columns(width: int, height: int, data: bytes) -> BitImage | None:
    """Column format, a column of 8 dots a byte after the other; None when `data` is not exactly that."""
    from PIL import Image

    if not width or not height or len(data) != width * ((height + 7) // 8):
        return None
    # A column is a row of a picture that lies on its side.
    side = Image.frombytes("1", (height, width), data)
    upright = side.transpose(Image.Transpose.TRANSPOSE)
    return BitImage(width, height, upright.tobytes())
