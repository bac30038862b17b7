"""A password entry at which nobody has touched the terminal for long: somebody has to look, and may end it.

No time ends it by itself, for whoever types his password is not hurried.
"""

from typing import TYPE_CHECKING

from kiosk.model.step import Actor

if TYPE_CHECKING:
    from kiosk.ui.case import OpenCase
    from kiosk.ui.service import OpenService


class DesertedEntry:
    """One password entry; `work` is what asks for it, None where a resident looks at his own certificate."""

    def __init__(self, work: "OpenCase | OpenService | None") -> None:
        self._work = work
        self._asked = None if work is None else work.resident_sees
        self.is_ended = False
        """Whether somebody who looked has ended it."""

    @property
    def is_open(self) -> bool:
        """Whether the password is still waited for."""
        if self.is_ended or self._work is None:
            return not self.is_ended
        return self._work.can_stop and self._work.resident_sees is self._asked

    def end(self) -> None:
        """The clerk has looked and ends it; nothing happens when the resident has gone on in the same moment."""
        if self.is_open:
            self.is_ended = True
            if self._work is not None:
                self._work.stop(Actor.CLERK)
