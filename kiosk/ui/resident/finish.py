"""The ends: the good one, the resident's own stop, and trouble."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult

from kiosk.clock import JAPAN
from kiosk.issuance.failure import STOPPED
from kiosk.model.application import Closed
from kiosk.model.step import Actor, Step
from kiosk.ui.case import OpenCase
from kiosk.ui.counter import FailureText
from kiosk.ui.dates import day_text
from kiosk.ui.devices import SimulatedCard
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.resident.told import Told
from kiosk.ui.seat import Seat
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class Finish(Told):
    """The certificate is valid and the card is with its owner."""

    def __init__(self, seat: Seat, position: int, closed: Closed) -> None:
        super().__init__(seat, position=position)
        self._result = closed

    def page(self) -> ComposeResult:
        """What he has now, and what to look after."""
        words, closed = self.words, self._result
        yield Paragraph(words("resident.finish.title"), classes="title")
        yield Facts(
            {
                words("resident.consent.valid_until"): day_text(closed.valid_until.astimezone(JAPAN).date(), words),
                words("resident.finish.receipt"): words("resident.finish.receipt_value", number=closed.receipt_number),
            }
        )
        yield Paragraph(words("resident.finish.text"), classes="aside")


class TroubleNotice(Told):
    """What happened, the money, the card, who acts, and a number to name; never whose fault.

    Who has stopped by himself is told of money and card alone once all is taken back: nobody has to act then.
    `texts` are the failure book's words by language.
    """

    def __init__(
        self, seat: Seat, case: OpenCase, trouble: Trouble, texts: dict[str, FailureText], card: SimulatedCard | None
    ) -> None:
        super().__init__(seat, position=case.position)
        self._trouble = trouble
        self._money = case.money
        self._has_certificate = Step.CONFIRM in case.done
        is_taken_back = trouble.outcome is Outcome.ROLLED_BACK and trouble.code == STOPPED
        self._is_own_wish = is_taken_back and case.stopped_by is Actor.RESIDENT
        self._texts = texts
        self._card = card
        self._is_taken = False

    def page(self) -> ComposeResult:
        """The facts that a person at the counter asks about."""
        words, trouble, text = self.words, self._trouble, self._texts[self.words.language]
        card = {True: "inside", False: "outside", None: "unknown"}[self._is_card_inside()]
        left = {
            words("resident.trouble.money"): words(f"resident.trouble.money.{self._money}"),
            words("resident.trouble.card"): words(f"resident.trouble.card.{card}"),
        }
        if self._is_own_wish:
            yield Paragraph(words("resident.trouble.own_wish.title"), classes="title")
            yield Facts(left | {words("resident.trouble.who"): words("resident.trouble.own_wish.text")})
            return
        yield Paragraph(words(f"resident.trouble.{trouble.outcome}.title"), classes="title")
        valid = {words("resident.trouble.certificate"): words("resident.trouble.certificate.valid")}
        yield Facts(
            {
                words("resident.trouble.what"): text.what,
                **(valid if self._has_certificate else {}),
                **left,
                words("resident.trouble.who"): words(f"resident.trouble.who.{text.who}"),
                words("resident.trouble.code"): trouble.code,
            },
            # With one row more the last line, all that some can read, would have no room.
            is_spread=not self._has_certificate,
        )
        yield Paragraph(words("resident.trouble.others"), classes="others")

    def _is_card_inside(self) -> bool | None:
        if self._is_taken:
            return False
        return self._card.is_inserted if self._card is not None else self._trouble.is_card_inside

    def note_card_taken(self) -> None:
        """The card is out of the reader now."""
        self._is_taken = True
        if self.is_mounted:
            self.call_next(self.compose_anew)

    def keys(self) -> Iterable[Key]:
        """The demo's hand, and the end."""
        if self._card is not None and self._card.is_inserted:
            yield Key(self.words("demo.card.take"), id="hand", hint="1")
        yield from super().keys()

    @on(Key.Pressed, "#hand")
    async def take_card(self) -> None:
        """Takes the simulated card out."""
        if self._card is not None:
            self._card.remove()
        await self.compose_anew()
