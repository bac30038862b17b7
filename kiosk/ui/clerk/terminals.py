"""What the clerk does for terminals that stand elsewhere: sends forms there, and hears what was broken off."""

from collections.abc import Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kiosk.counter.asking import FormLooked
from kiosk.model.resident import Resident
from kiosk.ui.clerk.papers import Told
from kiosk.ui.clerk.service_flow import Show
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen, Stop
from kiosk.ui.submission import Accepted, Referred, Returned
from kiosk.ui.terminals import TerminalQuestion, Terminals, terminal_name
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_MOST = 9
"""Terminals that have a digit."""


def form_looked(answer: Accepted | Returned | Referred) -> FormLooked:
    """The clerk's word about a form, as it goes over the line."""
    match answer:
        case Accepted(resident=resident):
            return FormLooked(resident)
        case Returned(items=items):
            return FormLooked(None, items)
    return FormLooked(None)


class ChooseTerminal(SeatScreen[TerminalQuestion]):
    """To which of the free terminals a form goes."""

    AUTO_FOCUS = ".choices Key"
    NAMED_KEYS = ".choices Key"
    ASKS_BACK = False

    def __init__(self, seat: Seat, free: Sequence[TerminalQuestion]) -> None:
        super().__init__(seat, can_stop=True)
        self._free = free[:_MOST]

    def page(self) -> ComposeResult:
        """One key a terminal."""
        yield Paragraph(self.words("clerk.terminal.choose"), classes="title")
        with Horizontal(classes="choices"):
            for number, question in enumerate(self._free, 1):
                yield Key(question.station, id=f"terminal-{number}", hint=str(number), value=question)

    def keys(self) -> Iterable[Key]:
        """None but the terminals."""
        return ()

    @on(Key.Pressed, ".choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Chooses."""
        if isinstance(event.key.value, TerminalQuestion):
            self.dismiss(event.key.value)


async def send_form(seat: Seat, terminals: Terminals, resident: Resident, show: Show) -> None:
    """A form that was taken in goes to a free terminal: the only one, or the one that the clerk chooses."""
    free = terminals.free
    if not free:
        await show(seat, Told(seat, "no_terminal"))
        return
    chosen: TerminalQuestion | Stop | None = free[0]
    if len(free) > 1:
        chosen = await show(seat, ChooseTerminal(seat, free))
    if not isinstance(chosen, TerminalQuestion):
        return
    is_sent = terminals.answer(chosen, resident)
    await show(seat, Told(seat, "form_sent", station=chosen.station) if is_sent else Told(seat, "no_terminal"))


async def tell_broken_off(seat: Seat, terminals: Terminals) -> None:
    """A terminal has given a payment up; whoever holds the resident's money gives it back."""
    question = terminals.broken_off.pop(0)
    screen = Told(seat, "broken_off", number=question.number, station=question.station)
    screen.concerning = terminal_name(seat.words, question)
    await seat.ask(screen)
