"""The journal as a clerk reads it: what was done when, by pseudonyms, and whether the chain holds."""

from collections.abc import Iterable
from dataclasses import replace

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult

from kiosk.journal.records import EffectState
from kiosk.model.step import ACTS
from kiosk.model.transition import Stage
from kiosk.ui.books import EVENTS, JournalLine, JournalQuery, JournalView
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_PER_PAGE = 10
_ACT_CELLS = 23
_LONGEST_TEXT = 20


class Audit(SeatScreen[JournalQuery]):
    """Newest entries first, ten at a time. Its answer is what else is looked for, or entries that it has not got."""

    ASKS_BACK = False
    TAKES_TEXT = True

    def __init__(self, seat: Seat, view: JournalView, asked: JournalQuery, *, begins_at_end: bool = False) -> None:
        super().__init__(seat, can_stop=True)
        self._view = view
        self._asked = asked
        self._text = asked.text
        self._page = self._last_page if begins_at_end else 0

    @property
    def _last_page(self) -> int:
        return max(0, -(-len(self._view.lines) // _PER_PAGE) - 1)

    def page(self) -> ComposeResult:
        """The state of the chain, then the lines."""
        words, view = self.words, self._view
        state = words("clerk.audit.broken", reason=view.broken) if view.broken else words("clerk.audit.holds")
        yield Paragraph(words("clerk.audit.title", count=view.count), classes="title -tight")
        yield Paragraph(state, classes="aside -tight")
        yield Paragraph(self._field_text, classes="aside -tight", id="audit-text")
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
        shown = lines or [words("clerk.audit.nothing")]
        yield Paragraph("\n".join((words("clerk.audit.head"), *shown)), classes="note", id="audit-lines")

    @property
    def _field_text(self) -> str:
        if not self._text:
            return self.words("clerk.audit.ask")
        if self._text == self._asked.text:
            return self.words("clerk.audit.found", text=self._text, count=self._view.found)
        return self.words("clerk.audit.asked", text=self._text)

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
            line.operators,
        ]
        return "  ".join(part for part in (told, *beside) if part)

    def keys(self) -> Iterable[Key]:
        """Older, newer, and what was typed."""
        yield Key(self.words("clerk.audit.search"), id="search", hint="Enter", kind="main")
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
        page, asked = self._page + pages, self._asked
        if asked.until is None and self._view.lines:
            asked = replace(asked, until=max(line.at for line in self._view.lines))
        if page < 0 < asked.skipped:
            self.dismiss(replace(asked, skipped=max(0, asked.skipped - asked.newest)))
        elif page > self._last_page and asked.skipped + len(self._view.lines) < self._view.found:
            self.dismiss(replace(asked, skipped=asked.skipped + asked.newest))
        else:
            self._page = min(max(page, 0), self._last_page)
            await self.compose_anew()

    @on(Key.Pressed, "#search")
    def search(self) -> None:
        """Looks for what was typed; for everything when nothing was."""
        self.dismiss(JournalQuery(self._text))

    async def on_key(self, event: events.Key) -> None:
        """The paging keys turn, other characters are what is looked for."""
        if event.key in ("pageup", "pagedown"):
            await self._turn(-1 if event.key == "pageup" else 1)
        elif event.key == "backspace" or (event.character is not None and event.is_printable):
            typed = self._text[:-1] if event.key == "backspace" else f"{self._text}{event.character}"
            self._text = typed[:_LONGEST_TEXT]
            event.stop()
            self.write("audit-text", self._field_text)
