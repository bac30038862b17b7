"""The journal as a clerk reads it: what was done when, by pseudonyms, and whether the chain holds."""

from collections.abc import Iterable

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult

from kiosk.journal.records import EffectState
from kiosk.model.step import ACTS
from kiosk.model.transition import Stage
from kiosk.ui.books import EVENTS, JournalLine, JournalView
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_PER_PAGE = 10
_ACT_CELLS = 23


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
                at=f"{line.at:%m-%d %H:%M}",
                case=f"{line.case or '-':<10}",
                told=self._told(line),
            )
            for line in tuple(reversed(view.lines))[first : first + _PER_PAGE]
        ]
        yield Paragraph("\n".join((words("clerk.audit.head"), *lines)), classes="note", id="audit-lines")

    def _told(self, line: JournalLine) -> str:
        words = self.words
        if line.step in ACTS and line.event in set(EffectState):
            act = words(f"act.{line.step}")
            told = act + " " * max(1, _ACT_CELLS - cell_len(act)) + words(f"act.state.{line.event}")
        elif line.event in set(Stage):
            told = words(f"stage.{line.event}")
        elif line.event in EVENTS:
            told = words(f"event.{line.event}")
        else:
            # Of a program that knew other words.
            told = f"{line.event} {line.step}".strip()
        beside = [
            words("clerk.audit.exempted") if line.is_exempted else "",
            "" if line.yen is None or line.is_exempted else words("money.yen", yen=f"{line.yen:,}"),
            "" if line.receipt is None else words("clerk.audit.receipt", number=line.receipt),
            line.code,
        ]
        return "  ".join(part for part in (told, *beside) if part)

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
