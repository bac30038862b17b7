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


_CHECKS = ("face", "expiry", "entries")
"""What is looked at on a photo document of a public office (route D1): the face, whether it has run out, and whether
what is written on it agrees with the form."""


class CheckIdentity(SeatScreen[IdentityEvidence]):
    """The clerk compares form, register, document and face: names the document, then ticks what he looked at."""

    def __init__(self, seat: Seat, position: int | None, question: IdentityQuestion, clerk: str) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._question = question
        self._clerk = clerk
        self._document: IdentityDocument | None = None
        self._ticked: set[str] = set()

    def page(self) -> ComposeResult:
        """The comparison; below it the documents, and once one was named what to look at on it."""
        words = self.words
        yield Paragraph(words("clerk.identity.title", number=self._question.application_number), classes="title -tight")
        yield Comparison(words, self._question)
        if self._document is None:
            yield Paragraph(words("clerk.identity.document"), classes="aside", id="document-question")
            with Horizontal(id="documents"):
                for number, document in enumerate(_DOCUMENTS, 1):
                    yield Key(words(f"document.{document}"), id=f"document-{number}", hint=str(number), value=document)
        else:
            named = words(f"document.{self._document}")
            yield Paragraph(words("clerk.identity.checks", document=named), classes="aside", id="document-question")
            with Horizontal(id="documents"):
                for number, check in enumerate(_CHECKS, 1):
                    yield Key(self._check_label(check), id=f"check-{check}", hint=str(number), value=check)
                yield Key(words("clerk.identity.other_document"), id="other-document", hint="0", kind="quiet")

    def keys(self) -> Iterable[Key]:
        """Confirmed, once everything was looked at."""
        key = Key(self.words("clerk.identity.confirm"), id="confirm", hint="Enter", kind="main")
        key.disabled = self._document is None or len(self._ticked) < len(_CHECKS)
        yield key

    def _check_label(self, check: str) -> str:
        state = "done" if check in self._ticked else "open"
        return self.words(f"clerk.identity.check.{state}", check=self.words(f"clerk.identity.check.{check}"))

    @on(Key.Pressed, "#documents Key")
    async def choose(self, event: Key.Pressed) -> None:
        """Names the document, ticks a check, or goes back to the documents."""
        match event.key.value:
            case IdentityDocument() as document:
                await self._turn_to(document)
            case str() as check:
                self._tick(check)
            case _:
                await self._turn_to(None)

    async def _turn_to(self, document: IdentityDocument | None) -> None:
        self._document = document
        self._ticked.clear()
        await self.compose_anew()
        self.focus_on("#check-face" if document is not None else "#document-1")

    def _tick(self, check: str) -> None:
        self._ticked.add(check)
        for key in self.query("#documents Key").results(Key):
            if isinstance(key.value, str):
                key.relabel(self._check_label(key.value))
                key.set_class(key.value in self._ticked, "-chosen")
        missing = [name for name in _CHECKS if name not in self._ticked]
        for confirm in self.query("#confirm").results(Key):
            confirm.disabled = bool(missing)
        self.focus_on(f"#check-{missing[0]}" if missing else "#confirm")

    def on_key(self, event: events.Key) -> None:
        """Digits name a document, or tick."""
        if event.character is not None and event.character in "1230":
            digit = int(event.character)
            ids = ("other-document", *(f"check-{check}" for check in _CHECKS))
            wanted = f"document-{digit}" if self._document is None else ids[digit]
            for key in self.query(f"#documents #{wanted}").results(Key):
                key.action_press()

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Form, register, document and face agree."""
        if self._document is not None and len(self._ticked) == len(_CHECKS):
            self.dismiss(IdentityEvidence(self._document, self._clerk))


class Approve(SeatScreen[bool]):
    """Leave for what the question is about; after this the clerk's key signs."""

    def __init__(self, seat: Seat, position: int | None, question: IdentityQuestion) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._question = question

    def page(self) -> ComposeResult:
        """For whom, and what follows."""
        yield Paragraph(self.words(f"clerk.approve.{self._question.operation}.title"), classes="title")
        yield Paragraph(
            self.words(
                f"clerk.approve.{self._question.operation}.text",
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
