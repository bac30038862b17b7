"""The second clerk, where one is not enough: he shows by his own number and PIN that he is another one."""

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kiosk.ui.seat import LONGEST_SIGN_IN, Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.typed_password import TypedPassword
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.widgets.seat_lock import COUNTS_EVERY_S, signing_text

_MOST_SHOWN = 6


class SecondClerk(SeatScreen[str]):
    """Another of `clerks` than the one at the seat signs too. The answer is his name in the journal.

    Where the seat has no guard, as in training without a roster, his name stands on a key.
    """

    NAMED_KEYS = ".choices Key"
    ASKS_BACK = False

    def __init__(self, seat: Seat, clerks: Sequence[str], purpose: str) -> None:
        super().__init__(seat, can_stop=True)
        self._clerks = [name for name in clerks if name != seat.person]
        self._purpose = purpose
        self._typed = TypedPassword(LONGEST_SIGN_IN)
        self._proved: str | None = None
        self._is_wrong = False

    @property
    def _is_guarded(self) -> bool:
        return self.seat.guard is not None

    def page(self) -> ComposeResult:
        """For what; then a field for number and PIN, or a key a clerk."""
        words = self.words
        yield Paragraph(words("clerk.second.title"), classes="title")
        asked = words("clerk.second.sign_in" if self._is_guarded else "clerk.second.choose")
        yield Paragraph(f"{self._purpose}\n{asked}", classes="note")
        if not self._clerks:
            yield Paragraph(words("clerk.second.none"), classes="aside")
        elif self._is_guarded:
            yield Paragraph(id="typed-text", classes="field")
            if self.seat.is_demo:
                yield Paragraph(words("clerk.second.demo"), classes="aside")
        else:
            with Horizontal(classes="choices"):
                for number, name in enumerate(self._clerks[:_MOST_SHOWN], 1):
                    yield Key(name, id=f"clerk-{number}", hint=str(number), value=name)

    def keys(self) -> Iterable[Key]:
        """Signed, where number and PIN are typed."""
        if self._is_guarded and self._clerks:
            yield Key(self.words("clerk.second.sign"), id="sign", hint="Enter", kind="main")

    def follow(self) -> None:
        """Shows how much was typed, or why it is not enough."""
        is_himself = bool(self._proved) and not len(self._typed)
        text = signing_text(self.seat, self._typed, is_wrong=self._is_wrong)
        self.write("typed-text", self.words("clerk.second.himself") if is_himself else text)

    def on_mount(self) -> None:
        """Counts the time down for which nobody is heard."""
        self.set_interval(COUNTS_EVERY_S, self.follow)

    def on_key(self, event: events.Key) -> None:
        """Digits are typed, where there is a field."""
        if not self._is_guarded:
            return
        if event.key == "backspace":
            self._typed.erase_last()
        elif event.character is not None and event.character in "0123456789":
            self._typed.type(ord(event.character))
        else:
            return
        self._proved, self._is_wrong = None, False
        self.follow()

    @on(Key.Pressed, "#sign")
    async def sign(self) -> None:
        """Signs, if it is a clerk and not the one who sits here."""
        proved = await self.seat.prove(self._typed.hand_over())
        if isinstance(proved, str) and proved in self._clerks:
            self.dismiss(proved)
            return
        self._proved = proved if proved == self.seat.person else None
        self._is_wrong = self._proved is None and not self.seat.deaf_for_s
        self.follow()

    @on(Key.Pressed, ".choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """This one."""
        if isinstance(event.key.value, str):
            self.dismiss(event.key.value)

    def on_unmount(self) -> None:
        """Nothing stays of what was typed."""
        self._typed.wipe()
