"""The board on which a reading is typed: first a row, then a kana of it; ten keys and five, each a digit's equal."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from textual.app import ComposeResult
from textual.containers import Grid, Horizontal
from textual.message import Message

from kiosk.ui.kana import LONG_VOWEL, ROWS
from kiosk.ui.widgets.keyboard import KeyCap

_DIGITS = "1234567890"


class KanaBoard(Horizontal):
    """Rows at the left, the open row's kana at the right, and under them what changes and erases the last one."""

    @dataclass
    class Opened(Message):
        """A row was touched."""

        row: int

    @dataclass
    class Typed(Message):
        """A kana was touched."""

        kana: str

    class Varied(Message):
        """The last kana is to become its next variant."""

    class Erased(Message):
        """The last kana is to be taken back."""

    def __init__(self, vary_label: str, erase_label: str) -> None:
        super().__init__()
        self._vary_label = vary_label
        self._erase_label = erase_label

    def compose(self) -> ComposeResult:
        """Ten rows; place for five kana; marks, the long vowel and erasing."""
        with Grid(id="kana-rows"):
            for index, row in enumerate(ROWS):
                yield KeyCap(row[0], partial(self.Opened, index), classes="tab", below=_DIGITS[index])
        with Grid(id="kana-side"):
            yield Grid(id="kana-caps")
            with Grid(id="kana-marks"):
                yield KeyCap(self._vary_label, self.Varied, classes="tab", below="*")
                yield KeyCap(LONG_VOWEL, partial(self.Typed, LONG_VOWEL), classes="tab", below="+")
                yield KeyCap(self._erase_label, self.Erased, classes="erase", below="BkSp")

    async def open_row(self, row: int | None) -> None:
        """Shows the kana of a row; none before a row was chosen."""
        for index, tab in enumerate(self.query("#kana-rows KeyCap")):
            tab.set_class(index == row, "-open")
        for grid in self.query("#kana-caps").results(Grid):
            async with self.batch():
                await grid.remove_children()
                await grid.mount_all(self._caps(row))

    def _caps(self, row: int | None) -> Iterable[KeyCap]:
        kana = "" if row is None else ROWS[row]
        return [KeyCap(k, partial(self.Typed, k), classes="cap", below=_DIGITS[i]) for i, k in enumerate(kana)]


class DigitBoard(Horizontal):
    """Ten digits, and under each its own key; `more` are further keys: what they type, and the keyboard's key."""

    @dataclass
    class Typed(Message):
        """A digit or another key was touched."""

        text: str

    class Erased(Message):
        """The last one is to be taken back."""

    def __init__(self, erase_label: str, more: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__()
        self._erase_label = erase_label
        self._more = more

    def compose(self) -> ComposeResult:
        """Digits in two rows, the others at the right."""
        with Grid(id="digits"):
            for digit in _DIGITS:
                yield KeyCap(digit, partial(self.Typed, digit), classes="cap")
        with Grid(id="digit-marks"):
            for text, hint in self._more:
                yield KeyCap(text, partial(self.Typed, text), classes="tab", below=hint)
            yield KeyCap(self._erase_label, self.Erased, classes="erase", below="BkSp")
