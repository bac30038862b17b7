"""How the resident reads and operates most easily: one question a screen, each answered by one key."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.themes import THEMES
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import RESIDENT_LANGUAGES


@dataclass(frozen=True)
class Choice:
    """One answer to a question: its value, its words, and whether it is the present one."""

    value: str
    label: str
    is_present: bool


class Comfort(SeatScreen[str]):
    """One question about comfort, `language`, `colours`, `layout` or `voice`; the answer is the chosen value."""

    AUTO_FOCUS = ".choices Key.-chosen"
    NAMED_KEYS = ".choices Key"
    MINDS_IDLENESS = True
    ASKS_BACK = False

    def __init__(self, seat: Seat, question: str) -> None:
        super().__init__(seat, can_stop=True)
        self._question = question

    def _choices(self) -> Sequence[Choice]:
        seat, words = self.seat, self.words
        match self._question:
            case "language":
                return [Choice(name, words(f"language.{name}"), seat.language == name) for name in RESIDENT_LANGUAGES]
            case "colours":
                return [Choice(theme.name, words(f"colours.{theme.name}"), seat.look == theme.name) for theme in THEMES]
            case "voice":
                present = VOICES[not seat.is_spoken]
                return [Choice(name, words(f"resident.comfort.voice.{name}"), name == present) for name in VOICES]
            case _:
                return [Choice(name, words(f"layout.{name}"), seat.layout == name) for name in LAYOUTS]

    def page(self) -> ComposeResult:
        """The question and its answers."""
        yield Paragraph(self.words(f"resident.comfort.{self._question}.title"), classes="title")
        yield Paragraph(self.words(f"resident.comfort.{self._question}.text"), classes="lead")
        with Horizontal(classes="choices"):
            for number, choice in enumerate(self._choices(), 1):
                key = Key(
                    self.words("choice.chosen", label=choice.label) if choice.is_present else choice.label,
                    id=f"choice-{number}",
                    hint=str(number),
                    value=choice.value,
                )
                key.set_class(choice.is_present, "-chosen")
                yield key

    def keys(self) -> Iterable[Key]:
        """None but the answers."""
        return ()

    @on(Key.Pressed, ".choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Chooses."""
        if isinstance(event.key.value, str):
            self.dismiss(event.key.value)


LAYOUTS = ("usual", "large", "lower")
"""The arrangements of a screen: as designed; fewer things and larger keys; every key in the lower half."""

VOICES = ("spoken", "silent")
"""Whether the voice in the headset reads the screens."""
