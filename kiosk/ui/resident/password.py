"""Choosing and entering the password. Nobody but the resident sees how long it is, nobody at all what it is.

By ten digits alone letters are tapped as on a telephone; what a tap has made is only heard, in the headset.
"""

import datetime
from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal

from hw.ports import KeyUse, PinPolicy
from kiosk.model.guessable import birthdays, is_guessable
from kiosk.ui.dates import years_of
from kiosk.ui.deserted import DesertedEntry
from kiosk.ui.idle import Patience
from kiosk.ui.letter_taps import LetterTaps
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.typed_password import TypedPassword
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.keyboard import Keyboard
from kiosk.ui.widgets.paragraph import Paragraph

LOOK_ALIKES = (
    {"0": "zero", "O": "capital_o", "o": "small_o"},
    {"1": "one", "I": "capital_i", "l": "small_l"},
)
"""Characters that are taken for one another, each with the word that names it."""
_MASK = "●"
_BY_DIGITS, _NEXT = "*", "+"
"""The keypad's keys for letters by digits: begins or ends it; goes on to the next letter."""


class EnterPassword(SeatScreen[bytearray]):
    """A masked field, the keyboard, and the physical keyboard as its equal. No time ends it; the clerk is called.

    `attempts` is how often the password may still be wrong, None while a new one is chosen; `use` the key it guards;
    `was_wrong` whether the one typed just before was not right.
    """

    TAKES_TEXT = True

    def __init__(
        self,
        seat: Seat,
        position: int | None,
        policy: PinPolicy,
        attempts: int | None = None,
        use: KeyUse = KeyUse.SIGNATURE,
        *,
        was_wrong: bool = False,
    ) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._was_wrong = was_wrong
        self._of = "" if use is KeyUse.SIGNATURE else f".{use}"
        self._policy = policy
        self._attempts = attempts
        self._typed = TypedPassword(policy.maximum_length)
        self._problem = ""
        self._taps: LetterTaps | None = None

    def instruction(self) -> tuple[str, str]:
        """Title and text for what is to be typed now."""
        return self.words(f"resident.password.enter{self._of}.title"), self.words(
            f"resident.password.enter{self._of}.text", attempts=self._attempts
        )

    @property
    def _told(self) -> tuple[str, str]:
        """The instruction; after a wrong one, that it was stands in place of what is meant, above the tries left.

        Before the last try it is said what comes of a wrong one.
        """
        title, text = self.instruction()
        lines = text.split("\n")
        if self._was_wrong:
            lines[0] = self.words(f"resident.password.wrong{self._of}")
        if self._attempts == 1:
            lines[-1] = self.words("resident.password.last")
        return title, "\n".join(lines)

    def accept(self) -> None:
        """The password is complete: hands it over."""
        self.dismiss(self._typed.hand_over())

    def page(self) -> ComposeResult:
        """Instruction, field, keyboard."""
        title, text = self._told
        yield Paragraph(title, classes="title", id="password-title")
        yield Paragraph(text, classes="lead", id="password-text")
        with Horizontal(id="password-row"):
            yield Paragraph(id="password-field")
            yield Paragraph(id="password-note")
        alike = ({c: name for c, name in group.items() if c in self._policy.characters} for group in LOOK_ALIKES)
        names = {c: self.words(f"character.{name}") for group in alike if len(group) > 1 for c, name in group.items()}
        yield Keyboard(self._policy.characters, self.words("resident.password.erase"), names)

    def keys(self) -> Iterable[Key]:
        """Letters by digits, where there are letters and the keypad's keys for them are no characters; done."""
        if self._can_tap:
            label, hint = self._letters_key
            yield Key(label, id="by-digits", hint=hint, kind="quiet")
        yield Key(self.words("resident.password.done"), id="done", hint="Enter", kind="main")

    @property
    def _letters_key(self) -> tuple[str, str]:
        """Label and hint of the key for letters by digits."""
        if self._taps is None:
            return self.words("resident.password.by_digits"), _BY_DIGITS
        return self.words("resident.password.next_letter"), f"{_NEXT} {_BY_DIGITS}"

    @property
    def _can_tap(self) -> bool:
        characters = self._policy.characters
        return not characters.isdigit() and not {_BY_DIGITS, _NEXT} & set(characters)

    def follow(self) -> None:
        """Shows how much has been typed."""
        self.show()

    def show(self) -> None:
        """Shows instruction, mask and note as they are now."""
        title, text = self._told
        for paragraph_id, content in (
            ("password-title", title),
            ("password-text", text),
            ("password-field", " ".join(_MASK * len(self._typed)) or self.words("resident.password.empty")),
            ("password-note", self._note()),
        ):
            for paragraph in self.query(f"#{paragraph_id}").results(Paragraph):
                paragraph.write(content)

    def tell(self, heard: str = "") -> None:
        """Shows what an act has brought about, and has it spoken, though it be the same as before.

        What is only `heard` is said first.

        The bell is not rung for it: the clerk's screens would be drawn at every character.
        """
        self.show()
        self.say_again(self._note(), heard)

    def mind_idleness(self, idle_s: float, patience: Patience) -> None:
        """Calls the clerk when nobody has touched the terminal for long."""
        board = self.seat.board
        if idle_s >= patience.entry_s and board.deserted is None:
            board.desert(DesertedEntry(board.case or board.service))

    def touched(self) -> None:
        """He is back, or has never been away, and goes on."""
        self.seat.board.come_back()

    def _note(self) -> str:
        missing = self._policy.minimum_length - len(self._typed)
        if self.seat.board.is_deserted:
            return self.words("resident.password.deserted")
        if self._problem:
            return self.words(self._problem)
        if len(self._typed) == 0:
            return ""
        if missing > 0:
            return self.words("resident.password.missing", count=missing)
        return self.words("resident.password.count", count=len(self._typed))

    @on(Keyboard.Typed)
    def type(self, event: Keyboard.Typed) -> None:
        """A character was touched."""
        self._end_letter()
        self._type(event.code)

    @on(Keyboard.Erased)
    def erase(self) -> None:
        """The last character goes."""
        self._end_letter()
        self._problem = ""
        self._typed.erase_last()
        self.tell()

    def on_key(self, event: events.Key) -> None:
        """The physical keyboard types too."""
        if event.key in ("backspace", "ctrl+h", "delete"):
            event.stop()
            self.erase()
        elif event.character and len(event.character) == 1 and event.is_printable and event.key != "space":
            event.stop()
            if self._can_tap and event.character in (_BY_DIGITS, _NEXT):
                self._turn(event.character)
            elif self._taps is not None and event.character in "0123456789":
                self._tap(self._taps, event.character)
            else:
                self._end_letter()
                self._type(ord(event.character))

    @on(Key.Pressed, "#by-digits")
    def take_letters_by_digits(self) -> None:
        """As the keypad's keys: begins it; then goes on to the next letter."""
        self._turn(_BY_DIGITS if self._taps is None else _NEXT)

    def _turn(self, key: str) -> None:
        """Begins or ends letters by digits, or goes on to the next letter."""
        self._end_letter()
        if key == _BY_DIGITS:
            self._taps = LetterTaps(self._policy.characters) if self._taps is None else None
            self._problem = "resident.password.taps" if self._taps is not None else ""
            for shown in self.query("#by-digits").results(Key):
                shown.relabel(*self._letters_key)
        self.tell()

    def _tap(self, taps: LetterTaps, digit: str) -> None:
        """The field changes at the first tap of a letter alone: what is drawn tells nothing of which one it is."""
        code, is_next = taps.tap(digit)
        if code is None:
            self._type(ord(digit))
        elif is_next:
            self._typed.replace_last(code)
            self.tell(self._heard(code))
        else:
            self._type(code, "" if self._typed.is_full else self._heard(code))

    def _end_letter(self) -> None:
        if self._taps is not None:
            self._taps.end()

    def _heard(self, code: int) -> str:
        """What a tap has made, for the one person who has the headset."""
        if self.seat.voice is None or not self.seat.is_spoken:
            return ""
        character = chr(code)
        case = "capital" if character.isupper() else "small" if character.islower() else "digit"
        return self.words(f"resident.password.heard.{case}", character=character)

    def _type(self, code: int, heard: str = "") -> None:
        self._problem = ""
        if (allowed := self._allowed(code)) is None:
            self._problem = "resident.password.not_allowed"
        elif self._typed.is_full:
            self._problem = "resident.password.full"
        else:
            self._typed.type(allowed)
        self.tell(heard)

    def _allowed(self, code: int) -> int | None:
        """The character's code as the policy knows it, in the other case when only that one is allowed."""
        character = chr(code)
        for candidate in (character, character.upper(), character.lower()):
            if candidate in self._policy.characters:
                return ord(candidate)
        return None

    @on(Key.Pressed, "#done")
    def finish(self) -> None:
        """Checks the length; the rest is the screen's own."""
        self._end_letter()
        if len(self._typed) < self._policy.minimum_length:
            self._problem = "resident.password.short"
            self.tell()
        else:
            self.accept()

    def on_unmount(self) -> None:
        """Whatever was typed and not handed over is gone."""
        self._end_letter()
        self._typed.wipe()
        self.seat.board.come_back()


