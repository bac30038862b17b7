"""The journal as a clerk reads it: what was done when, by pseudonyms, and whether the chain holds."""

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult

from kiosk.ui.books import JournalView
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_PER_PAGE = 10


class Audit(SeatScreen[None]):
    """Newest entries first, ten at a time."""

    ASKS_BACK = False

    def __init__(self, seat: Seat, view: JournalView) -> None:
        super().__init__(seat, can_stop=True)
        self._view = view
        self._page = 0

    def page(self) -> ComposeResult:
        """The state of the chain, then the lines."""
        words, view = self.words, self._view
        state = words("clerk.audit.broken", reason=view.broken) if view.broken else words("clerk.audit.holds")
        yield Paragraph(words("clerk.audit.title", count=view.count), classes="title -tight")
        yield Paragraph(state, classes="aside")
        first = self._page * _PER_PAGE
        lines = [
            words(
                "clerk.audit.line",
                seq=f"{line.seq:>6}",
                at=f"{line.at:%m-%d %H:%M:%S}",
                case=line.case or "-" * 8,
                event=f"{line.event:<12}",
                step=line.step,
            )
            for line in tuple(reversed(view.lines))[first : first + _PER_PAGE]
        ]
        yield Paragraph("\n".join(lines), classes="note", id="audit-lines")

    def keys(self) -> Iterable[Key]:
        """Older and newer."""
        yield Key(self.words("clerk.audit.newer"), id="newer", hint="PageUp")
        yield Key(self.words("clerk.audit.older"), id="older", hint="PageDown")

    @on(Key.Pressed, "#newer")
    async def show_newer(self) -> None:
        """Turns to newer entries."""
        await self._turn(-1)

    @on(Key.Pressed, "#older")
    async def show_older(self) -> None:
        """Turns to older entries."""
        await self._turn(1)

    async def _turn(self, pages: int) -> None:
        last = max(0, -(-len(self._view.lines) // _PER_PAGE) - 1)
        self._page = min(max(self._page + pages, 0), last)
        await self.compose_anew()

    async def on_key(self, event: events.Key) -> None:
        """The paging keys turn."""
        if event.key in ("pageup", "pagedown"):
            await self._turn(-1 if event.key == "pageup" else 1)
