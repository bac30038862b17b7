"""The form shown back to whoever filled it in; every item can be put right before it is handed in."""

from collections.abc import Collection, Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.model.form import Form
from kiosk.ui.dates import day_text
from kiosk.ui.drawings import COUNTER
from kiosk.ui.resident.covered_items import CoveredItems
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

ITEMS = ("kana", "name", "birth_date", "sex", "address")
"""In the order of the paper form."""


class ConfirmForm(CoveredItems):
    """The five items; True when everything is right.

    `doubtful` are those at which the clerk asks to look once more.
    """

    def __init__(self, seat: Seat, form: Form, doubtful: Collection[str] = ()) -> None:
        super().__init__(seat)
        self._form = form
        self._doubtful = doubtful

    def page(self) -> ComposeResult:
        """The items; those in doubt say so in words."""
        words, form = self.words, self._form
        texts = {
            "kana": form.kana,
            "name": form.name or words("resident.form.by_clerk"),
            "birth_date": day_text(form.birth_date, words),
            "sex": words(f"sex.{form.sex}"),
            "address": form.address,
        }
        title = "resident.form.check.again" if self._doubtful else "resident.form.check.title"
        yield Paragraph(words(title), classes="title")
        facts = {}
        for item in ITEMS:
            text = words("resident.items.covered") if self._is_covered else texts[item]
            is_doubtful = item in self._doubtful
            facts[words(f"item.{item}")] = words("resident.form.doubtful", text=text) if is_doubtful else text
        yield Facts(facts, id="form-facts", is_spread=False)

    def keys(self) -> Iterable[Key]:
        """A change; everything is right, or a look at what is covered."""
        yield Key(self.words("resident.form.check.no"), id="no", hint="2")
        if self._is_covered:
            yield Key(self.words("resident.items.show"), id="show", hint="9", kind="main")
        else:
            yield Key(self.words("resident.form.check.yes"), id="yes", hint="Enter", kind="main")


class AtReception(SeatScreen[None]):
    """The clerk looks at the form; it ends by itself when he has."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, position=1, can_stop=True)

    def page(self) -> ComposeResult:
        """A picture, title and text."""
        with Horizontal(classes="beside"):
            yield Paragraph(COUNTER, classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(self.words("resident.reception.title"), classes="title")
                yield Paragraph(self.words("resident.reception.text"), classes="note")


class BringForm(SeatScreen[str]):
    """How the form comes to the counter: scanned, typed here, or with a clerk's help; answers `type` or `consult`.

    A code that is held before the scanner ends it by itself. `is_refused`: the code before was no form's.
    """

    MINDS_IDLENESS = True

    def __init__(self, seat: Seat, *, has_scanner: bool, is_refused: bool = False) -> None:
        super().__init__(seat, position=1, can_stop=True)
        self._has_scanner = has_scanner
        self._is_refused = is_refused

    def page(self) -> ComposeResult:
        """What to hold where, and what to do without a printed form."""
        words = self.words
        scan = "resident.bring.scan" if self._has_scanner else "resident.bring.no_scanner"
        yield Paragraph(words("resident.bring.title"), classes="title")
        yield Paragraph(words("resident.bring.refused" if self._is_refused else scan), classes="lead note")
        yield Paragraph(words("resident.bring.type_text"), classes="lead note")
        yield Paragraph(words("resident.bring.text"), classes="aside")

    def keys(self) -> Iterable[Key]:
        """Typed here, or with help."""
        yield Key(self.words("resident.guide.consult"), id="consult", hint="9")
        yield Key(self.words("resident.bring.type"), id="type", hint="0", kind="main")

    @on(Key.Pressed, "#consult,#type")
    def answer(self, event: Key.Pressed) -> None:
        """Says how."""
        self.dismiss(event.key.id)

    def on_key(self, event: events.Key) -> None:
        """Enter types too, wherever the focus is."""
        if event.key == "enter" and self.focused is None:
            self.dismiss("type")
