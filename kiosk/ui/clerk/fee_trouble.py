"""What is known to be out of order before a fee is taken: told at the desk, and asked about before the money comes."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult

from kiosk.ui.board import RECEIPT_PRINTER
from kiosk.ui.counter import Counter
from kiosk.ui.devices import TROUBLES, DeviceState
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

_BLOCKED = {RECEIPT_PRINTER: "K-PRINTER-001"}
_BLOCKED_ELSE, _MISSING = "K-DEVICE-004", "K-DEVICE-001"
"""The failure book's codes for a device that answers and cannot work, and for one that does not answer."""


def fee_trouble_text(device: DeviceState, words: Words, counter: Counter) -> str:
    """A device that is out of order: what it is, why, who acts and how, and the code to name."""
    code = _MISSING if device.state == "missing" else _BLOCKED.get(device.kind, _BLOCKED_ELSE)
    told = counter.failure_text(code, words.language)
    remedy = words("clerk.fee_trouble.look_at_printer") if code == _BLOCKED[RECEIPT_PRINTER] else told.remedy
    # What a driver says in its own words is for the technician.
    causes = [words(f"trouble.{cause}") for cause in device.detail.split(", ") if cause in TROUBLES]
    return words(
        "clerk.fee_trouble.line",
        kind=words(f"device.kind.{device.kind}"),
        cause=", ".join(causes) or words(f"device.state.{device.state}"),
        code=code,
        who=words(f"clerk.fee_trouble.who.{told.who}"),
        remedy=remedy,
    )


class MindFeeTrouble(SeatScreen[bool]):
    """Stands before the fee is taken, until it is put right or the clerk goes on knowing of it.

    `station` is where it is to be paid, empty for this one. Enter presses nothing that takes money: whoever presses it
    by habit has read nothing.
    """

    AUTO_FOCUS = "#stop"

    def __init__(self, seat: Seat, position: int | None, counter: Counter, station: str = "") -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._counter = counter
        self._station = station

    def page(self) -> ComposeResult:
        """What is out of order, and what follows from it."""
        words, troubles = self.words, self.seat.board.fee_troubles_at(self._station)
        yield Paragraph(words("clerk.fee_trouble.title"), classes="title")
        yield Paragraph(id="fee-troubles", classes="note")
        follows = "no_receipt" if any(d.kind == RECEIPT_PRINTER for d in troubles) else "no_cash"
        yield Paragraph(words(f"clerk.fee_trouble.{follows}"), classes="aside")

    def keys(self) -> Iterable[Key]:
        """To go on all the same."""
        yield Key(self.words("clerk.fee_trouble.go_on"), id="go-on", hint="1")

    def follow(self) -> None:
        """Shows what is out of order now."""
        troubles = self.seat.board.fee_troubles_at(self._station)
        self.write("fee-troubles", "\n".join(fee_trouble_text(d, self.words, self._counter) for d in troubles))

    @on(Key.Pressed, "#go-on")
    def go_on(self) -> None:
        """Takes the fee knowing of it."""
        self.dismiss(True)
