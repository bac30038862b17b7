"""The ESC/POS commands that the driver sends, as bytes; the names are those of the manual's pages.

Source: Epson, ESC/POS Command Reference, one page a command under the name beside each row; Japanese models.
"""

INITIALIZE = b"\x1b@"  # ESC @: also empties the print buffer and switches automatic status back off
JAPANESE = (
    b"\x1bR\x08"  # ESC R 8: international set Japan, 5C prints the yen sign
    b"\x1bt\x01"  # ESC t 1: katakana page, A1-DF half-width katakana
    b"\x1cC\x01"  # FS C 1: two-byte characters in Shift_JIS
    b"\x1c&"  # FS &: kanji mode, which Japanese models need for JIS only, and some compatibles always
    b"\x1cS\x00\x00"  # FS S: no space around kanji
)
AUTOMATIC_STATUS = b"\x1da\x0f"  # GS a: drawer, offline, errors, paper, told from now on until the next ESC @
LINE_FEED = b"\n"
FEED_AND_PARTIAL_CUT = b"\x1dVB\x00"  # GS V 66 0: feeds what was printed to the cutter first

DRAWER_PULSE = b"\x1bp\x0022"  # ESC p 0: connector pin 2, 100 ms on, 100 ms off
DRAWER_PULSE_NOW = b"\x10\x14\x01\x00\x01"  # DLE DC4 1: the same at once, also while the printer is offline

CLEAR_BUFFERS = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"  # DLE DC4 8
STATUS_IN_ORDER = b"\x1dr\x01"  # GS r 1: paper sensors, answered when everything before was processed

REAL_TIME = (b"\x10\x04", b"\x10\x05", b"\x10\x14")
"""DLE EOT, DLE ENQ and DLE DC4: executed wherever these bytes appear, inside the data of an image too."""


def print_area(dots: int) -> bytes:
    """GS W: prints and aligns within `dots` from the left edge."""
    return b"\x1dW" + dots.to_bytes(2, "little")


def align(n: int) -> bytes:
    """ESC a: 0 left, 1 centre, 2 right; at the beginning of a line only."""
    return bytes((0x1B, 0x61, n))


def emphasize(is_on: bool) -> bytes:
    """ESC E: bold, one-byte and two-byte characters alike."""
    return bytes((0x1B, 0x45, is_on))


def magnify(scale: int) -> bytes:
    """GS !: width and height times `scale` (1 to 8), one-byte and two-byte characters alike."""
    return bytes((0x1D, 0x21, (scale - 1) << 4 | (scale - 1)))


def position(dots: int) -> bytes:
    """ESC $: the next character starts `dots` from the left edge."""
    return b"\x1b$" + dots.to_bytes(2, "little")


def feed(lines: int) -> bytes:
    """ESC d: prints and feeds `lines` lines, 0 to 255."""
    return bytes((0x1B, 0x64, lines))


def raster(width_bytes: int, rows: int, bits: bytes) -> bytes:
    """GS v 0: a bit image, 8 dots a byte, most significant bit left, 1 is black."""
    return b"\x1dv0\x00" + width_bytes.to_bytes(2, "little") + rows.to_bytes(2, "little") + bits


def report_process(process_id: str) -> bytes:
    """GS ( H, function 48: the printer sends these four characters back when everything before has been printed."""
    return b"\x1d(H\x06\x0000" + process_id.encode("ascii")


def report_real_time(n: int) -> bytes:
    """DLE EOT: 1 printer, 2 cause of offline, 3 cause of error, 4 paper."""
    return bytes((0x10, 0x04, n))


def recover(*, clear: bool) -> bytes:
    """DLE ENQ: 1 goes on after a recoverable error, 2 does so after clearing receive and print buffer."""
    return b"\x10\x05\x02" if clear else b"\x10\x05\x01"


def report_identity(n: int) -> bytes:
    """GS I: 65 firmware, 66 maker, 67 model, 68 serial number; answered in order."""
    return bytes((0x1D, 0x49, n))


def report_counter(number: int) -> bytes:
    """GS g 2: a maintenance counter, such as 50 for paper cuts; answered in order."""
    return b"\x1dg2\x00" + number.to_bytes(2, "little")
