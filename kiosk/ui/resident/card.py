"""Putting the card in and taking it out."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.issuance.persons import CardAction
from kiosk.ui.devices import SimulatedCard
from kiosk.ui.drawings import CARD_IN, CARD_OUT, COUNTER
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_PICTURES = {
    CardAction.INSERT: CARD_IN,
    CardAction.INSERT_SAME: CARD_IN,
    CardAction.HAND_IN: COUNTER,
    CardAction.TAKE: CARD_OUT,
}


class HandleCard(SeatScreen[None]):
    """What to do with the card. The reader notices when it is done; a demo has a key instead of a hand.

    `told_as` names other words than those of the action. `is_awaited_only`: nothing has been done to the card or with
    it, so that whoever has left is noticed, and nothing is lost with him.
    """

    def __init__(
        self,
        seat: Seat,
        position: int | None,
        action: CardAction,
        card: SimulatedCard | None,
        *,
        can_stop: bool,
        told_as: str = "",
        is_awaited_only: bool = False,
    ) -> None:
        super().__init__(seat, position=position, can_stop=can_stop)
        self._action = action
        self._card = card
        self._told_as = told_as or action.value
        self._is_awaited_only = is_awaited_only

    @property
    def minds_idleness(self) -> bool:
        """Only before anything is done to the card."""
        return self._is_awaited_only

    def page(self) -> ComposeResult:
        """A picture that needs no words, and the words."""
        with Horizontal(classes="beside"):
            yield Paragraph(_PICTURES[self._action], classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(self.words(f"resident.card.{self._told_as}.title"), classes="title")
                yield Paragraph(self.words(f"resident.card.{self._told_as}.text"), classes="note")
                if self._action is CardAction.TAKE:
                    yield Paragraph(self.words("resident.card.take.others"), classes="others")

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
