"""The numbers of today: who waits, who is called, who did not come; everything from the keyboard."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.counter.queue import Purpose, Ticket, TicketState
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_SHOWN = 10
_GIVING = {"1": Purpose.ISSUE, "2": Purpose.CERTIFICATE, "3": Purpose.CONSULT}
_CALLING = "456789"
"""With these the first of those who are absent are called again; the digits before give numbers."""
_DOING = {"s": "serve", "a": "absent", "r": "return"}


@dataclass(frozen=True)
class QueueOrder:
    """What the clerk wants of the queue.

    The `next`; to `call` this number again; to `give` a number; that the one who is called was served (`serve`), is
    `absent`, or waits (`return`).
    """

    kind: str
    purpose: Purpose | None = None
    number: int | None = None


class QueueScreen(SeatScreen[QueueOrder]):
    """Who waits at the left, in order; who was called and did not come at the right."""

    ASKS_BACK = False

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, can_stop=True)

    def page(self) -> ComposeResult:
        """Three lists; the keys that give numbers, and what becomes of the one who is called."""
        words = self.words
        with Horizontal(classes="desk -short"):
            with Vertical(classes="panel"):
                yield Paragraph(words("clerk.queue.waiting"), classes="panel-title")
                yield Paragraph(id="queue-waiting")
            with Vertical(classes="panel"):
                yield Paragraph(words("clerk.queue.called"), classes="panel-title")
                yield Paragraph(id="queue-called")
                yield Paragraph(words("clerk.queue.absent"), classes="panel-title")
                yield Paragraph(id="queue-absent")
        with Horizontal(classes="choices -tight -narrow-keys"):
            for digit, purpose in _GIVING.items():
                yield Key(words(f"clerk.queue.give.{purpose}"), id=f"give-{purpose}", hint=digit, value=purpose)
            for letter, name in _DOING.items():
                yield Key(words(f"clerk.queue.do.{name}"), id=f"do-{name}", hint=letter.upper(), value=name)

    def keys(self) -> Iterable[Key]:
        """The next."""
        yield Key(self.words("clerk.queue.next"), id="call-next", hint="Enter", kind="main")

    def follow(self) -> None:
        """Shows the numbers as they are."""
        words, board = self.words, self.seat.board
        lists = {state: [t for t in board.tickets if t.state is state] for state in TicketState}
        waiting = lists[TicketState.WAITING]
        self.write("queue-waiting", self._lines(waiting) or words("clerk.queue.nobody"))
        called = "" if board.calls is None else words("clerk.queue.number", number=board.calls)
        elsewhere = [t for t in lists[TicketState.CALLED] if t.number != board.calls]
        others = [words("clerk.queue.elsewhere", number=t.number, counter=t.counter) for t in elsewhere]
        self.write("queue-called", ("\n".join(filter(None, (called, *others))) or words("clerk.queue.nobody")) + "\n")
        self.write("queue-absent", self._lines(self._absent, _CALLING) or words("clerk.queue.nobody"))
        for name in _DOING.values():
            for key in self.query(f"#do-{name}").results(Key):
                key.disabled = board.calls is None

    @property
    def _absent(self) -> list[Ticket]:
        return [ticket for ticket in self.seat.board.tickets if ticket.state is TicketState.ABSENT]

    def _lines(self, tickets: Sequence[Ticket], keys: str = "") -> str:
        """As many as there is room for, and with `keys` as many as have one, which stands before the number."""
        most = len(keys) or _SHOWN
        shown = [
            self.words(
                "clerk.queue.line",
                number=t.number,
                purpose=self.words(f"clerk.queue.purpose.{t.purpose}"),
                at=f"{t.given_at:%H:%M}",
            )
            for t in tickets[:most]
        ]
        if keys:
            shown = [
                self.words("clerk.queue.again", key=key, line=line) for key, line in zip(keys, shown, strict=False)
            ]
        if len(tickets) > most:
            shown.append(self.words("clerk.queue.more", count=len(tickets) - most))
        return "\n".join(shown)

    @on(Key.Pressed, "#give-issue,#give-certificate,#give-consult")
    def give(self, event: Key.Pressed) -> None:
        """Gives the next number."""
        if isinstance(event.key.value, Purpose):
            self.dismiss(QueueOrder("give", purpose=event.key.value))

    @on(Key.Pressed, "#call-next")
    def want_next(self) -> None:
        """Calls whoever has waited longest."""
        self.dismiss(QueueOrder("next"))

    @on(Key.Pressed, "#do-serve,#do-absent,#do-return")
    def end(self, event: Key.Pressed) -> None:
        """Whoever was called is served, absent, or waits again."""
        if isinstance(event.key.value, str):
            self.dismiss(QueueOrder(event.key.value))

    def on_key(self, event: events.Key) -> None:
        """Digits give numbers and call again who was absent, letters end."""
        character = (event.character or "").lower()
        if character in _GIVING:
            self.dismiss(QueueOrder("give", purpose=_GIVING[character]))
        elif character and character in _CALLING:
            for ticket in self._absent[_CALLING.index(character) :][:1]:
                self.dismiss(QueueOrder("call", number=ticket.number))
        elif character in _DOING and self.seat.board.calls is not None:
            self.dismiss(QueueOrder(_DOING[character]))
