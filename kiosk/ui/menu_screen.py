"""A menu of a seat: one key for everything that can be chosen there, five in a row, with a letter or digit each."""

from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from typing import Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

E = TypeVar("E", bound=StrEnum)


class MenuScreen(SeatScreen[E], Generic[E]):
    """`letters` name the choices in their order; what is `barred` cannot be chosen.

    `heading` and `label` say what stands above the keys and on each, in the words of the seat's language.
    """

    AUTO_FOCUS = "#choices-of-menu Key"
    ASKS_BACK = False

    def __init__(
        self,
        seat: Seat,
        choices: type[E],
        letters: str,
        *,
        heading: Callable[[Words], str],
        label: Callable[[Words, E], str],
        barred: Collection[E] = (),
    ) -> None:
        super().__init__(seat, can_stop=True)
        self._heading, self._label = heading, label
        self._choices = dict(zip(letters, choices, strict=True))
        self._barred = barred

    def page(self) -> ComposeResult:
        """The keys."""
        yield Paragraph(self._heading(self.words), classes="title -tight")
        with Grid(id="choices-of-menu"):
            for letter, choice in self._choices.items():
                key = Key(self._label(self.words, choice), id=f"choice-{choice}", hint=letter, value=choice)
                key.disabled = choice in self._barred
                yield key

    def keys(self) -> Iterable[Key]:
        """None but the choices."""
        return ()

    @on(Key.Pressed, "#choices-of-menu Key")
    def choose(self, event: Key.Pressed) -> None:
        """Chooses."""
        for choice in self._choices.values():
            if choice is event.key.value:
                self.dismiss(choice)

    def on_key(self, event: events.Key) -> None:
        """Digits and letters choose."""
        choice = self._choices.get((event.character or "").upper())
        if choice is not None and choice not in self._barred:
            self.dismiss(choice)
