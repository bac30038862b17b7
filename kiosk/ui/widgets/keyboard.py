"""The on-screen keyboard for passwords: no key takes the focus, lights up or otherwise tells what was touched."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

_CHUNK = 13
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"


@dataclass(frozen=True)
class KeyPage:
    """One page of keys: its name (first and last character) and its characters."""

    name: str
    characters: str


def key_pages(characters: str) -> tuple[KeyPage, ...]:
    """The pages for a set of allowed characters: capitals in halves, small letters in halves, digits, the rest."""
    rest = "".join(c for c in characters if c not in _LETTERS + _LETTERS.lower() + _DIGITS)
    pages = []
    for row in (_LETTERS, _LETTERS.lower(), _DIGITS, rest):
        allowed = "".join(c for c in row if c in characters)
        for start in range(0, len(allowed), _CHUNK):
            chunk = allowed[start : start + _CHUNK]
            pages.append(KeyPage(f"{chunk[0]}-{chunk[-1]}", chunk))
    return tuple(pages)


class KeyCap(Widget, can_focus=False):
    """A key of the keyboard; `says` makes the message of one tap.

    `below` stands under the label: a name for what looks like something else, or the keyboard's key that does the same.
    """

    def __init__(self, label: str, says: Callable[[], Message], classes: str = "", below: str = "") -> None:
        super().__init__(classes=classes)
        self._label = label
        self._below = below
        self._says = says

    def render(self) -> Content:
        """The label, and what stands below it."""
        return Content(f"{self._label}\n{self._below}" if self._below else self._label)

    def on_click(self, event: events.Click) -> None:
        """A tap types."""
        event.stop()
        self.post_message(self._says())


class Keyboard(Horizontal):
    """Keys for the allowed characters, one page at a time, with the pages' tabs and an erasing key beside them.

    `names` has a word for each character that looks like another one; it stands on the key with it.
    """

    @dataclass
    class Typed(Message):
        """A character was touched."""

        code: int

        def __repr__(self) -> str:
            return "Typed(...)"

    class Erased(Message):
        """The last character is to be taken back."""

    @dataclass
    class _Turned(Message):
        index: int

    def __init__(self, characters: str, erase_label: str, names: Mapping[str, str]) -> None:
        super().__init__()
        self._names = names
        self._pages = key_pages(characters)
        self._erase_label = erase_label
        self._index = 0

    def compose(self) -> ComposeResult:
        """Keys at the left, tabs at the right."""
        yield Grid(*self._caps(), id="caps")
        with Grid(id="tabs"):
            for index, page in enumerate(self._pages):
                yield KeyCap(
                    page.name, partial(self._Turned, index), classes="tab -open" if index == self._index else "tab"
                )
            yield KeyCap(self._erase_label, self.Erased, classes="erase", below="BkSp")

    def _caps(self) -> Iterable[KeyCap]:
        return [
            KeyCap(c, partial(self.Typed, ord(c)), classes="cap", below=self._names.get(c, ""))
            for c in self._pages[self._index].characters
        ]

    def turn_to_first(self) -> None:
        """Shows the first page, so that the page left open does not tell what was typed last."""
        self.post_message(self._Turned(0))

    async def on_keyboard__turned(self, event: _Turned) -> None:
        """Turns to another page."""
        event.stop()
        self._index = event.index
        for index, tab in enumerate(self.query(".tab")):
            tab.set_class(index == self._index, "-open")
        for grid in self.query("#caps").results(Grid):
            async with self.batch():
                await grid.remove_children()
                await grid.mount_all(self._caps())
