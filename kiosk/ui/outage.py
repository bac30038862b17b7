"""What the public sees when the program cannot go on."""

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

MODE = "outage"


class Outage(Screen[None]):
    """Out of service, in every language, with the cause for the technician; a demo can be left from here."""

    AUTO_FOCUS = ".keys Key"

    def __init__(self, languages: tuple[Words, ...], cause: str, leave: Callable[[], None] | None) -> None:
        super().__init__()
        self._languages = languages
        self._cause = cause
        self._leave = leave

    def compose(self) -> ComposeResult:
        """Title and text a language, then the cause."""
        with Vertical(classes="page"):
            for words in self._languages:
                yield Paragraph(words("outage.title"), classes="title")
                yield Paragraph(words("outage.text"), classes="outage-text")
            yield Paragraph(self._languages[0]("outage.others"), classes="outage-text")
            yield Facts({self._languages[0]("outage.cause"): self._cause})
        if self._leave is not None:
            with Horizontal(classes="keys"):
                yield Paragraph(classes="spring")
                yield Key(self._languages[0]("stop.technician.key"), id="leave", hint="Enter", kind="main")

    @on(Key.Pressed, "#leave")
    def leave(self) -> None:
        """Ends the demo."""
        if self._leave is not None:
            self._leave()
