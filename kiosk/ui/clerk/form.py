"""A form that was handed in at the terminal, beside the register: taken, sent back to be looked at, or talked over."""

from collections.abc import Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kiosk.model.comparison import Agreement
from kiosk.model.form import Form
from kiosk.model.resident import Resident
from kiosk.ui.clerk.comparison import Comparison, Pair, pairs_of_form
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.submission import Accepted, Referred, Returned
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class CompareForm(SeatScreen[Accepted | Returned | Referred | str]):
    """One candidate of the register after another; `search`: the clerk wants to look in the register himself.

    It can be taken when nothing on it says something else than the register. What is only written otherwise the clerk
    puts right by taking it.
    """

    NAMED_KEYS = ".answers Key, .choices Key"

    def __init__(self, seat: Seat, form: Form, candidates: Sequence[Resident]) -> None:
        super().__init__(seat)
        self._form = form
        self._candidates = candidates
        self._index = 0

    @property
    def _resident(self) -> Resident | None:
        return self._candidates[self._index] if self._candidates else None

    @property
    def _pairs(self) -> tuple[Pair, ...]:
        return pairs_of_form(self._form, self._resident, self.words)

    @property
    def _different(self) -> tuple[str, ...]:
        return tuple(pair.item for pair in self._pairs if pair.agreement is Agreement.DIFFERENT)

    def page(self) -> ComposeResult:
        """The comparison, and what it comes to."""
        words = self.words
        yield Paragraph(words("clerk.form.title"), classes="title -tight")
        yield Comparison(words, self._pairs)
        if self._resident is None:
            verdict = words("clerk.form.nobody")
        elif self._different:
            verdict = words(
                "clerk.form.differs", items=words("list.joint").join(words(f"item.{i}") for i in self._different)
            )
        elif any(pair.agreement is not Agreement.SAME for pair in self._pairs):
            verdict = words("clerk.form.written_otherwise")
        else:
            verdict = words("clerk.form.agrees")
        yield Paragraph(verdict, classes="aside", id="form-verdict")
        if len(self._candidates) > 1:
            yield Paragraph(
                words("clerk.form.candidates", number=self._index + 1, count=len(self._candidates)), classes="aside"
            )

        with Horizontal(classes="choices -tight"):
            if len(self._candidates) > 1:
                yield Key(words("clerk.form.next"), id="candidate", hint="1")
            yield Key(words("clerk.form.search"), id="search", hint="2")
            yield Key(words("clerk.form.refer"), id="refer", hint="3")

    def keys(self) -> Iterable[Key]:
        """Sending it back, taking it."""
        send_back = Key(self.words("clerk.form.return"), id="return", hint="4")
        send_back.disabled = not self._different
        yield send_back
        take = Key(self.words("clerk.form.accept"), id="accept", hint="5", kind="main")
        take.disabled = self._resident is None or bool(self._different)
        yield take

    @on(Key.Pressed, "#candidate")
    async def show_next(self) -> None:
        """Turns to the next who comes into question."""
        self._index = (self._index + 1) % len(self._candidates)
        await self.compose_anew()

    @on(Key.Pressed, "#search")
    def search(self) -> None:
        """Looks for himself."""
        self.dismiss("search")

    @on(Key.Pressed, "#refer")
    def refer(self) -> None:
        """Speaks to the resident at the window."""
        self.dismiss(Referred())

    @on(Key.Pressed, "#return")
    def send_back(self) -> None:
        """Asks the resident to look at what differs; what the register says is not told."""
        self.dismiss(Returned(self._different))

    @on(Key.Pressed, "#accept")
    def accept(self) -> None:
        """Takes it."""
        if self._resident is not None and not self._different:
            self.dismiss(Accepted(self._resident))
