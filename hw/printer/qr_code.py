"""Builds the bytes of a QR code that the printer itself draws.

Source: Epson, ESC/POS Command Reference, GS ( k <Function 165> to <Function 181>, cn = 49.
"""

_MODEL_2 = b"1A2\x00"
_LEVEL_M = b"1E1"
_PRINT = b"1Q0"
_ENCODING = "utf-8"


def qr_code(module_dots: int, data: str) -> bytes:
    """Model 2, modules of `module_dots` dots, error correction level M, stored, then printed."""
    size = b"1C" + bytes([module_dots])
    stored = b"1P0" + data.encode(_ENCODING)
    return b"".join(map(_function, (_MODEL_2, size, _LEVEL_M, stored, _PRINT)))


PRINT_QR_CODE = b"\x1d(k\x03\x001Q0"
"""The bytes that print a stored symbol; no text of CP932 holds them."""


def _function(parameters: bytes) -> bytes:
    return b"\x1d(k" + len(parameters).to_bytes(2, "little") + parameters
