"""What a clerk sees when he revokes, puts an application off, ends a case, or settles one with a second clerk."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from hw.ports import MachineMoney
from kiosk.model.resident import Resident
from kiosk.model.revocation import RevocationCause
from kiosk.model.testimony import AuthorityFound, PaperSeen
from kiosk.model.transition import Stage
from kiosk.ui.books import LeftCase
from kiosk.ui.clerk.left import stage_text, whose
from kiosk.ui.clerk.money import machine_sentences
from kiosk.ui.counter import FailureText
from kiosk.ui.dates import day_text
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_PER_PAGE = 6


@dataclass(frozen=True)
class RevocationChoice:
    """Why, and whether the card is there."""

    cause: RevocationCause
    has_card: bool


class ChooseCause(SeatScreen[RevocationChoice]):
    """Whose certificate, why it is revoked, and whether the card is there so that its key can be erased."""

    AUTO_FOCUS = ".choices Key.-first"
    NAMED_KEYS = ".answers Key, .choices Key"
    ASKS_BACK = False

    def __init__(self, seat: Seat, resident: Resident, wished: RevocationCause | None) -> None:
        super().__init__(seat, can_stop=True)
        self._resident = resident
        self._cause = wished
        self._has_card = wished is RevocationCause.WITHDRAWN

    def page(self) -> ComposeResult:
        """Four causes in a row, the card below."""
        words = self.words
        yield Paragraph(words("clerk.revoke.title", name=self._resident.items.name), classes="title -tight")
        yield Paragraph(words("clerk.revoke.text"), classes="note")
        with Horizontal(classes="choices"):
            for number, cause in enumerate(RevocationCause, 1):
                key = Key(words(f"clerk.revoke.{cause}"), id=f"cause-{cause}", hint=str(number), value=cause)
                key.set_class(cause is self._cause, "-chosen")
                # What the resident wished is one Enter away, and not another cause.
                key.set_class(cause is (self._cause or next(iter(RevocationCause))), "-first")
                yield key
        yield Paragraph(words("clerk.revoke.two" if self._needs_two else "clerk.revoke.one"), classes="aside")

    @property
    def _needs_two(self) -> bool:
        return self._cause is not None and self._cause.is_on_information

    def keys(self) -> Iterable[Key]:
        """The card, and the beginning."""
        state = "there" if self._has_card else "away"
        yield Key(self.words(f"clerk.revoke.card.{state}"), id="card", hint="5")
        begin = Key(self.words("clerk.revoke.begin"), id="begin", hint="Enter", kind="main")
        begin.disabled = self._cause is None
        yield begin

    @on(Key.Pressed, ".choices Key")
    async def choose(self, event: Key.Pressed) -> None:
        """Names the cause."""
        if isinstance(event.key.value, RevocationCause):
            self._cause = event.key.value
            await self.compose_anew()
            self.focus_on("#begin")

    @on(Key.Pressed, "#card")
    async def change_card(self) -> None:
        """The card is there, or not."""
        self._has_card = not self._has_card
        await self.compose_anew()

    @on(Key.Pressed, "#begin")
    def begin(self) -> None:
        """Begins."""
        if self._cause is not None:
            self.dismiss(RevocationChoice(self._cause, self._has_card))


class ChooseLeft(SeatScreen[LeftCase]):
    """Which of the cases that were left the clerk decides about."""

    ASKS_BACK = False

    def __init__(self, seat: Seat, cases: Sequence[LeftCase]) -> None:
        super().__init__(seat, can_stop=True)
        self._cases = cases
        self._first = 0

    @property
    def _shown(self) -> Sequence[LeftCase]:
        return self._cases[self._first : self._first + _PER_PAGE]

    def page(self) -> ComposeResult:
        """One line a case."""
        words = self.words
        yield Paragraph(words("clerk.decide.title"), classes="title")
        with Vertical(classes="note", id="left-cases"):
            for number, case in enumerate(self._shown, 1):
                who = whose(words, case)
                stage = stage_text(words, case)
                yield Paragraph(words("clerk.decide.line", key=number, number=case.number, name=who, stage=stage))

    def keys(self) -> Iterable[Key]:
        """More, and the first."""
        if len(self._cases) > _PER_PAGE:
            yield Key(self.words("key.next"), id="more", hint="PageDown")
        yield Key(self.words("clerk.decide.first"), id="first", hint="Enter", kind="main")

    @on(Key.Pressed, "#first")
    def choose_first(self) -> None:
        """The first one."""
        self.dismiss(self._shown[0])

    @on(Key.Pressed, "#more")
    async def show_more(self) -> None:
        """Turns on, from the last to the first."""
        self._first = (self._first + _PER_PAGE) % (-(-len(self._cases) // _PER_PAGE) * _PER_PAGE)
        await self.compose_anew()

    async def on_key(self, event: events.Key) -> None:
        """Digits choose, the paging key turns."""
        if event.key == "pagedown" and len(self._cases) > _PER_PAGE:
            await self.show_more()
        elif event.character is not None and event.character in "123456":
            index = int(event.character) - 1
            if index < len(self._shown):
                self.dismiss(self._shown[index])


class Decision(StrEnum):
    """What a clerk decides about a case that was left."""

    HOLD = "hold"
    RESUME = "resume"
    ABORT = "abort"
    SETTLE = "settle"


class DecideCase(SeatScreen[Decision]):
    """How far it has come, and what can be decided; what cannot is a key that does nothing."""

    AUTO_FOCUS = ".choices Key"
    NAMED_KEYS = ".choices Key"
    ASKS_BACK = False

    def __init__(self, seat: Seat, case: LeftCase, possible: Sequence[Decision]) -> None:
        super().__init__(seat, can_stop=True)
        self._case = case
        self._possible = possible

    def page(self) -> ComposeResult:
        """A key a decision."""
        words, case = self.words, self._case
        who = whose(words, case)
        yield Paragraph(words("clerk.decide.case", number=case.number, name=who), classes="title")
        yield Paragraph(stage_text(words, case), classes="note")
        with Horizontal(classes="choices"):
            for number, decision in enumerate(Decision, 1):
                key = Key(words(f"clerk.decide.{decision}"), id=f"decide-{decision}", hint=str(number), value=decision)
                key.disabled = decision not in self._possible
                yield key
        yield Paragraph(words("clerk.decide.text" if self._possible else "clerk.decide.forward"), classes="aside")

    @on(Key.Pressed, ".choices Key")
    def decide(self, event: Key.Pressed) -> None:
        """Decides."""
        if isinstance(event.key.value, Decision):
            self.dismiss(event.key.value)


class ConfirmAbort(SeatScreen[bool]):
    """Asks back before a case is ended, which nobody can undo; Enter goes back.

    Until when it is put off, or was to be, is told: that ends with it.
    """

    ASKS_BACK = False
    AUTO_FOCUS = ".answers #no"

    def __init__(self, seat: Seat, case: LeftCase) -> None:
        super().__init__(seat)
        self._case = case

    def page(self) -> ComposeResult:
        """Whose case, and what follows."""
        words, case = self.words, self._case
        yield Paragraph(words("clerk.abort.title", number=case.number, name=whose(words, case)), classes="title")
        yield Paragraph(words("clerk.abort.text"), classes="lead note")
        if case.until is not None:
            yield Paragraph(words("clerk.abort.day", day=day_text(case.until, words)), classes="note")

    def keys(self) -> Iterable[Key]:
        """Both answers."""
        yield Key(self.words("clerk.abort.yes"), id="yes", hint="1")
        yield Key(self.words("key.back"), id="no", hint="2", kind="main")

    @on(Key.Pressed, "#yes,#no")
    def answer(self, event: Key.Pressed) -> None:
        """Ends it, or does not."""
        self.dismiss(event.key.id == "yes")


class ReturnDay(SeatScreen[datetime.date]):
    """When the resident returns: one of the next days on which the office is open.

    Of a case that has begun it is said before that taking it back may last, and that the day is kept.
    """

    AUTO_FOCUS = ".choices Key"
    NAMED_KEYS = ".choices Key"
    ASKS_BACK = False

    def __init__(self, seat: Seat, days: Sequence[datetime.date], case: LeftCase) -> None:
        super().__init__(seat, can_stop=True)
        self._days = days
        self._case = case

    def page(self) -> ComposeResult:
        """A key a day."""
        yield Paragraph(self.words("clerk.hold.title"), classes="title")
        told = [self.words("clerk.hold.text")]
        if self._case.stage not in (Stage.OPENED, Stage.ON_HOLD):
            told.append(self.words("clerk.hold.kept"))
        yield Paragraph("\n\n".join(told), classes="note")
        with Horizontal(classes="choices -many"):
            for number, day in enumerate(self._days, 1):
                weekday = self.words(f"date.weekday.{day.weekday()}")
                label = self.words("clerk.hold.day", month=day.month, day=day.day, weekday=weekday)
                yield Key(label, id=f"day-{number}", hint=str(number), value=day)

    @on(Key.Pressed, ".choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Chooses."""
        if isinstance(event.key.value, datetime.date):
            self.dismiss(event.key.value)


