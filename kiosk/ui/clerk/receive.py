"""Whoever something concerns is looked for in the register."""

import unicodedata
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid
from textual.content import Content

from kiosk.model.comparison import folded
from kiosk.model.resident import Resident
from kiosk.ui.dates import day_text
from kiosk.ui.plain_text import inert
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

PURPOSES = ("form", "compare", "print", "letter", "revoke", "unlock")
"""What somebody is looked for: to have a form, to be compared with one, and so on."""

_PER_PAGE = 4
_LONGEST = 24
_BESIDE_TEXT_CELLS = 4
"""What border and padding of a key take of its width."""


class FoundKey(Key):
    """One who was found: name, birth date and address, by which two of one name are told apart."""

    def __init__(self, resident: Resident, birth: str, *, id: str) -> None:
        super().__init__(resident.items.name, id=id, value=resident)
        self._lines = birth, inert(resident.items.address)

    def render(self) -> Content:
        """Of a long address the end, which differs."""
        birth, address = self._lines
        width = self.size.width
        while cell_len(address) > max(width, _BESIDE_TEXT_CELLS):
            address = "…" + address[2:]
        name = f"{self.label}　Enter" if self.has_focus else self.label
        return Content(f"{name}\n{birth}\n{address}")


class FindResident(SeatScreen[Resident]):
    """A few characters of name, reading, address, or the birth date as eight digits narrow the register down.

    `purpose` is one of `PURPOSES`. Nobody is shown before something was asked, so that no Enter chooses who merely
    stands first.
    """

    AUTO_FOCUS = "#found-1"
    TAKES_TEXT = True
    ASKS_BACK = False

    def __init__(self, seat: Seat, residents: Sequence[Resident], asked: str = "", *, purpose: str = "form") -> None:
        super().__init__(seat, can_stop=True)
        self._residents = residents
        self._asked = asked
        self._purpose = purpose
        self._first = 0

    @property
    def _found(self) -> Sequence[Resident]:
        return find_residents(self._residents, self._asked) if self._asked.strip() else ()

    def page(self) -> ComposeResult:
        """What is looked for, and a page of those who were found."""
        words, found = self.words, self._found
        yield Paragraph(words("clerk.receive.title"), classes="title")
        asked = words("clerk.receive.asked", text=self._asked) if self._asked else words("clerk.receive.ask")
        yield Paragraph(asked, classes="lead")
        shown = found[self._first : self._first + _PER_PAGE]
        with Grid(id="found"):
            for number, resident in enumerate(shown, 1):
                yield FoundKey(resident, day_text(resident.items.birth_date, words), id=f"found-{number}")
        then = words(f"clerk.receive.then.{self._purpose}")
        if len(found) > _PER_PAGE:
            last = self._first + len(shown)
            then = words("clerk.receive.page", first=self._first + 1, last=last, count=len(found)) + then
        elif self._asked:
            then = words("clerk.receive.count", count=len(found)) + then
        yield Paragraph(then, classes="aside")

    def keys(self) -> Iterable[Key]:
        """More of those who were found."""
        if len(self._found) > _PER_PAGE:
            yield Key(self.words("key.next"), id="more", hint="PageDown")

    @on(Key.Pressed, "#more")
    async def show_more(self) -> None:
        """Turns on, from the last to the first."""
        await self._turn(self._first + _PER_PAGE if self._first + _PER_PAGE < len(self._found) else 0)

    async def _turn(self, first: int) -> None:
        self._first = first
        await self.compose_anew()
        self.focus_on("#found-1")

    @on(Key.Pressed, "#found Key")
    def take(self, event: Key.Pressed) -> None:
        """It is this one."""
        if isinstance(event.key.value, Resident):
            self.dismiss(event.key.value)

    async def on_key(self, event: events.Key) -> None:
        """Characters are looked for; the paging keys turn."""
        if event.key == "pagedown" and len(self._found) > _PER_PAGE:
            event.stop()
            await self.show_more()
            return
        if event.key == "pageup" and self._first:
            event.stop()
            await self._turn(self._first - _PER_PAGE)
            return
        if event.key == "backspace":
            self._asked = self._asked[:-1]
        elif event.character is not None and event.is_printable and len(self._asked) < _LONGEST:
            self._asked += event.character
        else:
            return
        event.stop()
        await self._turn(0)


def find_residents(residents: Sequence[Resident], asked: str) -> list[Resident]:
    """Those in whose name, reading, address or birth date (YYYYMMDD) every word that is asked for occurs.

    In whichever kana or width a keyboard has typed them.
    """
    words = [folded(unicodedata.normalize("NFKC", word)) for word in asked.split()]
    return [r for r in residents if all(word in _haystack(r) for word in words)]


def _haystack(resident: Resident) -> str:
    items = resident.items
    parts = (items.name, resident.kana, items.address, f"{items.birth_date:%Y%m%d}")
    return " ".join(folded(part) for part in parts)
