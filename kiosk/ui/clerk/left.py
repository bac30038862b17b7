"""The cases that were left: the first thing a clerk sees after a start, and where they go on."""

from collections.abc import Iterable, Sequence
from enum import Enum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from kiosk.journal.records import CaseElsewhere, EffectState
from kiosk.model.decision import can_be_ended
from kiosk.model.transition import Procedure, Stage
from kiosk.ui.books import LeftCase
from kiosk.ui.dates import day_text
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

_PER_PAGE = 4
"""So many have room in the smallest terminal, at two lines and a space each."""


class Decide(Enum):
    """The clerk wants to decide about a case instead of going on with it."""

    DECIDE = "decide"


DECIDE = Decide.DECIDE


def whose(words: Words, case: LeftCase) -> str:
    """Whose case it is: the resident's name, or the terminal where it is known."""
    if case.station:
        return words("clerk.terminal.name", station=case.station)
    return words("clerk.left.unknown") if case.resident is None else case.resident.items.name


_FEE_TOLD = {
    EffectState.INTENDED: "clerk.stage.fee_begun",
    EffectState.UNKNOWN: "clerk.stage.fee_begun",
    EffectState.WITNESSED: "clerk.stage.fee_witnessed",
}
"""What is told of a delivered case whose fee was asked for; of every other the stage tells it."""


def stage_text(words: Words, case: LeftCase | CaseElsewhere) -> str:
    """How far a case has come, by the journal: that nothing was paid is said only where that is known."""
    if case.stage == Stage.DELIVERED and case.fee in _FEE_TOLD:
        return words(_FEE_TOLD[EffectState(case.fee)])
    if case.until is not None:
        held = "clerk.stage.on_hold" if case.stage == Stage.ON_HOLD else "clerk.stage.to_be_held"
        return words(held, stage=words(f"stage.{case.stage}"), day=day_text(case.until, words))
    return words(f"stage.{case.stage}")


def can_go_on(case: LeftCase) -> bool:
    """Whether it can go on at this station; not a certificate for somebody whom the register does not know."""
    is_known = case.resident is not None or case.procedure != Procedure.ISSUANCE
    return is_known and not case.is_suspect and not case.station


class LeftCases(SeatScreen[LeftCase | Decide]):
    """One line a case: its number, its resident, how far it has come, what has to be done. The answer goes on with it.

    A suspect case does not go on here: two clerks look at what is there first.
    """

    ASKS_BACK = False

    def __init__(self, seat: Seat, cases: Sequence[LeftCase]) -> None:
        super().__init__(seat, can_stop=True)
        self._cases = cases
        self._first = 0

    @property
    def _shown(self) -> Sequence[LeftCase]:
        return self._cases[self._first : self._first + _PER_PAGE]

    def page(self) -> ComposeResult:
        """The lines."""
        words = self.words
        yield Paragraph(words("clerk.left.title", count=len(self._cases)), classes="title")
        with Vertical(classes="note", id="left-cases"):
            for number, case in enumerate(self._shown, 1):
                who = whose(words, case)
                yield Paragraph(
                    words(
                        "clerk.left.line",
                        key=number,
                        number=case.number,
                        name=who,
                        stage=stage_text(words, case),
                        next=words(self._next(case)),
                    )
                )
            if not self._cases:
                yield Paragraph(words("clerk.left.none"))
        yield Paragraph(words("clerk.left.text"), classes="aside")

    @staticmethod
    def _next(case: LeftCase) -> str:
        if case.is_suspect:
            return "clerk.left.suspect"
        if case.station:
            return "clerk.left.elsewhere"
        if not can_go_on(case):
            return "clerk.left.gone"
        if case.stage == Stage.ROLLING_BACK:
            return "clerk.left.take_back" if case.until is None else "clerk.left.finish"
        return "clerk.left.go_on" if can_be_ended(Stage(case.stage)) else "clerk.left.forward"

    def keys(self) -> Iterable[Key]:
        """More lines, and going on with the first."""
        if len(self._cases) > _PER_PAGE:
            yield Key(self.words("key.next"), id="more", hint="PageDown")
        goes_on = any(map(can_go_on, self._shown))
        if self._cases:
            # Where nothing can go on, deciding is what there is to do.
            is_for_two = all(case.is_suspect for case in self._shown)
            label = self.words("clerk.left.settle" if is_for_two else "clerk.left.decide")
            yield Key(label, id="decide", hint="D" if goes_on else "Enter", kind="plain" if goes_on else "main")
        if goes_on:
            key = Key(self.words("clerk.left.resume"), id="resume", hint="Enter", kind="main")
            key.disabled = self.seat.board.has_work
            yield key

    @on(Key.Pressed, "#resume")
    def resume_first(self) -> None:
        """Goes on with the first that can go on."""
        self._resume(next(filter(can_go_on, self._shown)))

    @on(Key.Pressed, "#decide")
    def decide(self) -> None:
        """Puts a case off, ends it, or settles it."""
        self.dismiss(DECIDE)

    @on(Key.Pressed, "#more")
    async def show_more(self) -> None:
        """Turns on, from the last to the first."""
        self._first = (self._first + _PER_PAGE) % (-(-len(self._cases) // _PER_PAGE) * _PER_PAGE)
        await self.compose_anew()

    def _resume(self, case: LeftCase) -> None:
        if not self.seat.board.has_work and can_go_on(case):
            self.dismiss(case)

    async def on_key(self, event: events.Key) -> None:
        """Digits go on with a case, the paging key turns."""
        if event.key == "pagedown" and len(self._cases) > _PER_PAGE:
            await self.show_more()
        elif event.key.lower() == "d" and self._cases:
            self.decide()
        elif event.character is not None and event.character in "1234":
            index = int(event.character) - 1
            if index < len(self._shown):
                self._resume(self._shown[index])
