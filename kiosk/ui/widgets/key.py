"""The keys on the glass: large, the whole surface is the target, the whole surface shows the focus."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Literal

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from kiosk.ui.plain_text import inert

Kind = Literal["plain", "main", "quiet"]

_ENTER = "Enter"


class Press(Enum):
    """How a key was pressed."""

    ENTER = "enter"
    """By Enter, having the focus."""
    NAME = "name"
    """By the keyboard's key that stands on it, wherever the focus is."""
    TAP = "tap"


class Key(Widget, can_focus=True):
    """A key with a label and, below it, the name of the keyboard's key that does the same.

    A label of two lines is a key that leads to two others; their keyboard's keys stand below it in that order. What
    stands `above` says of what the label is the number.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", show=False)]

    @dataclass
    class Pressed(Message):
        """The key was pressed, by touch, mouse or keyboard."""

        key: "Key"
        by: Press = Press.ENTER

        @property
        def control(self) -> "Key":
            """The key, for `@on` selectors."""
            return self.key

    def __init__(
        self, label: str, *, id: str, hint: str = "", kind: Kind = "plain", value: object = None, above: str = ""
    ) -> None:
        super().__init__(id=id, classes=f"-{kind}")
        self.value = value
        self._above = inert(above)
        self._label = inert(label)
        self._hint = inert(hint)

    @property
    def label(self) -> str:
        """What the key says."""
        return self._label

    @property
    def keyboard_key(self) -> str:
        """The keyboard's key that does the same; empty when there is none."""
        return self._hint

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """What the keyboard does in its place, as keyboard's key and label: one way, or one a line of the label."""
        keys, lines = self._hint.split(), self._label.split("\n")
        if len(keys) == len(lines):
            return tuple(zip(keys, lines, strict=True))
        return ((self._hint, self._label),) if self._hint else ()

    def relabel(self, label: str, hint: str | None = None) -> None:
        """Changes the label, and the hint where one is given."""
        shown = inert(label), self._hint if hint is None else inert(hint)
        if shown != (self._label, self._hint):
            self._label, self._hint = shown
            self.refresh(layout=True)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as the longest of label and hints."""
        return max(map(cell_len, (self._above, *self._label.split("\n"), self._hint, _ENTER)))

    def render(self) -> Content:
        """Label and hint. Enter presses the key that has the focus, so that one says so and no other."""
        hint = _ENTER if self.has_focus else "" if self._hint == _ENTER else self._hint
        # A line above as there is one below, so that the label stands in the middle.
        above = "" if "\n" in self._label else f"{self._above}\n"
        return Content(f"{above}{self._label}\n{hint}" if hint or self._above else self._label)

    def action_press(self) -> None:
        """Presses the key by Enter."""
        self.press(Press.ENTER)

    def press(self, by: Press) -> None:
        """Presses the key, unless it is disabled."""
        if not self.disabled:
            self.post_message(self.Pressed(self, by))

    def on_click(self, event: events.Click) -> None:
        """A tap is a press."""
        event.stop()
        self.press(Press.TAP)
