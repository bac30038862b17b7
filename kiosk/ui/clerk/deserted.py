"""A terminal at which a password is waited for and nobody seems to be: the clerk looks, and may end it."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult

from kiosk.ui.clerk.service_flow import Show
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.terminals import terminal_name
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class LookAtDeserted(SeatScreen[bool]):
    """What to look for at the terminal, and what ending means. True: he has looked, and it is to end."""

    ASKS_BACK = False

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, can_stop=True)

    def page(self) -> ComposeResult:
        """Title and text; no answer is the default, for only who has looked knows."""
        yield Paragraph(self.words("clerk.deserted.title"), classes="title")
        yield Paragraph(self.words("clerk.deserted.text"), classes="note")

    def keys(self) -> Iterable[Key]:
        """It ends."""
        yield Key(self.words("clerk.deserted.end"), id="end", hint="1")

    @on(Key.Pressed, "#end")
    def end(self) -> None:
        """Nobody is there."""
        self.dismiss(True)


async def look_at_deserted(seat: Seat, show: Show) -> None:
    """The clerk looks at one terminal, the one that has waited longest; nothing ends once somebody is back there."""
    board, terminals = seat.board, seat.board.terminals
    if (entry := board.deserted) is not None:
        answer = await show(seat, LookAtDeserted(seat), lambda: board.deserted is entry and entry.is_open)
        if answer is True and board.deserted is entry:
            board.end_deserted()
    elif terminals is not None and terminals.deserted:
        question = terminals.deserted[0]
        screen = LookAtDeserted(seat)
        screen.concerning = terminal_name(seat.words, question)
        if await show(seat, screen, lambda: question in terminals.waiting) is True:
            terminals.answer(question, None)
