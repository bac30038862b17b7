"""What a resident sees of the certificate in his card, and how it is tried out."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.ui.card_services import Judgement, OwnCertificate
from kiosk.ui.dates import day_text
from kiosk.ui.resident.covered_items import Covering
from kiosk.ui.resident.told import Told
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class ShowCertificate(Covering[bool], Told):
    """Whose certificate it is, until when, and what the authority says; name and address are covered after a while."""

    def __init__(self, seat: Seat, certificate: OwnCertificate) -> None:
        super().__init__(seat)
        self._certificate = certificate

    def page(self) -> ComposeResult:
        """Six facts."""
        words, own = self.words, self._certificate
        person = {words("item.name"): own.name, words("item.address"): own.address}
        yield Paragraph(words("resident.own.title"), classes="title")
        yield Facts(
            {
                **(dict.fromkeys(person, words("resident.items.covered")) if self._is_covered else person),
                words("resident.own.from"): day_text(own.valid_from, words),
                words("resident.consent.valid_until"): day_text(own.valid_until, words),
                words("resident.own.serial"): own.serial,
                words("resident.own.state"): words(f"resident.own.state.{own.state}"),
            }
        )

    def keys(self) -> Iterable[Key]:
        """A look at what is covered; read."""
        if self._is_covered:
            yield Key(self.words("resident.items.show"), id="show", hint="3")
        yield from super().keys()


class CardNotice(Told):
    """Why nothing can be shown or tried: `empty`, `no_card`, `locked` or `trouble`."""

    def __init__(self, seat: Seat, reason: str) -> None:
        super().__init__(seat)
        self._reason = reason

    def page(self) -> ComposeResult:
        """Title and text."""
        yield Paragraph(self.words(f"resident.card.{self._reason}.title"), classes="title")
        yield Paragraph(self.words(f"resident.card.{self._reason}.text"), classes="note")


class Attempt(StrEnum):
    """What is tried with a signed application."""

    HONEST = "honest"
    TAMPERED = "tampered"
    IMPERSONATED = "impersonated"
    REPUDIATED = "repudiated"


class TryOut(SeatScreen[Attempt]):
    """The sample as the agency gets it, its verdict with every check, and the next thing to try."""

    AUTO_FOCUS = ".choices Key.-chosen"
    NAMED_KEYS = ".choices Key"
    MINDS_IDLENESS = True
    ASKS_BACK = False

    def __init__(self, seat: Seat, attempt: Attempt, lines: Sequence[str], judgement: Judgement, serial: str) -> None:
        super().__init__(seat, can_stop=True)
        self._attempt = attempt
        self._lines = lines
        self._judgement = judgement
        self._serial = serial

    def page(self) -> ComposeResult:
        """Document at the left, verdict at the right, what can be tried below."""
        words = self.words
        accepted = "accepted" if self._judgement.is_accepted else "rejected"
        yield Paragraph(words(f"resident.try.{self._attempt}.title"), classes="title -tight")
        with Horizontal(id="trial"):
            yield Paragraph("\n".join(self._lines), id="document", classes="note")
            with Vertical(id="verdict"):
                yield Paragraph(words(f"resident.try.{accepted}"), id="stamp", classes=f"-{accepted}")
                for check, outcome in self._judgement.findings:
                    mark = words(f"resident.try.mark.{outcome}")
                    yield Paragraph(words("resident.try.check", mark=mark, text=words(f"resident.try.check.{check}")))
                yield Paragraph(words(f"resident.try.{self._attempt}.text", serial=self._serial[-8:]), classes="aside")
        with Horizontal(classes="choices"):
            for number, attempt in enumerate(Attempt, 1):
                key = Key(words(f"resident.try.{attempt}"), id=f"try-{attempt}", hint=str(number), value=attempt)
                key.set_class(attempt is self._attempt, "-chosen")
                yield key

    @on(Key.Pressed, ".choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Tries something."""
        if isinstance(event.key.value, Attempt):
            self.dismiss(event.key.value)