_AMOUNTS_YEN = (0, 500, 1000)
_MOST_DIGITS = 6


class SettleAmount(SeatScreen[str]):
    """Two clerks have counted how much of this payer's money lies in the till: typed, or one of the usual sums.

    Coins that a machine has taken belong to it; they are told what it knows.
    """

    TAKES_TEXT = True
    AUTO_FOCUS = ".choices Key"
    ASKS_BACK = False

    def __init__(self, seat: Seat, case: LeftCase, known: MachineMoney) -> None:
        super().__init__(seat, can_stop=True)
        self._case = case
        self._known = known
        self._typed = ""

    def page(self) -> ComposeResult:
        """What is asked, the sum, the usual ones."""
        yield Paragraph(self.words("clerk.settle.title", number=self._case.number), classes="title")
        yield Paragraph(self.words("clerk.settle.money"), classes="note")
        if told := [*machine_sentences(self.words, self._known)]:
            told.append(self.words("clerk.settle.machine"))
            yield Paragraph("\n".join(told), classes="note machine-money")
        yield Paragraph(id="settle-sum", classes="lead")
        with Horizontal(classes="choices"):
            for yen in _AMOUNTS_YEN:
                yield Key(self.words("money.yen", yen=f"{yen:,}"), id=f"sum-{yen}", value=str(yen))

    def keys(self) -> Iterable[Key]:
        """That is what lies there."""
        confirm = Key(self.words("clerk.settle.confirm"), id="confirm", hint="Enter", kind="main")
        confirm.disabled = not self._typed
        yield confirm

    def follow(self) -> None:
        """Shows the sum."""
        for paragraph in self.query("#settle-sum").results(Paragraph):
            paragraph.write(self.words("money.yen", yen=f"{int(self._typed):,}") if self._typed else "")
        for key in self.query("#confirm").results(Key):
            key.disabled = not self._typed

    @on(Key.Pressed, ".choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """One of the usual sums."""
        if isinstance(event.key.value, str):
            self._type(event.key.value)

    def _type(self, text: str) -> None:
        self._typed = str(int(text)) if text else ""
        self.follow()
        self.focus_on("#confirm" if self._typed else ".choices Key")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Says it."""
        if self._typed:
            self.dismiss(self._typed)

    def on_key(self, event: events.Key) -> None:
        """Digits add up to a sum."""
        if event.key in ("backspace", "ctrl+h", "delete"):
            self._type(self._typed[:-1])
        elif event.character is not None and event.character in "0123456789" and len(self._typed) < _MOST_DIGITS:
            self._type(self._typed + event.character)


class _SettleChoice(SeatScreen[str]):
    """Two clerks know which of a few answers is so; `ASKED` and the values of `ANSWERS` are ids of words."""

    AUTO_FOCUS = ".choices Key"
    NAMED_KEYS = ".choices Key"
    ASKS_BACK = False
    ASKED: ClassVar[str]
    ANSWERS: ClassVar[Mapping[StrEnum, str]]

    def __init__(self, seat: Seat, case: LeftCase) -> None:
        super().__init__(seat, can_stop=True)
        self._case = case

    def page(self) -> ComposeResult:
        """Who does not have the answer yet leaves."""
        yield Paragraph(self.words("clerk.settle.title", number=self._case.number), classes="title")
        yield Paragraph(self.words(self.ASKED), classes="note")
        with Horizontal(classes="choices"):
            for number, (answer, text_id) in enumerate(self.ANSWERS.items(), 1):
                yield Key(self.words(text_id), id=f"answer-{answer}", hint=str(number), value=answer)

    @on(Key.Pressed, ".choices Key")
    def say(self, event: Key.Pressed) -> None:
        """Says."""
        if isinstance(event.key.value, StrEnum):
            self.dismiss(event.key.value.value)


class SettlePaper(_SettleChoice):
    """Two clerks have looked for the receipt."""

    ASKED = "clerk.settle.receipt"
    ANSWERS = MappingProxyType(
        {
            PaperSeen.WHOLE: "clerk.paper.whole",
            PaperSeen.PARTLY: "clerk.paper.partly",
            PaperSeen.NOTHING: "clerk.paper.nothing",
        }
    )


class SettleCertificate(_SettleChoice):
    """Two clerks have asked the authority by another way what it has issued; the case ends upon one answer alone."""

    ASKED = "clerk.settle.certificate"
    ANSWERS = MappingProxyType({AuthorityFound.NONE_VALID: "clerk.certificate.none_valid"})


class Decided(SeatScreen[bool]):
    """What came of a decision: one word of the clerk's, or why it cannot be."""

    def __init__(
        self, seat: Seat, text_id: str, failure: dict[str, FailureText] | None = None, **values: object
    ) -> None:
        super().__init__(seat)
        self._text_id = text_id
        self._failure = failure
        self._values = values

    def page(self) -> ComposeResult:
        """The sentence, and the failure book's words."""
        values = {
            name: day_text(value, self.words) if isinstance(value, datetime.date) else value
            for name, value in self._values.items()
        }
        yield Paragraph(self.words(self._text_id, **values), classes="title")
        if self._failure is not None:
            text = self._failure[self.words.language]
            yield Paragraph(f"{text.what}\n\n{text.remedy}", classes="note")

    def keys(self) -> Iterable[Key]:
        """Read."""
        yield Key(self.words("clerk.told.done"), id="done", hint="Enter", kind="main")

    @on(Key.Pressed, "#done")
    def leave(self) -> None:
        """Has read it."""
        self.dismiss(True)
