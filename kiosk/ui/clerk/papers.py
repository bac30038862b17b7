"""Papers from the clerk's menu: forms from the register, letters, blanks, and copies of receipts."""

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from hw.ports import PrintOutcome
from kiosk.counter.reprint import CertificateContent
from kiosk.ui.dates import day_text
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

_LONGEST_NUMBER = 6


class Choose(SeatScreen[str]):
    """One of several words, each with its digit; `purpose` names the words `clerk.PURPOSE.title` and `.CHOICE`.

    `values` are filled into the title.
    """

    AUTO_FOCUS = "#choice-1"
    NAMED_KEYS = "#choices Key"
    ASKS_BACK = False

    def __init__(self, seat: Seat, purpose: str, choices: Sequence[str], **values: object) -> None:
        super().__init__(seat, can_stop=True)
        self._values = values
        self._purpose = purpose
        self._choices = choices

    def page(self) -> ComposeResult:
        """Four in a row."""
        yield Paragraph(self.words(f"clerk.{self._purpose}.title", **self._values), classes="title")
        with Grid(id="choices"):
            for number, choice in enumerate(self._choices, 1):
                label = self.words(f"clerk.{self._purpose}.{choice}")
                yield Key(label, id=f"choice-{number}", hint=str(number), value=choice)

    @on(Key.Pressed, "#choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Takes one."""
        if isinstance(event.key.value, str):
            self.dismiss(event.key.value)


class EnterReceiptNumber(SeatScreen[int]):
    """The number that stands on the receipt, as the payer or the day's slip says it."""

    ASKS_BACK = False

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, can_stop=True)
        self._digits = ""

    def page(self) -> ComposeResult:
        """What is asked, and what was typed."""
        yield Paragraph(self.words("clerk.reprint.title"), classes="title")
        yield Paragraph(self.words("clerk.reprint.text"), classes="lead note")
        yield Paragraph(id="typed-text", classes="field")

    def keys(self) -> Iterable[Key]:
        """On."""
        yield Key(self.words("key.next"), id="done", hint="Enter", kind="main")

    def follow(self) -> None:
        """Shows the number."""
        for paragraph in self.query("#typed-text").results(Paragraph):
            paragraph.write(self.words("clerk.reprint.number", number=self._digits or "＿"))

    def on_key(self, event: events.Key) -> None:
        """Digits type."""
        if event.key == "backspace":
            self._digits = self._digits[:-1]
        elif event.character and event.character in "0123456789" and len(self._digits) < _LONGEST_NUMBER:
            self._digits += event.character
        self.follow()

    @on(Key.Pressed, "#done")
    def finish(self) -> None:
        """On, when there is a number."""
        if self._digits and int(self._digits):
            self.dismiss(int(self._digits))


class ConfirmCopy(SeatScreen[bool]):
    """Whose certificate is copied: a number that was mistyped must not print a stranger's address."""

    ASKS_BACK = False

    def __init__(self, seat: Seat, content: CertificateContent) -> None:
        super().__init__(seat, can_stop=True)
        self._content = content

    def page(self) -> ComposeResult:
        """The owner and the certificate."""
        words, content = self.words, self._content
        yield Paragraph(words("clerk.certificate_copy.title"), classes="title")
        yield Facts(
            {
                words("item.name"): content.name,
                words("item.birth_date"): day_text(content.birth_date, words),
                words("resident.own.serial"): content.serial,
            }
        )
        yield Paragraph(words("clerk.certificate_copy.text"), classes="aside")

    def keys(self) -> Iterable[Key]:
        """Prints."""
        yield Key(self.words("clerk.certificate_copy.print"), id="print", hint="Enter", kind="main")

    @on(Key.Pressed, "#print")
    def print_it(self) -> None:
        """He stands before the clerk."""
        self.dismiss(True)


class Told(SeatScreen[bool]):
    """Tells the clerk what became of something; `clerk.told.WHAT.title` and `.text` are the words."""

    ASKS_BACK = False

    def __init__(self, seat: Seat, what: str, **values: object) -> None:
        super().__init__(seat)
        self._what = what
        self._values = values

    def page(self) -> ComposeResult:
        """Title and text."""
        yield Paragraph(self.words(f"clerk.told.{self._what}.title", **self._values), classes="title")
        yield Paragraph(self.words(f"clerk.told.{self._what}.text", **self._values), classes="lead note")

    def keys(self) -> Iterable[Key]:
        """Seen."""
        yield Key(self.words("key.confirm"), id="confirm", hint="Enter", kind="main")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Seen."""
        self.dismiss(True)


def told_of(outcome: PrintOutcome) -> str:
    """The words for what became of a paper."""
    match outcome:
        case PrintOutcome.CONFIRMED | PrintOutcome.PRINTED:
            return "printed"
        case PrintOutcome.SENT:
            return "sent"
        case PrintOutcome.NOT_STARTED | PrintOutcome.PLANNED:
            return "not_printed"
        case _:
            return "unclear"