class ChoosePassword(EnterPassword):
    """A new password, typed twice; what anybody would try first is not taken.

    `birth_date` is its owner's, None where only the card could say it.
    """

    def __init__(
        self,
        seat: Seat,
        position: int | None,
        policy: PinPolicy,
        use: KeyUse = KeyUse.SIGNATURE,
        birth_date: datetime.date | None = None,
    ) -> None:
        super().__init__(seat, position, policy, use=use)
        self._first: TypedPassword | None = None
        self._birthdays = frozenset() if birth_date is None else birthdays(birth_date, years_of(birth_date))

    def instruction(self) -> tuple[str, str]:
        """The first time, or once more."""
        if self._first is not None:
            return self.words("resident.password.again.title"), self.words("resident.password.again.text")
        policy = self._policy
        minimum, maximum = policy.minimum_length, policy.maximum_length
        extent = "exact" if minimum == maximum else "range"
        length = self.words(f"resident.password.length.{extent}", minimum=minimum, maximum=maximum)
        kind = "digits" if policy.characters.isdigit() else "letters"
        return self.words(f"resident.password.choose{self._of}.title"), self.words(
            f"resident.password.choose.{kind}", length=length
        )

    def accept(self) -> None:
        """The first typing is kept, the second compared with it; when they differ, both begin anew."""
        if self._first is None and self._typed.is_such(self._is_guessable):
            self._typed.wipe()
            self._problem = "resident.password.guessable"
            self.begin_anew()
        elif self._first is None:
            self._first, self._typed = self._typed, TypedPassword(self._policy.maximum_length)
            self.begin_anew()
        elif self._first.equals(self._typed):
            self._first.wipe()
            super().accept()
        else:
            self._first.wipe()
            self._first = None
            self._typed.wipe()
            self._problem = "resident.password.differs"
            self.begin_anew()

    def _is_guessable(self, password: memoryview) -> bool:
        return is_guessable(password, self._birthdays)

    def begin_anew(self) -> None:
        """Shows an empty field and the keyboard's first page."""
        for keyboard in self.query(Keyboard):
            keyboard.turn_to_first()
        self.tell()

    def on_unmount(self) -> None:
        """The first typing is gone too."""
        if self._first is not None:
            self._first.wipe()
