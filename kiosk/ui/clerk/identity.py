"""The identity check, and the leave for the key generation."""

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.issuance.persons import IdentityEvidence, IdentityQuestion
from kiosk.model.identity import IdentityDocument
from kiosk.model.resident import FourItems
from kiosk.ui.dates import day_text
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

_DOCUMENTS = tuple(IdentityDocument)


class Comparison(Vertical):
    """Form beside register, item by item; what differs says so in words."""

    def __init__(self, words: Words, question: IdentityQuestion) -> None:
        super().__init__()
        self._words = words
        self._question = question

    def compose(self) -> ComposeResult:
        """A heading and four rows."""
        words = self._words
        form, register = _texts(self._question.form_items, words), _texts(self._question.register_items, words)
        yield self._row("", words("clerk.identity.form"), words("clerk.identity.register"), "", "-head")
        for item, form_text in form.items():
            differs = item in self._question.differences or form_text != register[item]
            mark = words("clerk.identity.differs" if differs else "clerk.identity.same")
            yield self._row(words(f"item.{item}"), form_text, register[item], mark, "-differs" if differs else "-same")

    @staticmethod
    def _row(label: str, form: str, register: str, mark: str, kind: str) -> Horizontal:
        return Horizontal(
            Paragraph(label, classes="item"),
            Paragraph(form, classes="form"),
            Paragraph(register, classes="register"),
            Paragraph(mark, classes="mark"),
            classes=f"row {kind}",
        )


def _texts(items: FourItems, words: Words) -> dict[str, str]:
    return {
        "name": items.name,
        "address": items.address,
        "birth_date": day_text(items.birth_date, words),
        "sex": words(f"sex.{items.sex}"),
    }


class CheckIdentity(SeatScreen[IdentityEvidence]):
    """The clerk compares form, register, document and face, and says which document he saw."""

    def __init__(self, seat: Seat, position: int, question: IdentityQuestion, clerk: str) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._question = question
        self._clerk = clerk
        self._document: IdentityDocument | None = None

    def page(self) -> ComposeResult:
        """The comparison and the documents."""
        words = self.words
        yield Paragraph(words("clerk.identity.title", number=self._question.application_number), classes="title -tight")
        yield Comparison(words, self._question)
        yield Paragraph(words("clerk.identity.document"), classes="aside", id="document-question")
        with Horizontal(id="documents"):
            for number, document in enumerate(_DOCUMENTS, 1):
                yield Key(self._label(document), id=f"document-{number}", hint=str(number), value=document)

    def keys(self) -> Iterable[Key]:
        """Confirmed, once a document was named."""
        key = Key(self.words("clerk.identity.confirm"), id="confirm", hint="Enter", kind="main")
        key.disabled = self._document is None
        yield key

    def _label(self, document: IdentityDocument) -> str:
        name = self.words(f"document.{document}")
        return self.words("choice.chosen", label=name) if document is self._document else name

    @on(Key.Pressed, "#documents Key")
    def choose(self, event: Key.Pressed) -> None:
        """Names the document."""
        assert isinstance(event.key.value, IdentityDocument)
        self._document = event.key.value
        for key in self.query("#documents Key").results(Key):
            assert isinstance(key.value, IdentityDocument)
            key.relabel(self._label(key.value))
            key.set_class(key.value is self._document, "-chosen")
        confirm = self.query_one("#confirm", Key)
        confirm.disabled = False
        self.set_focus(confirm)

    def on_key(self, event: events.Key) -> None:
        """Digits name a document."""
        if event.character in set("123"):
            self.query_one(f"#document-{event.character}", Key).action_press()

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Form, register, document and face agree."""
        if self._document is not None:
            self.dismiss(IdentityEvidence(self._document, self._clerk))


class Approve(SeatScreen[bool]):
    """Leave for the key generation; after this the clerk's key signs."""

    def __init__(self, seat: Seat, position: int, question: IdentityQuestion) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._question = question

    def page(self) -> ComposeResult:
        """For whom, and what follows."""
        yield Paragraph(self.words("clerk.approve.title"), classes="title")
        yield Paragraph(
            self.words(
                "clerk.approve.text",
                number=self._question.application_number,
                name=self._question.register_items.name,
            ),
            classes="lead note",
        )

    def keys(self) -> Iterable[Key]:
        """Leave."""
        yield Key(self.words("clerk.approve.yes"), id="approve", hint="Enter", kind="main")

    @on(Key.Pressed, "#approve")
    def approve(self) -> None:
        """Gives leave."""
        self.dismiss(True)
