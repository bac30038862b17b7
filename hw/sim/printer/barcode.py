"""One-dimensional codes of GS k, as modules; python-barcode knows the symbologies.

Source: Epson ESC/POS Command Reference, GS k, GS h, GS w, GS H.
"""

from dataclasses import dataclass

_SYMBOLOGIES = {
    0: "upca",
    2: "ean13",
    3: "ean8",
    4: "code39",
    5: "itf",
    6: "codabar",
    65: "upca",
    67: "ean13",
    68: "ean8",
    69: "code39",
    70: "itf",
    71: "codabar",
    73: "code128",
}
"""GS k m to python-barcode's name; UPC-E (1, 66), CODE93 (72) and GS1 codes print as an empty box."""
_CODE128_SET = "{"


@dataclass
class BarcodeStyle:
    """What GS h, GS w and GS H have set: height and module width in dots, where the text stands (1 above, 2 below)."""

    height: int = 162
    module_dots: int = 3
    text_at: int = 0


@dataclass(frozen=True)
class Barcode:
    """A drawn code: one row of its bits, 8 dots a byte, repeated `height` times, and what it says."""

    text: str
    width_bytes: int
    height: int
    bits: bytes


def draw(symbology: int, data: bytes, style: BarcodeStyle) -> Barcode | None:
    """The code, or None for data that it cannot carry (the printer then prints nothing)."""
    text = data.decode("latin-1")
    name = _SYMBOLOGIES.get(symbology)
    if name is None:
        modules = "1" + "0" * 93 + "1"
    else:
        if name == "code128":
            text = "".join(part[1:] if index else part for index, part in enumerate(text.split(_CODE128_SET)))
        found = _modules(name, text)
        if found is None:
            return None
        modules = found
    dots = "".join(module * style.module_dots for module in modules)
    width_bytes = (len(dots) + 7) // 8
    row = int(dots.ljust(width_bytes * 8, "0"), 2).to_bytes(width_bytes, "big")
    return Barcode(text, width_bytes, style.height, row * style.height)


def _modules(name: str, text: str) -> str | None:
    # imported here: most papers have no barcode
    import barcode
    from barcode.errors import BarcodeError

    options = {"add_checksum": False} if name == "code39" else {}
    try:
        built = barcode.get_barcode_class(name)(text, **options).build()
    except (BarcodeError, ValueError, KeyError, IndexError):
        return None
    return "".join("1" if module == "1" else "0" for module in "".join(built))
