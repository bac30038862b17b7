"""Putting the card in and taking it out."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.issuance.persons import CardAction
from kiosk.ui.counter import SimulatedCard
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_PICTURES = {
    True: """\
╭────────────────────────╮
│  ┌────┐                │
│  │▒▒▒▒│   I C          │
│  └────┘                │
╰────────────────────────╯
            │
            ▼
━━━━━━━━━━━━━━━━━━━━━━━━━━━━""",
    False: """\
╭────────────────────────╮
│  ┌────┐                │
│  │▒▒▒▒│   I C          │
│  └────┘                │
╰────────────────────────╯
            ▲
            │
━━━━━━━━━━━━━━━━━━━━━━━━━━━━""",
}


class HandleCard(SeatScreen[None]):
    """What to do with the card. The reader notices when it is done; a demo has a key instead of a hand."""

    def __init__(
        self, seat: Seat, position: int, action: CardAction, card: SimulatedCard | None, *, can_stop: bool
    ) -> None:
        super().__init__(seat, position=position, can_stop=can_stop)
        self._action = action
        self._card = card

    def page(self) -> ComposeResult:
        """A picture that needs no words, and the words."""
        with Horizontal(classes="beside"):
            is_going_in = self._action in (CardAction.INSERT, CardAction.INSERT_SAME)
            yield Paragraph(_PICTURES[is_going_in], classes="picture")
            with Vertical():
                yield Paragraph(self.words(f"resident.card.{self._action}.title"), classes="title")
                yield Paragraph(self.words(f"resident.card.{self._action}.text"), classes="lead")

    def keys(self) -> Iterable[Key]:
        """The demo's hand."""
        if self._card is not None:
            yield Key(self.words(f"demo.card.{self._action}"), id="hand", hint="Enter", kind="main")

    @on(Key.Pressed, "#hand")
    def move(self) -> None:
        """Moves the simulated card."""
        if self._card is None:
            return
        match self._action:
            case CardAction.TAKE:
                self._card.remove()
            case CardAction.HAND_IN:
                self._card.hand_in()
            case _:
                self._card.insert()
