"""What the certificate is, why there is one, what it is for, what it costs, and what is needed at home."""

from collections.abc import Iterable
from enum import Enum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.ui.drawings import CHANGED, DENIED, PERSON_APART, READER, SEALED
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.uses import Use, find_uses, load_uses
from kiosk.ui.widgets.facts import Facts
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph

TOPICS = ("what", "why", "uses", "cost", "home")
"""In the order in which they are told."""

_DANGERS = {"impersonation": PERSON_APART, "tampering": CHANGED, "repudiation": DENIED}
_USES_SHOWN, _USES_SHOWN_LARGE = 6, 4
_LONGEST_TYPED = 20


class Turn(Enum):
    """Where the reader goes from a topic."""

    BACK = -1
    ON = 1


class Topic(SeatScreen[Turn]):
    """One topic; the reader turns on, back, or stops reading."""

    MINDS_IDLENESS = True
    ASKS_BACK = False

    def __init__(self, seat: Seat, name: str, fee_yen: int, validity_years: int) -> None:
        super().__init__(seat, can_stop=True)
        self._name = name
        self._values = {"fee": fee_yen, "years": validity_years}

    def page(self) -> ComposeResult:
        """The topic's own picture and words."""
        yield Paragraph(self.words(f"resident.learn.{self._name}.title"), classes="title")
        match self._name:
            case "why":
                yield from self._dangers()
            case "cost":
                words = self.words
                yield Facts(
                    {
                        words(f"resident.learn.cost.{fact}"): words(f"resident.learn.cost.{fact}_value", **self._values)
                        for fact in ("fee", "card", "validity", "loss")
                    }
                )
            case _:
                with Horizontal(classes="beside"):
                    yield Paragraph(READER if self._name == "home" else SEALED, classes="picture")
                    yield Paragraph(self.words(f"resident.learn.{self._name}.text"), classes="told note")

    def _dangers(self) -> ComposeResult:
        with Horizontal(id="dangers"):
            for danger, drawing in _DANGERS.items():
                with Vertical(classes="danger"):
                    yield Paragraph(drawing, classes="danger-picture")
                    yield Paragraph(self.words(f"resident.learn.why.{danger}"), classes="danger-title")
                    yield Paragraph(self.words(f"resident.learn.why.{danger}_text"))

    def keys(self) -> Iterable[Key]:
        """Both ways."""
        yield Key(self.words("key.before"), id="before", hint="PageUp")
        yield Key(self.words("key.next"), id="next", hint="Enter", kind="main")

    @on(Key.Pressed, "#before")
    def turn_back(self) -> None:
        """Turns back."""
        self.dismiss(Turn.BACK)

    @on(Key.Pressed, "#next")
    def turn_on(self) -> None:
        """Turns on."""
        self.dismiss(Turn.ON)

    def on_key(self, event: events.Key) -> None:
        """The paging keys turn."""
        if event.key in ("pageup", "pagedown"):
            self.dismiss(Turn.BACK if event.key == "pageup" else Turn.ON)


class Uses(Topic):
    """What the certificate can be used for; letters that are typed, or a kind by touch or digit, narrow the list."""

    TAKES_TEXT = True

    def __init__(self, seat: Seat, fee_yen: int, validity_years: int) -> None:
        super().__init__(seat, "uses", fee_yen, validity_years)
        self._uses = load_uses()
        self._kinds = sorted({use.kind for use in self._uses})
        self._kind = ""
        self._typed = ""

    def page(self) -> ComposeResult:
        """What is looked for, the kinds, and what was found; the kinds below it for whoever reaches no higher."""
        yield Paragraph(self.words("resident.learn.uses.title"), classes="title")
        is_low = self.seat.layout == "lower"
        if not is_low:
            yield self._kind_keys()
        yield Paragraph(id="asked", classes="aside")
        yield Paragraph(id="found", classes="note")
        if is_low:
            yield self._kind_keys()

    def _kind_keys(self) -> Horizontal:
        kinds = enumerate(self._kinds, 1)
        keys = [Key(self.words(f"use.{kind}"), id=f"kind-{n}", hint=str(n), value=kind) for n, kind in kinds]
        every = Key(self.words("use.all"), id="kind-all", hint="0", value="")
        return Horizontal(*keys, every, classes="choices", id="kinds")

    def follow(self) -> None:
        """Shows what was found, and has it spoken."""
        of_kind = [use for use in self._uses if self._kind in ("", use.kind)]
        found = find_uses(of_kind, self._typed)
        most = _USES_SHOWN_LARGE if self.seat.layout == "large" else _USES_SHOWN
        lines = [self._line(use) for use in found[:most]]
        if len(found) > most:
            lines.append(self.words("resident.learn.uses.more", count=len(found) - most))
        text = self.words(f"use.{self._kind}") if self._kind else self._typed
        asked = self.words("resident.learn.uses.asked", text=text) if text else ""
        for paragraph_id, text in (
            ("asked", asked or self.words("resident.learn.uses.ask")),
            ("found", "\n".join(lines) or self.words("resident.learn.uses.none")),
        ):
            for paragraph in self.query(f"#{paragraph_id}").results(Paragraph):
                paragraph.write(text)
        self.say_what_is_new()

    def _line(self, use: Use) -> str:
        return use.text(self.words.language)

    @on(Key.Pressed, "#kinds Key")
    def choose_kind(self, event: Key.Pressed) -> None:
        """Narrows the list to a kind."""
        self._kind, self._typed = str(event.key.value), ""
        self.follow()

    def on_key(self, event: events.Key) -> None:
        """Digits choose a kind, letters are looked for."""
        if event.character is not None and event.character.isdigit():
            for key in self.query("#kinds Key").results(Key):
                if key.keyboard_key == event.character:
                    key.action_press()
            event.stop()
            return
        if event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.character is not None and event.is_printable and len(self._typed) < _LONGEST_TYPED:
            self._typed += event.character
        else:
            return
        self._kind = ""
        event.stop()
        self.follow()


def topic(seat: Seat, name: str, fee_yen: int, validity_years: int) -> Topic:
    """The screen of a topic."""
    return Uses(seat, fee_yen, validity_years) if name == "uses" else Topic(seat, name, fee_yen, validity_years)
