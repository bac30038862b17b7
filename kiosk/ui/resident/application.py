"""The application: whose form it is, and whether what stands on it is right."""

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.model.resident import Resident
from kiosk.ui.dates import day_text
from kiosk.ui.resident.covered_items import CoveredItems
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_PER_PAGE = 6
_PER_LOW_PAGE = 3
"""One row, so that every form lies in the lower half."""


class ChooseApplication(SeatScreen[Resident | str]):
    """Demo: the pre-filled forms of the fictional residents lie here, and one of them is taken, or `type`d instead."""

    AUTO_FOCUS = "#form-1"
    MINDS_IDLENESS = True

    def __init__(self, seat: Seat, residents: Sequence[Resident]) -> None:
        super().__init__(seat, position=1, can_stop=True)
        self._residents = residents
        self._per_page = _PER_LOW_PAGE if seat.layout == "lower" else _PER_PAGE
        self._page = 0

    def page(self) -> ComposeResult:
        """Six forms at a time."""
        yield Paragraph(self.words("resident.forms.title"), classes="title")
        yield Paragraph(self.words("resident.forms.text"), classes="lead")
        with Grid(id="forms"):
            first = self._page * self._per_page
            for number, resident in enumerate(self._residents[first : first + self._per_page], 1):
                yield Key(resident.items.name, id=f"form-{number}", hint=str(number), value=resident)

    def keys(self) -> Iterable[Key]:
        """A form of one's own; other forms."""
        yield Key(self.words("resident.bring.type"), id="type", hint="0")
        if len(self._residents) > self._per_page:
            yield Key(self.words("resident.forms.after"), id="after", hint="PageDown")

    @on(Key.Pressed, "#after")
    async def show_after(self) -> None:
        """Turns on, from the last forms to the first."""
        await self._turn(1)

    async def _turn(self, pages: int) -> None:
        count = -(-len(self._residents) // self._per_page)
        self._page = (self._page + pages) % count
        await self.compose_anew()

    @on(Key.Pressed, "#forms Key")
    def take(self, event: Key.Pressed) -> None:
        """Takes a form."""
        assert isinstance(event.key.value, Resident)
        self.dismiss(event.key.value)

    @on(Key.Pressed, "#type")
    def fill_in(self) -> None:
        """Would rather fill one in."""
        self.dismiss("type")

    async def on_key(self, event: events.Key) -> None:
        """Digits take a form, the paging keys turn."""
        if event.key in ("pageup", "pagedown"):
            await self._turn(-1 if event.key == "pageup" else 1)
        elif event.character is not None and event.character in "123456":
            for key in self.query(f"#form-{event.character}").results(Key):
                key.action_press()


class ConfirmItems(CoveredItems):
    """The four items on the form; True when the resident says that they are right."""

    def __init__(self, seat: Seat, resident: Resident) -> None:
        super().__init__(seat)
        self._resident = resident

    def page(self) -> ComposeResult:
        """The four items."""
        words, items = self.words, self._resident.items
        facts = {
            words("item.name"): items.name,
            words("item.address"): items.address,
            words("item.birth_date"): day_text(items.birth_date, words),
            words("item.sex"): words(f"sex.{items.sex}"),
        }
        yield Paragraph(words("resident.items.title"), classes="title")
        yield Facts(dict.fromkeys(facts, words("resident.items.covered")) if self._is_covered else facts)
        yield Paragraph(words("resident.items.text"), classes="aside")

    def keys(self) -> Iterable[Key]:
        """Both answers; a look at what is covered in place of the one that it is right."""
        yield Key(self.words("resident.items.no"), id="no", hint="2")
        if self._is_covered:
            yield Key(self.words("resident.items.show"), id="show", hint="3", kind="main")
        else:
            yield Key(self.words("resident.items.yes"), id="yes", hint="Enter", kind="main")
