"""Texts that are turned page by page: the failure book, the log, the configuration, the statistics."""

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.app import ComposeResult

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_LINES = 12


class Pages(SeatScreen[None]):
    """Blocks of lines; a block is never torn unless it is longer than a page. Typed characters narrow them down."""

    ASKS_BACK = False
    TAKES_TEXT = True

    def __init__(self, seat: Seat, title_id: str, blocks: Sequence[str]) -> None:
        super().__init__(seat, can_stop=True)
        self._title_id = title_id
        self._blocks = blocks
        self._asked = ""
        self._page = 0

    def page(self) -> ComposeResult:
        """Title, what is looked for, the present page."""
        pages = paged([block for block in self._blocks if self._asked.casefold() in block.casefold()])
        self._page = min(self._page, len(pages) - 1)
        words = self.words
        where = words("technician.page", number=self._page + 1, count=len(pages), text=self._asked)
        yield Paragraph(words(self._title_id), classes="title -tight")
        yield Paragraph(where, classes="aside")
        yield Paragraph(pages[self._page] or words("technician.nothing"), classes="note", id="page-lines")

    def keys(self) -> Iterable[Key]:
        """Both ways."""
        yield Key(self.words("key.before"), id="before", hint="PageUp")
        yield Key(self.words("key.next"), id="after", hint="PageDown")

    @on(Key.Pressed, "#before")
    async def turn_back(self) -> None:
        """Turns back."""
        await self._turn(-1)

    @on(Key.Pressed, "#after")
    async def turn_on(self) -> None:
        """Turns on."""
        await self._turn(1)

    async def _turn(self, pages: int) -> None:
        self._page = max(0, self._page + pages)
        await self.compose_anew()

    async def on_key(self, event: events.Key) -> None:
        """The paging keys turn, other characters are looked for."""
        if event.key in ("pageup", "pagedown"):
            await self._turn(-1 if event.key == "pageup" else 1)
        elif event.key == "backspace" or (event.character is not None and event.is_printable):
            self._asked = self._asked[:-1] if event.key == "backspace" else f"{self._asked}{event.character}"[:20]
            event.stop()
            await self.compose_anew()


def paged(blocks: Sequence[str]) -> list[str]:
    """Blocks of lines put onto pages; there is always one page."""
    pages: list[list[str]] = [[]]
    for block in blocks:
        lines = block.split("\n")
        if pages[-1] and len(pages[-1]) + len(lines) > _LINES:
            pages.append([])
        while len(lines) > _LINES:
            pages[-1].extend(lines[:_LINES])
            lines = lines[_LINES:]
            pages.append([])
        pages[-1].extend(lines)
    return ["\n".join(page) for page in pages]


def plotted(values: Sequence[int], height: int = 4) -> list[str]:
    """Bars of blocks, two cells wide and one apart, the highest reaching `height` rows."""
    top = max(values, default=0)
    rows = []
    for row in range(height, 0, -1):
        # How many eighths of this row a value fills.
        eighths = [0 if top == 0 else min(8, max(0, round(v / top * height * 8) - (row - 1) * 8)) for v in values]
        rows.append("".join(f"{' ▁▂▃▄▅▆▇█'[eighth] * 2} " for eighth in eighths))
    return rows
