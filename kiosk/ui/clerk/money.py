"""Money over the counter: taking the fee, handing change back, counting after a stop, and what is wrong with it."""

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal

from hw.ports import CashTrouble, MachineMoney
from kiosk.ui.persons import Unsure
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

_PIECES_YEN = (100, 500, 1000, 5000, 10000)
"""Coins and notes that have a key; every tap adds one."""
_DENOMINATIONS_YEN = (1, 5, 10, 50, 100, 500, 1000, 5000, 10000)
_MOST_YEN = 99_999
_NOTHING = MachineMoney()


def machine_sentences(words: Words, known: MachineMoney) -> Iterable[str]:
    """What a machine says of one payment, a sentence each; none where it knows of nothing."""
    amounts_yen = {
        "clerk.count.machine_took": known.coins_yen,
        "clerk.count.machine_paid": known.paid_yen,
        "clerk.count.machine_perhaps": known.perhaps_paid_yen,
        "clerk.count.machine_others": known.unassigned_yen,
    }
    yield from (words(text, yen=f"{yen:,}") for text, yen in amounts_yen.items() if yen)
    if known.is_count_lost:
        yield words("clerk.count.machine_lost")


def is_likely(tendered_yen: int, due_yen: int) -> bool:
    """Whether anybody would hand so much over: nobody adds a piece that comes back as change."""
    largest_yen = max((yen for yen in _DENOMINATIONS_YEN if yen <= tendered_yen), default=0)
    return tendered_yen - due_yen < max(largest_yen, 1)


class EnterAmount(SeatScreen[int | Unsure]):
    """An amount, by tapping what lies on the tray or by typing it. `least_yen` is the smallest that is accepted.

    Whoever counts what was there before (0 is accepted) may also say that he cannot tell; he is told what a machine
    knows (`known`) that it took and gave out.
    """

    def __init__(
        self,
        seat: Seat,
        position: int | None,
        due_yen: int,
        *,
        least_yen: int,
        purpose: str,
        known: MachineMoney = _NOTHING,
    ) -> None:
        super().__init__(seat, position=position, can_stop=least_yen > 0)
        self._due_yen = due_yen
        self._least_yen = least_yen
        self._purpose = purpose
        self._known = known
        self._amount_yen = 0
        self._doubted_yen: int | None = None

    def page(self) -> ComposeResult:
        """What is due, what lies there, and the difference."""
        words = self.words
        yield Paragraph(words(f"clerk.{self._purpose}.title"), classes="title -tight")
        yield Paragraph(words(f"clerk.{self._purpose}.text"), classes="aside", id="pieces-text")
        for told in machine_sentences(words, self._known):
            yield Paragraph(told, classes="title -tight machine-money")
        yield Facts(self._amounts(), id="amounts")
        with Horizontal(id="pieces"):
            for yen in _PIECES_YEN:
                yield Key(words("money.yen", yen=f"{yen:,}"), id=f"piece-{yen}", value=yen)
            yield Key(words("clerk.fee.clear"), id="clear", hint="BackSpace")

    def keys(self) -> Iterable[Key]:
        """Received; or that nobody here knows."""
        if self._least_yen == 0:
            yield Key(self.words("clerk.count.cannot_tell"), id="unsure", hint="?")
        confirm = Key(self.words(f"clerk.{self._purpose}.confirm"), id="confirm", hint="Enter", kind="main")
        # From its first moment: on a busy machine somebody presses Enter before anything else is brought up to date.
        confirm.disabled = self._amount_yen < self._least_yen
        yield confirm

    def follow(self) -> None:
        """Shows amount and change."""
        self._show()

    def _show(self) -> None:
        for facts in self.query("#amounts").results(Facts):
            facts.show(self._amounts())
        for key in self.query("#confirm").results(Key):
            key.disabled = self._amount_yen < self._least_yen

    def _amounts(self) -> dict[str, str]:
        words, missing = self.words, self._due_yen - self._amount_yen
        rest = words("clerk.fee.missing" if missing > 0 else "clerk.fee.change")
        return {
            words("clerk.fee.due"): words("money.yen", yen=f"{self._due_yen:,}"),
            words("clerk.fee.tendered"): words("money.yen", yen=f"{self._amount_yen:,}"),
            rest: words("money.yen", yen=f"{abs(missing):,}"),
        }

    @on(Key.Pressed, "#pieces Key")
    def add(self, event: Key.Pressed) -> None:
        """Adds a coin or a note, or clears."""
        if event.key.id == "clear":
            self._set(0)
        elif isinstance(event.key.value, int):
            self._set(self._amount_yen + event.key.value)

    def on_key(self, event: events.Key) -> None:
        """Digits type the amount."""
        if event.key == "backspace":
            self._set(self._amount_yen // 10)
        elif event.character == "?" and self._least_yen == 0:
            self.say_unsure()
        elif event.character is not None and event.character in set("0123456789"):
            self._set(self._amount_yen * 10 + int(event.character))

    def _set(self, amount_yen: int) -> None:
        if amount_yen <= _MOST_YEN:
            self._amount_yen = amount_yen
        if self._doubted_yen not in (None, self._amount_yen):
            # What was asked about was another amount.
            self._doubted_yen = None
            self.write("pieces-text", self.words(f"clerk.{self._purpose}.text"))
        self._show()
        if self._amount_yen >= self._least_yen > 0:
            self.focus_on("#confirm")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """The clerk attests the amount; less than what is due is none, and one that nobody pays he attests twice."""
        amount_yen = self._amount_yen
        if amount_yen < self._least_yen:
            return
        if self._least_yen and not is_likely(amount_yen, self._due_yen) and self._doubted_yen != amount_yen:
            self._doubted_yen = amount_yen
            change = f"{amount_yen - self._due_yen:,}"
            self.write("pieces-text", self.words("clerk.fee.unlikely", yen=change))
            return
        self.dismiss(amount_yen)

    @on(Key.Pressed, "#unsure")
    def say_unsure(self) -> None:
        """The clerk cannot tell."""
        self.dismiss(Unsure.CANNOT_TELL)


class GiveMoney(SeatScreen[bool]):
    """Money goes back to the resident. `purpose` is `change`, `no_change` or `repay`."""

    def __init__(self, seat: Seat, position: int | None, amount_yen: int, *, purpose: str) -> None:
        super().__init__(seat, position=position)
        self._amount_yen = amount_yen
        self._purpose = purpose

    def page(self) -> ComposeResult:
        """How much."""
        amount = f"{self._amount_yen:,}"
        yield Paragraph(self.words(f"clerk.{self._purpose}.title", yen=amount), classes="title")
        yield Paragraph(self.words(f"clerk.{self._purpose}.text"), classes="lead note")

    def keys(self) -> Iterable[Key]:
        """Done."""
        yield Key(self.words("key.confirm"), id="confirm", hint="Enter", kind="main")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Done."""
        self.dismiss(True)


class MindCash(SeatScreen[bool]):
    """Something is wrong with the cash: what is known, what the clerk does now, and who else has to act."""

    def __init__(self, seat: Seat, position: int | None, trouble: CashTrouble) -> None:
        super().__init__(seat, position=position)
        self._trouble = trouble

    def page(self) -> ComposeResult:
        """The three sentences."""
        yield Paragraph(self.words(f"clerk.cash.{self._trouble}.title"), classes="title")
        yield Paragraph(self.words(f"clerk.cash.{self._trouble}.text"), classes="lead note")

    def keys(self) -> Iterable[Key]:
        """Read."""
        yield Key(self.words("key.confirm"), id="confirm", hint="Enter", kind="main")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Read."""
        self.dismiss(True)
