"""The screens on which the resident waits, and learns for whom and why."""

from enum import StrEnum

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.model.step import Step
from kiosk.ui.case import OpenCase
from kiosk.ui.drawings import COIN, COUNTER, KEY, PAPER, WAIT
from kiosk.ui.persons import ChangeDue, FeeDue
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.widgets.step_bar import StepBar


class Waiting(StrEnum):
    """For what the resident waits."""

    WINDOW = "window"
    KEY = "key"
    WORK = "work"
    FEE = "fee"
    RECEIPT = "receipt"
    RECEIPT_LATER = "receipt_later"
    """The receipt, which the printer cannot print now."""
    STOPPING = "stopping"
    MAINTENANCE = "maintenance"


_PICTURES = {
    Waiting.WINDOW: COUNTER,
    Waiting.FEE: COIN,
    Waiting.RECEIPT: PAPER,
    Waiting.RECEIPT_LATER: COUNTER,
    Waiting.STOPPING: WAIT,
    Waiting.MAINTENANCE: WAIT,
}


class Notice(SeatScreen[None]):
    """Says what is going on, and ends by itself. Its words are `resident.NOTICE.title` and `.text`."""

    def __init__(
        self, seat: Seat, notice: Waiting, position: int | None, *, can_stop: bool = False, **values: object
    ) -> None:
        super().__init__(seat, position=position, can_stop=can_stop)
        self._notice = notice
        self._values = values

    def page(self) -> ComposeResult:
        """A picture, title and text."""
        with Horizontal(classes="beside"):
            yield Paragraph(_PICTURES[self._notice], classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(
                    self.words(f"resident.{self._notice}.title", **self._values), id="notice-title", classes="title"
                )
                yield Paragraph(
                    self.words(f"resident.{self._notice}.text", **self._values), id="notice-text", classes="note"
                )


class FeeNotice(Notice):
    """What is to be paid, and what is still missing once coins have begun to fall.

    Who thinks better of it now says so to the clerk, who has or awaits his money: no key here stops.
    """

    def __init__(self, seat: Seat, case: OpenCase, position: int, fee_yen: int) -> None:
        super().__init__(seat, Waiting.FEE, position, fee=fee_yen)
        self._case = case
        self._fee_yen = self._missing_yen = fee_yen

    def page(self) -> ComposeResult:
        """The notice, and a line for what has been paid."""
        yield from super().page()
        yield Paragraph(id="paid", classes="title")

    def follow(self) -> None:
        """Says how much is in and how much is missing; nothing before the first coin, thanks after the last.

        Between two questions to the clerk, and while he gives change, what was known last holds.
        """
        match self._case.clerk_asked:
            case FeeDue(due_yen=missing_yen):
                self._missing_yen = missing_yen
            case ChangeDue():
                self._missing_yen = 0
        paid_yen = self._fee_yen - self._missing_yen
        if not self._missing_yen:
            for paragraph_id, text in (("notice-title", self.words("resident.fee.all_paid")), ("notice-text", "")):
                self.write(paragraph_id, text)
        is_begun = self._missing_yen and paid_yen > 0
        told = self.words("resident.fee.paid", paid=paid_yen, missing=self._missing_yen) if is_begun else ""
        self.write("paid", told)


class KeyGeneration(SeatScreen[None]):
    """The card makes its key; the seconds are counted, because nobody knows a true per cent.

    `usual_s` is how long cards here have taken, None where none has yet: then nothing is promised. `elapsed_s` is how
    long this one has taken so far.
    """

    def __init__(self, seat: Seat, position: int, usual_s: int | None) -> None:
        super().__init__(seat, position=position)
        self._usual_s = usual_s
        self.elapsed_s = 0

    def page(self) -> ComposeResult:
        """What happens inside the card, and for how long already."""
        with Horizontal(classes="beside"):
            yield Paragraph(KEY, classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(self.words("resident.key.title"), classes="title")
                yield Paragraph(self.words("resident.key.text"), classes="note")
                yield Paragraph(id="elapsed", classes="aside counting")
        yield Paragraph(self.words("resident.work.keep_card"), classes="aside")

    def on_mount(self) -> None:
        """Starts counting."""
        self.set_interval(1.0, self._count)

    def _count(self) -> None:
        self.elapsed_s += 1
        self.follow()

    def follow(self) -> None:
        """Shows the seconds."""
        for paragraph in self.query("#elapsed").results(Paragraph):
            paragraph.write(self._elapsed)

    @property
    def _elapsed(self) -> str:
        if self._usual_s is None:
            return self.words("resident.key.elapsed_first", seconds=self.elapsed_s)
        return self.words("resident.key.elapsed", usual=self._usual_s, seconds=self.elapsed_s)


class AtStationWork(SeatScreen[None]):
    """Station and authority work through several short steps; the one under way is named."""

    STEPS = (Step.APPLICATION, Step.GENERATE_KEY, Step.REQUEST, Step.CERTIFY, Step.WRITE, Step.READ_BACK, Step.CONFIRM)
    """The steps that this screen has words for."""

    def __init__(self, seat: Seat, case: OpenCase) -> None:
        super().__init__(seat, position=case.position)
        self._case = case

    def page(self) -> ComposeResult:
        """The present step in a sentence."""
        with Horizontal(classes="beside"):
            yield Paragraph(WAIT, classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(id="work-title", classes="title")
                yield Paragraph(id="work-text", classes="note")
        yield Paragraph(self.words("resident.work.keep_card"), classes="aside")

    def follow(self) -> None:
        """Names the step under way."""
        step = self._case.step
        if step not in self.STEPS:
            return
        for part in ("title", "text"):
            for paragraph in self.query(f"#work-{part}").results(Paragraph):
                paragraph.write(self.words(f"resident.work.{step}.{part}"))
        for bar in self.query(StepBar):
            bar.move(self._case.position)
