"""The identity check."""

from collections.abc import Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kiosk.issuance.persons import IdentityEvidence, IdentityQuestion
from kiosk.model.identity import IdentityDocument, IdentityRoute
from kiosk.ui.clerk.comparison import Comparison, pairs_of_items
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key, Press
from kiosk.ui.widgets.paragraph import Paragraph


class CheckIdentity(SeatScreen[IdentityEvidence]):
    """The clerk compares form, register, document and face: names the document, then ticks what he looked at.

    `routes` are the policy's; the first one's documents stand on the first row of keys, beside them the other routes'.
    """

    NAMED_KEYS = "#documents Key"

    def __init__(
        self, seat: Seat, position: int | None, question: IdentityQuestion, clerk: str, routes: Sequence[IdentityRoute]
    ) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._question = question
        self._clerk = clerk
        self._routes = routes
        self._document: IdentityDocument | None = None
        self._beside: IdentityDocument | None = None
        self._ticked: set[str] = set()

    @property
    def _route(self) -> IdentityRoute | None:
        return next((route for route in self._routes if self._document in route.documents), None)

    @property
    def _named(self) -> IdentityRoute | None:
        """The route, once every document that it asks for was named."""
        route = self._route
        return route if route is not None and (self._beside is not None or not route.beside) else None

    def page(self) -> ComposeResult:
        """The comparison; below it the documents, and once they were named what to look at on them."""
        words, question = self.words, self._question
        title = [words(f"clerk.identity.{question.operation}.title", number=question.application_number)]
        if question.which is not None:
            title.append(words(f"clerk.password.{question.which}"))
        yield Paragraph("　".join(title), classes="title -tight")
        pairs = pairs_of_items(question.form_items, question.register_items, words)
        yield Comparison(words, pairs, question.certified_items)
        named = words("list.joint").join(
            words(f"document.{d}") for d in (self._document, self._beside) if d is not None
        )
        route = self._route
        if self._named is not None:
            asked = words("clerk.identity.checks", document=named)
        elif route is not None:
            asked = words("clerk.identity.beside", document=named)
        else:
            asked = words("clerk.identity.document")
        yield Paragraph(asked, classes="aside", id="document-question")
        with Horizontal(id="documents"):
            if self._named is not None:
                for number, check in enumerate(self._checks(self._named), 1):
                    yield Key(self._check_label(check), id=f"check-{check}", hint=str(number), value=check)
            else:
                offered = route.beside if route is not None else [d for r in self._routes for d in r.documents]
                for number, document in enumerate(offered, 1):
                    yield Key(words(f"document.{document}"), id=f"document-{number}", hint=str(number), value=document)
            if self._document is not None:
                yield Key(words("clerk.identity.other_document"), id="other-document", hint="0", kind="quiet")

    def keys(self) -> Iterable[Key]:
        """Confirmed, once everything was looked at."""
        key = Key(self.words("clerk.identity.confirm"), id="confirm", hint="Enter", kind="main")
        key.disabled = not self._is_complete
        yield key

    @property
    def _is_complete(self) -> bool:
        return self._named is not None and self._ticked.issuperset(self._checks(self._named))

    def _checks(self, route: IdentityRoute) -> tuple[str, ...]:
        """The route's, and with substitute characters whether the resident accepts them."""
        certified = self._question.certified_items
        is_substituted = certified is not None and bool(certified.substituted)
        return (*route.checks, "substitutes") if is_substituted else route.checks

    def _check_label(self, check: str) -> str:
        state = "done" if check in self._ticked else "open"
        return self.words(f"clerk.identity.check.{state}", check=self.words(f"clerk.identity.check.{check}"))

    @on(Key.Pressed, "#documents Key")
    async def choose(self, event: Key.Pressed) -> None:
        """Names a document, ticks a check, or goes back to the documents."""
        match event.key.value:
            case IdentityDocument() as document if self._document is None:
                await self._turn_to(document, None)
            case IdentityDocument() as document:
                await self._turn_to(self._document, document)
            case str() as check:
                self._tick(check, goes_on=event.by is not Press.ENTER)
            case _:
                await self._turn_to(None, None)

    async def _turn_to(self, document: IdentityDocument | None, beside: IdentityDocument | None) -> None:
        self._document, self._beside = document, beside
        self._ticked.clear()
        await self.compose_anew()
        self.focus_on(f"#check-{self._named.checks[0]}" if self._named is not None else "#document-1")

    def _tick(self, check: str, *, goes_on: bool) -> None:
        """Ticks; `goes_on` to the next. Enter stays where it is, so that held down it cannot tick what nobody saw.

        After the last tick there is nothing left to see: the key that confirms has the focus, and says so.
        """
        if self._named is None:
            return
        self._ticked.add(check)
        for key in self.query("#documents Key").results(Key):
            if isinstance(key.value, str):
                key.relabel(self._check_label(key.value))
                key.set_class(key.value in self._ticked, "-chosen")
        missing = [name for name in self._checks(self._named) if name not in self._ticked]
        for confirm in self.query("#confirm").results(Key):
            confirm.disabled = bool(missing)
        if not missing:
            self.focus_on("#confirm")
        elif goes_on:
            self.focus_on(f"#check-{missing[0]}")

    @on(Key.Pressed, "#confirm")
    def confirm(self) -> None:
        """Form, register, documents and face agree."""
        if self._document is not None and self._is_complete:
            self.dismiss(IdentityEvidence(self._document, self._clerk, self._beside))
