"""The two-dimensional code memory of the printer: GS ( k with cn = 49, QR code."""

from dataclasses import dataclass

from hw.sim.printer.bits import BitImage

_CORRECTION_LEVELS = {48: 1, 49: 0, 50: 3, 51: 2}
"""Parameter of function 69 (L, M, Q, H) to the format-information value of ISO/IEC 18004, which `qrcode` takes."""


@dataclass
class QrMemory:
    """What functions 67, 69 and 80 have stored."""

    module_dots: int = 3
    level: int = 48
    data: bytes = b""


def draw_symbol(stored: QrMemory) -> BitImage | None:
    """The symbol for the stored data, without quiet zone; None when there is too much data for any."""
    # imported here: a simulator that prints no QR code never loads them
    import qrcode
    from PIL import Image as Pillow

    # Any mask can be read; weighing all eight, as a printer does for worn paper, takes most of the time.
    code = qrcode.QRCode(error_correction=_CORRECTION_LEVELS[stored.level], border=0, mask_pattern=0)
    code.add_data(stored.data)
    try:
        code.make(fit=True)
    except ValueError:  # it looked for a version above 40
        return None
    modules = code.get_matrix()
    small = Pillow.new("1", (len(modules), len(modules)))
    small.putdata([1 if is_dark else 0 for row in modules for is_dark in row])
    size = len(modules) * stored.module_dots
    large = small.resize((size, size), Pillow.Resampling.NEAREST)
    return BitImage(size, size, large.tobytes())
