"""The code systems of a Japanese ESC/POS printer: code pages, the international set, JIS and Shift_JIS kanji.

Source: Epson ESC/POS Command Reference, ESC t, ESC R, FS C, FS &, FS .; character code tables.
"""

from dataclasses import dataclass

_CODE_PAGES = {
    **{0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737", 15: "iso8859_7"},
    **{16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858", 32: "cp720", 33: "cp775", 34: "cp855", 35: "cp861"},
    **{36: "cp862", 37: "cp864", 38: "cp869", 39: "iso8859_2", 40: "iso8859_15", 45: "cp1250", 46: "cp1251"},
    **{47: "cp1253", 48: "cp1254", 49: "cp1255", 50: "cp1256", 51: "cp1257", 52: "cp1258"},
}
_KATAKANA_PAGE = 1
_INTERNATIONAL: dict[int, dict[str, str]] = {
    3: {"#": "\u00a3"},  # U.K.
    8: {"\\": "\u00a5"},  # Japan
    13: {"$": "\u20a9"},  # Korea
}
"""ESC R: the sets that change a character that matters on a Japanese receipt; the others print as the U.S.A."""

_UNPRINTABLE = "\u3013"  # geta mark, which typesetters print for a missing character


@dataclass(frozen=True)
class Printable:
    """One character and whether it comes from the kanji font."""

    text: str
    is_kanji: bool


class CharacterSet:
    """Turns bytes into characters; two-byte characters may be split anywhere."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The state of a Japanese model after power-on: JIS code, kanji mode off, international set Japan."""
        self.page = 0
        self.international = 8
        self.is_shift_jis = False
        self.is_kanji_mode = False
        self.drop()

    def drop(self) -> None:
        """Forgets the first half of a two-byte character."""
        self._lead: int | None = None

    def feed(self, code: int) -> Printable | None:
        """Takes one byte; the character that it completes, if any."""
        if self._lead is not None:
            lead, self._lead = self._lead, None
            return Printable(self._kanji(lead, code), is_kanji=True)
        if self._is_lead(code):
            self._lead = code
            return None
        return Printable(self._single(code), is_kanji=False)

    def _is_lead(self, code: int) -> bool:
        if self.is_shift_jis:
            return 0x81 <= code <= 0x9F or 0xE0 <= code <= 0xFC
        return self.is_kanji_mode and 0x21 <= code <= 0x7E

    def _kanji(self, lead: int, trail: int) -> str:
        pair = bytes((lead, trail))
        encoded, codec = (pair, "cp932") if self.is_shift_jis else (b"\x1b$B" + pair, "iso2022_jp")
        try:
            return encoded.decode(codec)
        except UnicodeDecodeError:
            return _UNPRINTABLE

    def _single(self, code: int) -> str:
        if code < 0x80:
            text = chr(code)
            return _INTERNATIONAL.get(self.international, {}).get(text, text)
        codec = "cp932" if self.page == _KATAKANA_PAGE or self.is_shift_jis else _CODE_PAGES.get(self.page, "cp437")
        text = bytes((code,)).decode(codec, errors="ignore")
        return text if text.isprintable() and text else " "
