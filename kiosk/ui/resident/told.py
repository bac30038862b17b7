"""Screens of a resident that are alike: read and left, or a text with a few keys to choose from."""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

E = TypeVar("E", bound=StrEnum)


class Told(SeatScreen[bool]):
    """Is read and left, by its reader or when nobody is there any more. False: nothing else is wanted."""

    MINDS_IDLENESS = True

    def keys(self) -> Iterable[Key]:
        """Read."""
        yield Key(self.words("resident.finish.done"), id="done", hint="Enter", kind="main")

    @on(Key.Pressed, "#done")
    def leave(self) -> None:
        """Has read it."""
        self.dismiss(False)

    def when_nobody_answers(self) -> None:
        """He has left."""
        self.leave()


class Offer(SeatScreen[E], Generic[E]):
    """A text and one key for each of a few things; the keys' ids begin with `name`.

    `instruction` (title and text) and `label` say it in the words of the seat's language.
    """

    AUTO_FOCUS = ".choices Key"
    NAMED_KEYS = ".choices Key"
    MINDS_IDLENESS = True
    ASKS_BACK = False

    def __init__(
        self,
        seat: Seat,
        name: str,
        offered: Sequence[E],
        *,
        instruction: Callable[[Words], tuple[str, str]],
        label: Callable[[Words, E], str],
    ) -> None:
        super().__init__(seat, can_stop=True)
        self._name, self._offered = name, offered
        self._instruction, self._label = instruction, label

    def page(self) -> ComposeResult:
        """Title, text and keys."""
        title, text = self._instruction(self.words)
        yield Paragraph(title, classes="title")
        yield Paragraph(text, classes="note")
        with Horizontal(classes="choices"):
            for number, one in enumerate(self._offered, 1):
                yield Key(self._label(self.words, one), id=f"{self._name}-{one}", hint=str(number), value=one)

    @on(Key.Pressed, ".choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Chooses."""
        for one in self._offered:
            if one is event.key.value:
                self.dismiss(one)
