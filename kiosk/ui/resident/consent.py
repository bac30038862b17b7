"""What will be delivered and paid, before the resident pays."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult

from kiosk.clock import JAPAN
from kiosk.issuance.persons import DeliverySummary
from kiosk.ui.dates import day_text
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class Agree(SeatScreen[bool]):
    """Name as certified, until when it is valid, and the fee; yes and stop are equal in size."""

    MINDS_IDLENESS = True

    def __init__(self, seat: Seat, position: int, summary: DeliverySummary) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._summary = summary

    def page(self) -> ComposeResult:
        """Three facts and one question; the registered name too where it differs from the certified one."""
        words, summary = self.words, self._summary
        is_substituted = summary.name != summary.registered_name
        registered = {words("resident.consent.registered_name"): summary.registered_name} if is_substituted else {}
        yield Paragraph(words("resident.consent.title"), classes="title")
        yield Facts(
            {
                words("item.name"): summary.name,
                **registered,
                words("resident.consent.valid_until"): day_text(summary.not_after.astimezone(JAPAN).date(), words),
                words("resident.consent.fee"): words("money.yen", yen=summary.fee_yen),
            }
        )
        text = "resident.consent.text" if summary.fee_yen else "resident.consent.free"
        yield Paragraph(words(text), classes="aside")

    def keys(self) -> Iterable[Key]:
        """Yes."""
        yield Key(self.words("resident.consent.yes"), id="yes", hint="Enter", kind="main")

    @on(Key.Pressed, "#yes")
    def agree(self) -> None:
        """Agrees."""
        self.dismiss(True)
