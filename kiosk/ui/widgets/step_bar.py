"""The town's eight steps in a row, and where the case is among them."""

from typing import ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from kiosk.model.step import PROCEDURE
from kiosk.ui.plain_text import inert
from kiosk.ui.words import Words


def step_word_id(name: str) -> str:
    """The id of the words for a step of the procedure."""
    return "step." + name.replace(" ", "_")


class StepBar(Widget):
    """Every step says by words whether it is done, now or later."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"step--done", "step--now", "step--later"}

    def __init__(self, words: Words, position: int) -> None:
        super().__init__()
        self._words = words
        self._position = position

    def move(self, position: int) -> None:
        """Shows that the case has come to another step."""
        if position != self._position:
            self._position = position
            self.refresh()

    def render(self) -> Content:
        """Two lines, the mark of each step over its name."""
        lines = [self._line(which) for which in range(2)]
        return Content("\n").join(lines)

    def _line(self, which: int) -> Content:
        """The marks (0) or the names (1), each in the middle of its share of the width."""
        width, count = self.content_size.width, len(PROCEDURE)
        parts = []
        for index in range(count):
            state = self._state(index)
            share = width * (index + 1) // count - width * index // count
            text = self._texts(index, state)[which]
            left = max(0, share - cell_len(text)) // 2
            filled = f"{' ' * left}{text}"
            filled += " " * (share - cell_len(filled))
            parts.append(Content.styled(filled, self.get_visual_style(f"step--{state}")))
        return Content("").join(parts)

    def _state(self, index: int) -> str:
        return "done" if index < self._position else "now" if index == self._position else "later"

    def _texts(self, index: int, state: str) -> tuple[str, str]:
        mark = self._words(f"step.mark.{state}", number=index + 1)
        return inert(mark), inert(self._words(step_word_id(PROCEDURE[index][0])))
