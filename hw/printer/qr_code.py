"""Builds the bytes of a native QR code by python-escpos, which is imported when the first one is printed."""


def qr_code(module_dots: int, data: str) -> bytes:
    """GS ( k, cn = 49: model 2, modules of `module_dots` dots, error correction level M, stored, then printed."""
    from escpos.constants import QR_ECLEVEL_M, QR_MODEL_2
    from escpos.printer import Dummy

    builder = Dummy()
    builder.qr(data, ec=QR_ECLEVEL_M, size=module_dots, model=QR_MODEL_2, native=True)
    output: bytes = builder.output
    return output
