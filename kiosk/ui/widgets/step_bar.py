"""The town's eight steps in a row, and where the case is among them."""

from textual.app import ComposeResult
from textual.containers import Horizontal

from kiosk.model.step import PROCEDURE
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words


def step_word_id(name: str) -> str:
    """The id of the words for a step of the procedure."""
    return "step." + name.replace(" ", "_")


class StepBar(Horizontal):
    """Every step says by words whether it is done, now or later."""

    def __init__(self, words: Words, position: int) -> None:
        super().__init__()
        self._words = words
        self._position = position

    def compose(self) -> ComposeResult:
        """One cell a step."""
        for index in range(len(PROCEDURE)):
            yield Paragraph(self._text(index), classes=f"-{self._state(index)}")

    def move(self, position: int) -> None:
        """Shows that the case has come to another step."""
        if position == self._position:
            return
        self._position = position
        for index, cell in enumerate(self.query(Paragraph)):
            cell.set_classes(f"-{self._state(index)}")
            cell.write(self._text(index))

    def _state(self, index: int) -> str:
        return "done" if index < self._position else "now" if index == self._position else "later"

    def _text(self, index: int) -> str:
        mark = self._words(f"step.mark.{self._state(index)}", number=index + 1)
        return f"{mark}\n{self._words(step_word_id(PROCEDURE[index][0]))}"
