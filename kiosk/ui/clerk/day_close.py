"""The end of a day: what the journal says must be in the drawer, what was counted, and the difference.

Likewise for what a coin machine says to hold of nobody.
"""

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal

from hw.ports import UnownedMoney
from kiosk.counter.cash_count import PIECES_YEN, CashCount, CountKind
from kiosk.ui.books import DayTakings
from kiosk.ui.dates import day_text
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key, Press
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

REASONS = ("miscounted_change", "unexplained", "exchanged", "other")
"""Why drawer and journal may differ, as the report to the treasurer asks it."""
_REASONS_OF_MACHINE = ("unexplained", "other")

_MOST_PIECES = 999


class CountDrawer(SeatScreen[dict[int, int]]):
    """How many of each piece lie there; the answer is the count of pieces by their value in yen.

    `aside` says where, and of what. `pieces` is written as they are counted, so that a count that is interrupted goes
    on where it was.
    """

    ASKS_BACK = False
    AUTO_FOCUS = "#piece-10000"

    def __init__(self, seat: Seat, takings: DayTakings, kind: CountKind, aside: str, pieces: dict[int, int]) -> None:
        super().__init__(seat, can_stop=True)
        self._takings = takings
        self._kind = kind
        self._aside = aside
        self._pieces = pieces

    def page(self) -> ComposeResult:
        """The day's sums, then a key a piece."""
        words, day = self.words, self._takings
        yield Paragraph(words(f"clerk.{self._kind}.title", day=day_text(day.day, words)), classes="title -tight")
        yield Paragraph(self._aside, classes="aside")
        with Grid(id="drawer"):
            for yen in PIECES_YEN:
                piece = words("money.yen", yen=f"{yen:,}")
                yield Key(self._label(yen), id=f"piece-{yen}", above=piece, value=yen)
        yield Paragraph(id="counted", classes="note")

    def _label(self, yen: int) -> str:
        return self.words("clerk.day.pieces", count=self._count(yen))

    def _count(self, yen: int) -> int:
        return self._pieces.get(yen, 0)

    def follow(self) -> None:
        """Shows the sum of what was counted, and that somebody waits meanwhile."""
        counted = self.words("clerk.day.counted", yen=f"{self.counted_yen:,}")
        waits = self.words("clerk.day.somebody_waits") if self.seat.board.asks_clerk else ""
        self.write("counted", f"{counted}　　{waits}".rstrip())

    @property
    def is_asked_back(self) -> bool:
        """What was counted is not thrown away by one key."""
        return any(self._pieces.values())

    @property
    def stop_question(self) -> str:
        """Whether the count is given up."""
        return self.words("clerk.day.give_up")

    @property
    def counted_yen(self) -> int:
        """The sum of all pieces."""
        return sum(yen * count for yen, count in self._pieces.items())

    def keys(self) -> Iterable[Key]:
        """Counted."""
        yield Key(self.words("clerk.day.confirm"), id="confirm", hint="F9", kind="main")

    @on(Key.Pressed, "#drawer Key")
    def add(self, event: Key.Pressed) -> None:
        """A tap is one more of this piece; Enter goes on to the next, for who types has typed how many there are."""
        yen = event.key.value
        if not isinstance(yen, int):
            return
        if event.by is not Press.ENTER:
            self._set(yen, self._count(yen) + 1)
            return
        later = PIECES_YEN[PIECES_YEN.index(yen) + 1 :]
        self.focus_on(f"#piece-{later[0]}" if later else "#confirm")

    def on_key(self, event: events.Key) -> None:
        """Digits type how many of the piece with the focus there are."""
        focused = self.focused
        yen = focused.value if isinstance(focused, Key) else None
        if event.key == "f9":
            self.confirm()
        elif not isinstance(yen, int):
            return
        elif event.key == "backspace":
            self._set(yen, self._count(yen) // 10)
        elif event.character is not None and event.character in "0123456789":
            self._set(yen, self._count(yen) * 10 + int(event.character))

    def _set(self, yen: int, count: int) -> None:
        if count <= _MOST_PIECES:
            self._pieces[yen] = count
        for key in self.query(f"#piece-{yen}").results(Key):
            key.relabel(self._label(yen))
        self.follow()

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Everything was counted."""
        self.dismiss(dict(self._pieces))


class DaySums(SeatScreen[str]):
    """Journal and drawer beside one another; the answer is why they differ, empty when they do not.

    Whoever confirms it signs it.
    """

    ASKS_BACK = False
    NAMED_KEYS = ".answers Key, .choices Key"

    def __init__(self, seat: Seat, takings: DayTakings, counted_yen: int, kind: CountKind) -> None:
        super().__init__(seat, can_stop=True)
        self._takings = takings
        self._counted_yen = counted_yen
        self._kind = kind

    @property
    def _reasons(self) -> tuple[str, ...]:
        return _REASONS_OF_MACHINE if self._kind is CountKind.MACHINE else REASONS

    @property
    def _difference_yen(self) -> int:
        return self._counted_yen - self._takings.due_yen

    def page(self) -> ComposeResult:
        """The sums; the reasons where there is a difference."""
        words, day = self.words, self._takings
        yield Paragraph(words(f"clerk.{self._kind}.title", day=day_text(day.day, words)), classes="title -tight")
        drawer = {
            words("clerk.day.float"): words("money.yen", yen=f"{day.float_yen:,}"),
            words("clerk.day.issued"): words("clerk.day.cases", count=day.issued, yen=f"{day.fees_yen:,}"),
            words("clerk.day.refunds"): words("clerk.day.cases", count=day.refunds, yen=f"{day.refunds_yen:,}"),
        }
        yield Facts(
            {
                **({} if self._kind is CountKind.MACHINE else drawer),
                words("clerk.day.due"): words("money.yen", yen=f"{day.due_yen:,}"),
                words("clerk.day.drawer"): words("money.yen", yen=f"{self._counted_yen:,}"),
                words("clerk.day.difference"): difference_text(self._difference_yen, words),
            },
            id="day-facts",
            is_spread=False,
        )
        if day.left:
            yield Paragraph(words("clerk.day.left", count=day.left), classes="aside")
        if self._difference_yen:
            yield Paragraph(words("clerk.day.reason"), classes="aside")
            with Horizontal(classes="choices -tight"):
                for number, reason in enumerate(self._reasons, 1):
                    yield Key(
                        words(f"clerk.day.reason.{reason}"), id=f"reason-{number}", hint=str(number), value=reason
                    )

    def keys(self) -> Iterable[Key]:
        """Signed, where there is nothing to explain."""
        if not self._difference_yen:
            yield Key(self.words(f"clerk.{self._kind}.sign"), id="confirm", hint="Enter", kind="main")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """They agree."""
        self.dismiss("")

    @on(Key.Pressed, ".choices Key")
    def explain(self, event: Key.Pressed) -> None:
        """They differ, for this reason."""
        if isinstance(event.key.value, str):
            self.dismiss(event.key.value)


class ConfirmClose(SeatScreen[bool]):
    """Asks back before a day is closed, which is done once: who waits, and what has not ended; Enter goes back."""

    ASKS_BACK = False
    AUTO_FOCUS = ".answers #no"

    def __init__(self, seat: Seat, takings: DayTakings, counted_yen: int) -> None:
        super().__init__(seat)
        self._takings = takings
        self._counted_yen = counted_yen

    def page(self) -> ComposeResult:
        """What is signed, and what is not done yet."""
        words, day = self.words, self._takings
        yield Paragraph(words("clerk.close.title", day=day_text(day.day, words)), classes="title")
        yield Facts(
            {
                words("clerk.day.drawer"): words("money.yen", yen=f"{self._counted_yen:,}"),
                words("clerk.day.difference"): difference_text(self._counted_yen - day.due_yen, words),
            },
            is_spread=False,
        )
        yield Paragraph(id="close-waiting", classes="lead")
        left = words("clerk.close.left", count=day.left) if day.left else words("clerk.close.none_left")
        yield Paragraph(left, classes="lead")
        if day.held:
            yield Paragraph(words("clerk.close.held", count=day.held), classes="lead")
        yield Paragraph(words("clerk.close.text"), classes="aside")

    def follow(self) -> None:
        """Shows how many wait with a number, who may come or go meanwhile."""
        waiting = sum(ticket.state == "waiting" for ticket in self.seat.board.tickets)
        told = self.words("clerk.close.waiting", count=waiting) if waiting else self.words("clerk.close.none_waiting")
        self.write("close-waiting", told)

    def keys(self) -> Iterable[Key]:
        """Both answers."""
        yield Key(self.words("clerk.close.yes"), id="yes", hint="1")
        yield Key(self.words("key.back"), id="no", hint="2", kind="main")

    @on(Key.Pressed, "#yes,#no")
    def answer(self, event: Key.Pressed) -> None:
        """Closes the day, or goes back to the sums."""
        self.dismiss(event.key.id == "yes")


class DayIsClosed(SeatScreen[bool]):
    """What was counted at the close of today, which is made once."""

    ASKS_BACK = False

    def __init__(self, seat: Seat, count: CashCount) -> None:
        super().__init__(seat)
        self._count = count

    def page(self) -> ComposeResult:
        """The sums as they were signed."""
        words, count = self.words, self._count
        yield Paragraph(words("clerk.closed.title"), classes="title")
        yield Facts(
            {
                words("clerk.day.due"): words("money.yen", yen=f"{count.due_yen:,}"),
                words("clerk.day.drawer"): words("money.yen", yen=f"{count.counted_yen:,}"),
                words("clerk.day.difference"): difference_text(count.difference_yen, words),
                words("clerk.closed.kept"): words("money.yen", yen=f"{count.kept_yen:,}"),
                words("clerk.closed.paid_in"): words("money.yen", yen=f"{count.paid_in_yen:,}"),
            }
        )
        yield Paragraph(words("clerk.closed.text"), classes="aside")

    def keys(self) -> Iterable[Key]:
        """Seen."""
        yield Key(self.words("key.confirm"), id="confirm", hint="Enter", kind="main")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Seen."""
        self.dismiss(True)


def difference_text(difference_yen: int, words: Words) -> str:
    """None, more or less, in words."""
    kind = "none" if difference_yen == 0 else "more" if difference_yen > 0 else "less"
    return words(f"clerk.day.difference.{kind}", yen=f"{abs(difference_yen):,}")


def machine_text(money: UnownedMoney, words: Words) -> str:
    """What a coin machine holds, or may hold, of nobody; and what to do with it."""
    told = [words("clerk.machine.text", yen=f"{money.unassigned_yen:,}")]
    if money.lost_events or money.exchanged_unread:
        told.append(words("clerk.machine.lost"))
    if money.coins_in_doubt:
        told.append(words("clerk.machine.doubt", count=money.coins_in_doubt))
    return "\n".join(told)
