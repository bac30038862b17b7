"""Items of a person that are covered after a while, because a screen is seen from behind too."""

from typing import Generic, TypeVar

from textual import on

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key

R = TypeVar("R")


class Covering(SeatScreen[R], Generic[R]):
    """Covers what it shows of a person after a while. While that is covered it has the key `show`."""

    _is_covered = False

    def on_mount(self) -> None:
        """Covers the items after a while."""
        self.set_timer(self.seat.patience.shown_s, self.cover)

    async def cover(self) -> None:
        """Covers the items."""
        await self._show_items(is_covered=True)

    @on(Key.Pressed, "#show")
    async def uncover(self) -> None:
        """Shows the items for another while."""
        await self._show_items(is_covered=False)
        self.set_timer(self.seat.patience.shown_s, self.cover)

    async def _show_items(self, *, is_covered: bool) -> None:
        if self.is_attached:
            self._is_covered = is_covered
            # `show` and `yes` stand in one place: a hand that taps twice must not say yes to what it has not read.
            self._shown_at_s = self.seat.now()
            await self.compose_anew()


class CoveredItems(Covering[bool]):
    """Asks whether what it shows is right: True or False.

    A screen of this kind has the key `no`, and `yes` while the items are not covered: nobody can say that what he does
    not see is right.
    """

    MINDS_IDLENESS = True

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, position=1, can_stop=True)

    @on(Key.Pressed, "#no")
    def is_wrong(self) -> None:
        """Something is not right."""
        self.dismiss(False)

    @on(Key.Pressed, "#yes")
    def is_right(self) -> None:
        """Everything is right."""
        self.dismiss(True)
