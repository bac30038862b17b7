"""Text on a screen."""

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from kiosk.ui.phrases import broken
from kiosk.ui.plain_text import inert


class Paragraph(Static):
    """Shows text as it is: markup in it is not interpreted, control characters are inert.

    A line that is wider than its place is broken between phrases.
    """

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        self._text = inert(text)
        self._broken: tuple[Content, int, Content] | None = None
        super().__init__(self._text, id=id, classes=classes, markup=False)

    @property
    def text(self) -> str:
        """What it says."""
        return self._text

    def write(self, text: str) -> None:
        """Replaces the text."""
        if (shown := inert(text)) != self._text:
            self._text = shown
            self.update(shown)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Of the text as it is, since its lines are broken for a width that it has already."""
        return min(self._whole.get_optimal_width(self.styles.get_rules(), container.width), container.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Of the text as it is broken for this width."""
        return self._broken_for(width).get_height(self.styles.get_rules(), width) if width else 0

    def render(self) -> Content:
        """The text, broken for the width that it has."""
        return self._broken_for(self.content_size.width)

    @property
    def _whole(self) -> Content:
        content = super().render()
        assert isinstance(content, Content), "nothing else is written here"
        return content

    def _broken_for(self, width: int) -> Content:
        whole = self._whole
        if not width or whole.cell_length <= width:
            return whole
        # Asked for at each layout and each paint.
        if self._broken is None or self._broken[0] is not whole or self._broken[1] != width:
            self._broken = whole, width, _broken_into(whole, width)
        return self._broken[2]


def _broken_into(whole: Content, width: int) -> Content:
    shown = []
    for line in whole.split("\n", allow_blank=True):
        places = broken(line.plain, width) if line.cell_length > width else []
        shown += [part.rstrip() for part in line.divide(places)] if places else [line]
    return Content("\n").join(shown)
