"""How large a QR code becomes, and how large its modules may be on a given paper. Source: ISO/IEC 18004, table 7."""

from hw.errors import TextDoesNotFit

BYTES_AT_LEVEL_M = (
    14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
    711, 779, 857, 911, 997, 1059, 1125, 1190, 1264, 1370, 1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, 2331,
)  # fmt: skip
"""Data bytes that versions 1 to 40 hold in byte mode with error correction level M."""

_QUIET_MODULES = 8
_SMALLEST_DOTS, _LARGEST_DOTS = 3, 6


def module_dots(byte_count: int, paper_dots: int) -> int:
    """Dots a module for a QR code over `byte_count` bytes, 6 where the paper allows, never under 3, which phones read.

    A printer that finds a symbol wider than its paper silently prints none, so `TextDoesNotFit` is raised here instead.
    """
    version = next((n for n, capacity in enumerate(BYTES_AT_LEVEL_M, 1) if byte_count <= capacity), None)
    if version is None:
        raise TextDoesNotFit(f"{byte_count} bytes are too many for a QR code")
    modules = 17 + 4 * version + _QUIET_MODULES
    dots = min(_LARGEST_DOTS, paper_dots // modules)
    if dots < _SMALLEST_DOTS:
        raise TextDoesNotFit(f"a QR code over {byte_count} bytes is wider than {paper_dots} dots")
    return dots
