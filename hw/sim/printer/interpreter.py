"""Executes what the printer processes in order: characters and commands, and their answers.

Source: Epson ESC/POS Command Reference, one page a command under the names that stand in the cases.
"""

from collections import deque
from collections.abc import Callable

from hw.sim.printer.barcode import BarcodeStyle
from hw.sim.printer.barcode import draw as draw_barcode
from hw.sim.printer.bits import BitImage, of_columns, of_rows
from hw.sim.printer.characters import CharacterSet
from hw.sim.printer.graphics import Graphics
from hw.sim.printer.head import LINE_DOTS, Head, Spacing
from hw.sim.printer.imaging import Imaging
from hw.sim.printer.mechanism import AutomaticStatus, Mechanism
from hw.sim.printer.page import Page
from hw.sim.printer.real_time import RealTimeSettings
from hw.sim.printer.symbol import QrMemory, draw_symbol
from hw.sim.printer.tokens import Command, Token
from hw.sim.printer.tray import Counters
from hw.sim.printer.units import MotionUnits

_UNKNOWN_KEPT = 1000
_NARROW_DOTS, _DPI_OF_NARROW, _DPI = 512, 180, 203
"""TM-T88 prints 512 dots of 1/180 inch; printers of other widths have 203 dots an inch."""
_KINDS = {1: 0x20, 2: 0x03, 3: 0x01, 49: 0x20, 50: 0x03, 51: 0x01}
"""GS I 1 to 3 or 49 to 51: model, type (two-byte characters, cutter), ROM version."""
_IDENTITY = {65: b"1.00", 66: b"SIMULATED", 67: b"VIRTUAL PRINTER", 69: b"KANJI JAPANESE"}
"""GS I 65 to 67 and 69: firmware, maker, model, fonts."""
_SERIAL_NUMBER = 68
"""GS I 68: what tells two printers of a kind apart."""
_UNSEEN = {
    *("ESC {", "ESC V", "ESC U", "ESC r", "ESC c", "ESC ?", "ESC %", "ESC &", "ESC B", "ESC K", "ESC e", "ESC f"),
    *("GS b", "GS f", "GS T", "GS E", "GS :", "GS ^", "GS |", "GS j", "GS z", "GS A", "GS <", "ESC ( A"),
    *("FS W", "FS 2", "FS ?", "GS ( E", "GS ( M", "GS ( K", "GS ( N", "GS ( P", "GS ( Q"),
    *("00", "CR", "VT", "BEL", "DLE EOT", "DLE ENQ", "DLE DC4"),
}
"""Commands that are taken, and whose effect nobody sees on these papers; real-time ones were executed on arrival."""
_FIXED_SPACING_PER_INCH = {"ESC A": 60, "ESC +": 360}
"""Line spacings of older printers, which do not ask for the motion unit."""
_TEST_PAGE = ("TEST PRINT", "VIRTUAL PRINTER 1.00", "KANJI SHIFT_JIS", "0123456789 ABCDEFGHIJ")
_CUTS_AT_ONCE = (0, 1, 48, 49)
_CUTS = (65, 66, 97, 98, 103, 104)
"""GS V m: at once, at the beginning of a line only; after feeding, at the next position, after feeding and back."""
_CONNECTORS = (0, 1, 48, 49)
"""ESC p m: the pin of the drawer's connector, 2 or 5."""


