"""Texts that are turned page by page: the failure book, the log, the configuration, the records of self-tests."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from kiosk.journal.errors import StoreLost
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_AROUND_ROWS, _AROUND_ROWS_WHERE_LOW = 15, 12
"""What stands above and below the lines of a page: banner, title, the page's number, margins, keys."""
_AROUND_CELLS = 15
"""What stands beside the lines of a page: the margins of the page, and of the text its border and padding."""
_FEWEST_ROWS = 3
_LOOKS_EVERY_S = 1.0


@dataclass(frozen=True)
class Action:
    """Something that can be done from a page: its name, the id of its word, and the function key that does it too."""

    name: str
    word_id: str
    key: str


class Pages(SeatScreen[str]):
    """Blocks of lines; a block is never torn unless it is longer than a page. Typed characters narrow them down.

    `actions` are the answers besides going back. `look` gives new blocks once a second, off the event loop, where what
    is shown lives; when there are none to begin with, the last page is shown until somebody turns.
    """

    ASKS_BACK = False
    TAKES_TEXT = True

    def __init__(
        self,
        seat: Seat,
        title_id: str,
        blocks: Sequence[str],
        actions: Sequence[Action] = (),
        look: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        super().__init__(seat, can_stop=True)
        self._title_id = title_id
        self._blocks = blocks
        self._actions = actions
        self._look = look
        self._asked = ""
        self._page = 0
        self._has_more = False
        self._is_at_end = look is not None and not blocks

    def page(self) -> ComposeResult:
        """Title, what is looked for, the present page."""
        where, lines = self._shown()
        yield Paragraph(self.words(self._title_id), classes="title -tight")
        yield Paragraph(where, classes="aside", id="page-number")
        yield Paragraph(lines, classes="note", id="page-lines")

    def _shown(self) -> tuple[str, str]:
        width = self.app.size.width - _AROUND_CELLS
        found = [block for block in self._blocks if self._asked.casefold() in block.casefold()]
        pages = paged([reflowed(block, width) for block in found], self._rows)
        self._page = len(pages) - 1 if self._is_at_end else min(self._page, len(pages) - 1)
        words = self.words
        self._has_more = len(pages) > 1
        asked = self._asked or words("technician.page.any")
        where = words("technician.page", number=self._page + 1, count=len(pages), text=asked)
        return where, pages[self._page] or words("technician.nothing")

    @property
    def _rows(self) -> int:
        """How many lines have room: all that the terminal has besides."""
        around = _AROUND_ROWS_WHERE_LOW if "-low" in self.seat.size_classes else _AROUND_ROWS
        return max(self.app.size.height - around - self.seat.is_demo, _FEWEST_ROWS)

    def standing_keys(self) -> Iterable[Widget]:
        """The way out alone; language and look have their keyboard keys, and the room is needed."""
        return (key for key in super().standing_keys() if key.id == "stop")

    def keys(self) -> Iterable[Key]:
        """What can be done, and both ways."""
        for action in self._actions:
            yield Key(self.words(action.word_id), id=f"do-{action.name}", hint=action.key.upper(), value=action.name)
        for word_id, id_, hint in (("key.before", "before", "PageUp"), ("key.next", "after", "PageDown")):
            key = Key(self.words(word_id), id=id_, hint=hint)
            key.disabled = not self._has_more
            yield key

    def on_mount(self) -> None:
        """Begins to look, where what is shown lives."""
        if self._look is not None:
            self.run_worker(self._keep_looking(self._look), group="look")

    async def _keep_looking(self, look: Callable[[], Sequence[str]]) -> None:
        while True:
            await self.seat.bell.until(lambda: self.seat.is_in_front)
            # What was seen last stays; whatever else needs the store finds out himself.
            with suppress(StoreLost):
                self._blocks = await asyncio.to_thread(look)
                self._write()
            await asyncio.sleep(_LOOKS_EVERY_S)

    def on_resize(self, event: events.Resize) -> None:
        """Lines are broken anew for another width, and pages for another height."""
        self.call_next(self._write)

    def _write(self) -> None:
        where, lines = self._shown()
        for paragraph_id, text in (("page-number", where), ("page-lines", lines)):
            for paragraph in self.query(f"#{paragraph_id}").results(Paragraph):
                paragraph.write(text)
        for key in self.query("#before, #after").results(Key):
            key.disabled = not self._has_more

    @on(Key.Pressed, ".answers Key")
    def act(self, event: Key.Pressed) -> None:
        """Does what an action's key says, or turns."""
        if event.key.id in ("before", "after"):
            self._turn(-1 if event.key.id == "before" else 1)
        elif isinstance(event.key.value, str):
            self.dismiss(event.key.value)

    def _turn(self, pages: int) -> None:
        self._page = max(0, self._page + pages)
        self._is_at_end = False
        self._write()

    def on_key(self, event: events.Key) -> None:
        """The paging keys turn, function keys act, other characters are looked for."""
        for action in self._actions:
            if event.key == action.key:
                self.dismiss(action.name)
                return
        if event.key in ("pageup", "pagedown"):
            self._turn(-1 if event.key == "pageup" else 1)
        elif event.key == "backspace" or (event.character is not None and event.is_printable):
            self._asked = self._asked[:-1] if event.key == "backspace" else f"{self._asked}{event.character}"[:20]
            event.stop()
            self._write()


def reflowed(block: str, width: int) -> str:
    """A block whose lines have at most `width` cells; what a line goes on with is set in as the line itself."""
    lines = []
    for line in block.split("\n"):
        text = line.lstrip(" ")
        indent = line[: len(line) - len(text)]
        is_short = cell_len(line) <= width
        lines += [line] if is_short else [indent + part.plain for part in Content(text).wrap(width - len(indent))]
    return "\n".join(lines)


def paged(blocks: Sequence[str], rows: int) -> list[str]:
    """Blocks of lines put onto pages of at most `rows` lines; there is always one page."""
    pages: list[list[str]] = [[]]
    for block in blocks:
        lines = block.split("\n")
        if pages[-1] and len(pages[-1]) + len(lines) > rows:
            pages.append([])
        while len(lines) > rows:
            pages[-1].extend(lines[:rows])
            lines = lines[rows:]
            pages.append([])
        pages[-1].extend(lines)
    return ["\n".join(page) for page in pages]


def plotted(values: Sequence[float], height: int = 4) -> list[str]:
    """Bars of blocks, two cells wide and one apart, the highest reaching `height` rows."""
    top = max(values, default=0)
    rows = []
    for row in range(height, 0, -1):
        # How many eighths of this row a value fills.
        eighths = [0 if top == 0 else min(8, max(0, round(v / top * height * 8) - (row - 1) * 8)) for v in values]
        rows.append("".join(f"{' ▁▂▃▄▅▆▇█'[eighth] * 2} " for eighth in eighths))
    return rows
