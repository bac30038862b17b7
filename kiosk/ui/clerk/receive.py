"""Taking an application in: the resident is found in the register, and his form goes to the terminal."""

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.model.resident import Resident
from kiosk.ui.dates import day_text
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_SHOWN = 4
_LONGEST = 24


class FindResident(SeatScreen[Resident]):
    """A few characters of name, reading, address, or the birth date as eight digits narrow the register down."""

    AUTO_FOCUS = "#found-1, #speak"
    TAKES_TEXT = True
    ASKS_BACK = False

    def __init__(self, seat: Seat, residents: Sequence[Resident], asked: str = "") -> None:
        super().__init__(seat, can_stop=True)
        self._residents = residents
        self._asked = asked

    def page(self) -> ComposeResult:
        """What is looked for, and the first that were found."""
        words, found = self.words, find_residents(self._residents, self._asked)
        yield Paragraph(words("clerk.receive.title"), classes="title")
        asked = words("clerk.receive.asked", text=self._asked) if self._asked else words("clerk.receive.ask")
        yield Paragraph(asked, classes="lead")
        with Grid(id="found"):
            for number, resident in enumerate(found[:_SHOWN], 1):
                birth = day_text(resident.items.birth_date, words)
                yield Key(resident.items.name, id=f"found-{number}", hint=birth, value=resident)
        yield Paragraph(words("clerk.receive.count", count=len(found)), classes="aside")

    def keys(self) -> Iterable[Key]:
        """None but the residents."""
        return ()

    @on(Key.Pressed, "#found Key")
    def take(self, event: Key.Pressed) -> None:
        """Takes the form of this one in."""
        if isinstance(event.key.value, Resident):
            self.dismiss(event.key.value)

    async def on_key(self, event: events.Key) -> None:
        """Characters are looked for."""
        if event.key == "backspace":
            self._asked = self._asked[:-1]
        elif event.character is not None and event.is_printable and len(self._asked) < _LONGEST:
            self._asked += event.character
        else:
            return
        event.stop()
        await self.compose_anew()


def find_residents(residents: Sequence[Resident], asked: str) -> list[Resident]:
    """Those in whose name, reading, address or birth date (YYYYMMDD) every word that is asked for occurs."""
    words = asked.split()
    return [r for r in residents if all(word in _haystack(r) for word in words)]


def _haystack(resident: Resident) -> str:
    items = resident.items
    plain = (items.name + resident.kana).replace("\u3000", "")
    return f"{items.name} {resident.kana} {plain} {items.address} {items.birth_date:%Y%m%d}"
