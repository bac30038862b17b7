"""The key that calls the staff, on every screen of a resident in the same place."""

from typing import ClassVar

from kiosk.ui.widgets.key import Key
from kiosk.ui.words import Words


class CallKey(Key):
    """Calls somebody and, while a call is open, says that it is; then there is nothing to press it for.

    A tap on it leaves the focus where it was, so that Enter still gives the answer that it gave before.
    """

    FOCUS_ON_CLICK: ClassVar[bool] = False

    def __init__(self, words: Words, *, is_calling: bool) -> None:
        super().__init__(words("key.call"), id="call", hint="F1")
        self._words = words
        self.is_calling = False
        """Whether a call is open."""
        self.tell(is_calling)

    def tell(self, is_calling: bool) -> None:
        """A call is open, or none is."""
        self.is_calling = is_calling
        self.relabel(self._words("key.called" if is_calling else "key.call"), hint="" if is_calling else "F1")
        self.set_class(is_calling, "-calling")