class Interpreter:
    """The printer behind its receive buffer; `cut` and `kick` are what its other parts do when told to."""

    def __init__(
        self,
        head: Head,
        mechanism: Mechanism,
        automatic: AutomaticStatus,
        counters: Counters,
        cut: Callable[[], None],
        kick: Callable[[], None],
        settings: RealTimeSettings,
        graphics: Graphics,
        serial: str | None,
        imaging: Imaging,
    ) -> None:
        self.unknown: deque[Command] = deque(maxlen=_UNKNOWN_KEPT)
        self._head = head
        self._mechanism = mechanism
        self._automatic = automatic
        self._counters = counters
        self._cut = cut
        self._kick = kick
        self._imaging = imaging
        self._characters = CharacterSet()
        self._qr = QrMemory()
        self._settings = settings
        self._identity = {} if serial is None else _IDENTITY | {_SERIAL_NUMBER: serial.encode("ascii")}
        self._barcode = BarcodeStyle()
        self._graphics = graphics
        self._units = MotionUnits(_DPI_OF_NARROW if head.dots == _NARROW_DOTS else _DPI)
        self._page: Page | None = None
        self._page_spacing = Spacing()
        self._direction = 0
        self._is_selected = True

    @property
    def _surface(self) -> Head | Page:
        """Where characters and images go: a page in page mode, else the line being set."""
        return self._page or self._head

    def execute(self, token: Token) -> bytes:
        """Does what `token` says; the printer's answer, b"" for most. What means nothing to it is kept in `unknown`."""
        if isinstance(token, Command) and token.name == "ESC =":
            self._is_selected = bool(token.parameters[0] & 1)
            return b""
        if not self._is_selected:
            return b""  # it is for the display on the same line
        if not isinstance(token, Command):
            character = self._characters.feed(token.code)
            if character:
                self._surface.put(character)
            return b""
        self._characters.drop()
        if self._set(token) or self._move(token) or self._do(token):
            return b""
        answer = self._answer(token)
        if answer is None:
            self.unknown.append(token)
            return b""
        return answer

    def clear(self) -> None:
        """Drops the line or page being set, as clearing the buffers does; settings stay."""
        self._characters.drop()
        self._leave_page()
        self._head.drop_line()

    def reset(self) -> None:
        """As after power-on."""
        self._qr = QrMemory()
        self._barcode = BarcodeStyle()
        self._graphics.reset()
        self._is_selected = True
        self._restore()

    def _restore(self) -> None:
        """ESC @, and power-on."""
        self._page, self._page_spacing, self._direction = None, Spacing(), 0
        self._units.set(0, 0)
        self._head.reset()
        self._characters.reset()
        self._automatic.enable(0)

    def _set(self, command: Command) -> bool:
        """Commands that change how the following is printed; whether `command` is one."""
        style, characters, p = self._head.style, self._characters, command.parameters
        match command.name:
            case "ESC !":
                style.is_font_b, style.is_bold, style.is_underlined = bool(p[0] & 1), bool(p[0] & 8), bool(p[0] & 0x80)
                style.magnification = (2 if p[0] & 0x20 else 1, 2 if p[0] & 0x10 else 1)
            case "FS !":
                style.kanji_magnification = (2 if p[0] & 0x04 else 1, 2 if p[0] & 0x08 else 1)
                style.is_kanji_underlined = bool(p[0] & 0x80)
            case "GS !":
                style.magnification = style.kanji_magnification = ((p[0] >> 4 & 7) + 1, (p[0] & 7) + 1)
            case "ESC a" if p[0] in b"\x00\x01\x02012" and self._head.is_at_line_start:
                style.align = p[0] % 0x30
            case "ESC E" | "ESC G":
                style.is_bold = bool(p[0] & 1)
            case "ESC -":
                style.is_underlined = p[0] in b"\x01\x0212"
            case "FS -":
                style.is_kanji_underlined = p[0] in b"\x01\x0212"
            case "ESC M":
                style.is_font_b = p[0] in b"\x011"
            case "GS B":
                style.is_reversed = bool(p[0] & 1)
            case "ESC D":
                style.tabs = tuple(p[:-1])
            case "GS h" if p[0]:
                self._barcode.height = p[0]
            case "GS w" if 1 <= p[0] <= 6:
                self._barcode.module_dots = p[0]
            case "GS H":
                self._barcode.text_at = p[0] % 0x30
            case "GS ( D" if p[:1] == b"\x14":
                for item, is_on in zip(p[1::2], p[2::2], strict=False):
                    if item == 1:
                        self._settings.has_pulse = bool(is_on & 1)
            case "GS ( H" if p[:2] == b"10" and len(p) == 3:
                self._settings.offline_response = p[2] % 0x30
            case "ESC SP":
                style.spacing.space = self._along_line(p[0])
            case "FS S":
                style.spacing.kanji_spaces = (self._along_line(p[0]), self._along_line(p[1]))
            case "ESC 2":
                style.spacing.line_dots = LINE_DOTS
            case "ESC 3":
                style.spacing.line_dots = self._across_lines(p[0])
            case "ESC A" | "ESC +":
                style.spacing.line_dots = p[0] * self._units.dpi // _FIXED_SPACING_PER_INCH[command.name]
            case "GS P":
                self._units.set(p[0], p[1])
            case "GS L" if self._head.is_at_line_start:
                style.left_margin = min(self._units.across(_number(p)), self._head.dots - 24)
            case "GS W" if self._head.is_at_line_start:
                style.area_dots = self._units.across(_number(p))
            case "ESC R":
                characters.international = p[0]
            case "ESC t":
                characters.page = p[0]
            case "FS C":
                characters.is_shift_jis = p[0] in b"\x011"
            case "FS &":
                characters.is_kanji_mode = True
            case "FS .":
                characters.is_kanji_mode = False
            case _:
                return False
        return True

    def _along_line(self, n: int) -> int:
        """Motion units along a line in dots: the horizontal ones, but where lines of a page run along the paper."""
        is_sideways = self._page is not None and self._page.is_sideways
        return self._units.along(n) if is_sideways else self._units.across(n)

    def _across_lines(self, n: int) -> int:
        """Motion units from line to line in dots."""
        is_sideways = self._page is not None and self._page.is_sideways
        return self._units.across(n) if is_sideways else self._units.along(n)

    def _move(self, command: Command) -> bool:
        """Commands that change where the following is printed, those of page mode included."""
        surface, page, p = self._surface, self._page, command.parameters
        match command.name:
            case "LF":
                surface.feed_lines(1)
            case "ESC d":
                surface.feed_lines(p[0])
            case "ESC J":
                surface.feed_dots(self._across_lines(p[0]))
            case "HT":
                surface.move_to_tab()
            case "ESC $":
                surface.move_to(self._along_line(_number(p)))
            case "ESC \\":
                surface.move_by(self._along_line(_number(p, signed=True)))
            case "ESC L" if page is None and self._head.is_at_line_start:
                self._enter_page()
            case "ESC L" | "GS $" | "GS \\" | "ESC W" | "CAN" | "ESC FF" | "ESC S" | "FF" if page is None:
                pass  # these are page mode's, and nothing outside it
            case "ESC T" if p[0] % 0x30 <= 3:
                self._direction = p[0] % 0x30
                if page is not None:
                    page.turn(self._direction)
            case _:
                return page is not None and self._set_page(page, command)
        return True

    def _set_page(self, page: Page, command: Command) -> bool:
        """Commands that mean something in page mode only."""
        p = command.parameters
        match command.name:
            case "ESC L":
                pass
            case "GS $":
                page.move_down_to(self._across_lines(_number(p)))
            case "GS \\":
                page.move_down_by(self._across_lines(_number(p, signed=True)))
            case "ESC W":
                left, width = (self._units.across(_number(p[n : n + 2])) for n in (0, 4))
                top, height = (self._units.along(_number(p[n : n + 2])) for n in (2, 6))
                return page.set_area(left, top, width, height)
            case "CAN":
                page.cancel()
            case "ESC FF" | "FF":
                if (row := page.row()) is not None:
                    self._head.print_page(row)
                if command.name == "FF":
                    self._leave_page()
            case "ESC S":
                self._leave_page()
            case _:
                return False
        return True

    def _enter_page(self) -> None:
        style = self._head.style
        style.spacing, self._page_spacing = self._page_spacing, style.spacing
        self._page = Page(self._head.dots, style)
        self._page.turn(self._direction)

    def _leave_page(self) -> None:
        if self._page is not None:
            style = self._head.style
            style.spacing, self._page_spacing = self._page_spacing, style.spacing
            self._page = None

    def _do(self, command: Command) -> bool:
        """Commands that print, cut or kick; whether `command` is one that could be done."""
        head, p = self._head, command.parameters
        match command.name:
            case "ESC @":
                self._restore()
            case "ESC p" if p[0] in _CONNECTORS:
                self._kick()
            case "ESC i" | "ESC m":
                self._cut()
            case "ESC *" if p[0] in (0, 1, 32, 33):
                width, bits = _columns(p[0], p[3:])
                self._surface.put_columns(width, bits)
            case "GS ( L" | "GS 8":
                return self._do_graphics(p if command.name == "GS ( L" else p[5:])
            case "FS q":
                return self._graphics.define_numbered(p)
            case "FS p" if self._page is None and head.is_at_line_start:
                return self._print_image(self._graphics.numbered(p[0], p[1]))
            case "GS *":
                return self._graphics.define_bit_image(p)
            case "GS /":
                return self._print_image(self._graphics.bit_image(p[0]))
            case "GS k":
                return self._print_barcode(p)
            case "GS ( A" if len(p) == 2:
                for line in _TEST_PAGE:
                    head.print_line(line)
                self._cut()
            case name if name in _UNSEEN:
                pass
            case "GS V" if p[0] in _CUTS_AT_ONCE:
                if head.is_at_line_start:
                    self._cut()
            case "GS V" if p[0] in _CUTS:
                head.feed_dots(self._units.along(p[1]) if len(p) > 1 else 0)
                self._cut()
            case "GS v" | "GS Q" if p[0] == 0x30 and p[1] in b"\x00\x01\x02\x030123" and len(p) > 6:
                return self._print_raster(command.name == "GS Q", p[1] % 0x30, p)
            case "GS ( k" if p[:1] == b"1" and len(p) > 2:
                return self._do_symbol(p[1:])
            case "GS g" if p[:2] == b"0\x00":
                return self._counters.reset(int.from_bytes(p[2:], "little"))
            case _:
                return False
        return True

    def _answer(self, command: Command) -> bytes | None:
        """Commands that ask; the answer, or None when `command` is no such question."""
        p = command.parameters
        match command.name:
            case "GS ( L":
                return self._graphics.answer(p)
            case "GS ( k" if p == b"1R0" and self._qr.data:
                return self._symbol_size()
            case "GS ( H" if len(p) == 6 and p[:2] == b"00":
                return b"\x37\x22" + p[2:] + b"\x00"
            case "GS a":
                return self._automatic.enable(p[0])
            case "GS r":
                return self._mechanism.in_order(p[0])
            case "ESC v":
                return self._mechanism.in_order(1)
            case "ESC u":
                return self._mechanism.in_order(2)
            case "GS I" if p[0] in self._identity:
                return b"\x5f" + self._identity[p[0]] + b"\x00"
            case "GS I" if p[0] in _KINDS:
                return bytes((_KINDS[p[0]],))
            case "GS g" if p[:2] == b"2\x00":
                count = self._counters.read(int.from_bytes(p[2:], "little"))
                return None if count is None else b"\x5f%d\x00" % count
            case _:
                return None

    def _symbol_size(self) -> bytes | None:
        """GS ( k, cn = 49, function 82: 37 36, width, height, 1 in decimal, 1F behind each, 30 if it fits, 00."""
        image = self._imaging(draw_symbol, self._qr)
        if image is None:
            return None
        fits = image.width <= self._surface.width
        return b"\x37\x36%d\x1f%d\x1f1\x1f%d\x00" % (image.width, image.height, not fits)

    def _print_image(self, image: BitImage | None, label: str = "") -> bool:
        if image is None:
            return False
        label = label or f"[image {image.width_bytes * 8}x{image.height}]"
        self._surface.print_image(label, image.width_bytes, image.height, image.bits)
        return True

    def _print_raster(self, is_columns: bool, mode: int, p: bytes) -> bool:
        """GS v 0 counts bytes across and dots down, GS Q 0 dots across and bytes down."""
        across, down = _number(p[2:4]), _number(p[4:6])
        image = of_columns(across, down * 8, p[6:]) if is_columns else of_rows(across * 8, down, p[6:])
        return self._print_image(None if image is None else image.scaled((mode & 1) + 1, (mode >> 1) + 1))

    def _do_graphics(self, p: bytes) -> bool:
        """GS ( L and GS 8 L."""
        done = self._graphics.do(p)
        return done if isinstance(done, bool) else self._print_image(done)

    def _print_barcode(self, p: bytes) -> bool:
        """GS k: m d... NUL, or m n d...; whether it could be done."""
        symbology, data = p[0], p[1:-1] if p[0] < 65 else p[2:]
        code = draw_barcode(symbology, data, self._barcode)
        surface = self._surface
        if code is None or code.width_bytes * 8 > surface.width:
            return False
        if self._barcode.text_at & 1:
            surface.print_line(code.text)
        surface.print_image(f"[barcode {code.text}]", code.width_bytes, code.height, code.bits)
        if self._barcode.text_at & 2:
            surface.print_line(code.text)
        return True

    def _do_symbol(self, parameters: bytes) -> bool:
        """GS ( k with cn = 49: fn, n or m, data; whether it could be done."""
        function, n, data = parameters[0], parameters[1], parameters[2:]
        match function:
            case 65:
                pass  # the model: 2 is drawn whatever was asked
            case 67 if 1 <= n <= 16:
                self._qr.module_dots = n
            case 69 if 48 <= n <= 51:
                self._qr.level = n
            case 80:
                self._qr.data = data
            case 81 if self._qr.data:
                image = self._imaging(draw_symbol, self._qr)
                if image is None or image.width > self._surface.width:
                    return False
                return self._print_image(image, f"[QR {self._qr.data.decode('latin-1')}]")
            case _:
                return False
        return True


def _columns(mode: int, data: bytes) -> tuple[int, bytes]:
    """A column image as 24 rows: of 8 dots each is three high, and in single density (0, 32) each is two wide."""
    from PIL import Image

    height = 24 if mode >= 32 else 8
    count = len(data) * 8 // height
    # A column is a row of a picture that lies on its side.
    side = Image.frombytes("1", (height, count), data) if count else Image.new("1", (height, 1))
    image = side.transpose(Image.Transpose.TRANSPOSE)
    image = image.resize((image.width * (2 if mode in (0, 32) else 1), 24), Image.Resampling.NEAREST)
    return image.width, image.tobytes()


def _number(pair: bytes, *, signed: bool = False) -> int:
    return int.from_bytes(pair, "little", signed=signed)
