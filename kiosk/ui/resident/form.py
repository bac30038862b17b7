"""The form, one question a screen: reading, writing, date of birth, sex, address. Everything can be typed by digits.

Nobody is hurried here, and nothing is looked up: the terminal does not know the register.
"""

import datetime
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.model.form import LONGEST
from kiosk.model.resident import Sex
from kiosk.ui.dates import Era, eras, year_of_era
from kiosk.ui.kana import LONG_VOWEL, ROWS, finished, spelled, varied
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.kana_board import DigitBoard, KanaBoard
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.writings import NamePart

R = TypeVar("R")

_POSITION = 1
_DIGITS = "1234567890"
_PARTS = ("year", "month", "day")
_BACK_KEY = "*"
"""Leads back to the question before; it stands beside the digits on every keypad."""


class Unlisted(Enum):
    """The answer of somebody whose writing or whose place is not among those shown."""

    UNLISTED = "unlisted"


class OtherEra(Enum):
    """The answer of somebody who counts his years by another era than he chose."""

    OTHER_ERA = "other_era"


class Retype(Enum):
    """The answer of somebody who typed another reading than he wanted."""

    RETYPE = "retype"


class Typing(SeatScreen[R]):
    """A screen on which something is typed: whatever changes on it is also told to those who do not see it."""

    TAKES_TEXT = True
    MINDS_IDLENESS = True

    def tell(self) -> None:
        """Shows what is there now, and has it spoken."""
        self.follow()
        self.seat.bell.ring()


class TypeKana(Typing[str]):
    """A reading of a part of the name; a row's digit and a place's digit, touch, or Latin letters type it."""

    def __init__(self, seat: Seat, part: NamePart, text: str = "") -> None:
        super().__init__(seat, position=_POSITION, can_stop=True)
        self._part = part
        self._text = text
        self._letters = ""
        self._row: int | None = None
        self._is_missing = False

    def page(self) -> ComposeResult:
        """Question, field, board."""
        words = self.words
        yield Paragraph(words(f"resident.form.{self._part}.title"), classes="title")
        yield Paragraph(id="typed-text", classes="field")
        yield Paragraph(id="typed-note", classes="note-line")
        yield KanaBoard(words("resident.form.vary"), words("resident.password.erase"))

    def keys(self) -> Iterable[Key]:
        """Done."""
        yield Key(self.words("key.next"), id="done", hint="Enter", kind="main")

    def follow(self) -> None:
        """Shows what was typed, and what the digits mean now."""
        for paragraph in self.query("#typed-text").results(Paragraph):
            paragraph.write(self._text + self._letters or self.words("resident.form.empty"))
        for paragraph in self.query("#typed-note").results(Paragraph):
            paragraph.write(self._note())

    def _note(self) -> str:
        if self._is_missing:
            return self.words("resident.form.missing")
        if self._row is None:
            return self.words("resident.form.row", rows=_numbered("".join(row[0] for row in ROWS)))
        return self.words("resident.form.place", kana=_numbered(ROWS[self._row]))

    @on(KanaBoard.Opened)
    async def open_row(self, event: KanaBoard.Opened) -> None:
        """A row was touched."""
        await self._open(event.row)

    @on(KanaBoard.Typed)
    async def take(self, event: KanaBoard.Typed) -> None:
        """A kana was touched."""
        await self._type(event.kana)

    @on(KanaBoard.Varied)
    def vary(self) -> None:
        """The last kana becomes its next variant."""
        self._text = self._text[:-1] + varied(self._text[-1:])
        self.tell()

    @on(KanaBoard.Erased)
    async def erase(self) -> None:
        """The last one goes; an open row closes first."""
        if self._row is None:
            if self._letters:
                self._letters = self._letters[:-1]
            else:
                self._text = self._text[:-1]
        await self._open(None)

    async def on_key(self, event: events.Key) -> None:
        """Digits choose row and kana, letters spell."""
        character = event.character or ""
        if event.key in ("backspace", "ctrl+h", "delete"):
            await self.erase()
        elif character and character in _DIGITS:
            await self._digit(_DIGITS.index(character))
        elif character == "*":
            self.vary()
        elif character == "+":
            await self._type(LONG_VOWEL)
        elif character.isascii() and (character.isalpha() or character == "-"):
            kana, self._letters = spelled(self._letters + character)
            await self._type(kana)
        elif len(character) == 1 and "ぁ" <= character <= "ゖ":
            await self._type(character)
        else:
            return
        event.stop()

    async def _digit(self, index: int) -> None:
        if self._row is None:
            await self._open(index)
        elif index < len(ROWS[self._row]):
            await self._type(ROWS[self._row][index])

    async def _open(self, row: int | None) -> None:
        self._row = row
        self._is_missing = False
        for board in self.query(KanaBoard):
            await board.open_row(row)
        self.tell()

    async def _type(self, kana: str) -> None:
        if len(self._text) < LONGEST // 2:
            self._text += kana
        await self._open(None)

    @on(Key.Pressed, "#done")
    def finish(self) -> None:
        """Complete, when anything was typed."""
        text = self._text + finished(self._letters)
        if text:
            self.dismiss(text)
        else:
            self._is_missing = True
            self.tell()


def _numbered(kana: str) -> str:
    """Kana with the digits that choose them, as they are also spoken."""
    return " ".join(f"{_DIGITS[i]}{k}" for i, k in enumerate(kana))


class ChooseOne(SeatScreen[object]):
    """A list of answers, some at a time, each by touch or digit, and a last one for whoever finds none of them.

    `purpose` names the words: `resident.form.PURPOSE.title`, `.text` and `.unlisted`, and `.retype` of a key that leads
    back to what was typed.
    """

    AUTO_FOCUS = "#choice-1"
    MINDS_IDLENESS = True
    PER_PAGE = 8
    PER_LOW_PAGE = 4

    def __init__(
        self,
        seat: Seat,
        purpose: str,
        choices: Sequence[tuple[str, object]],
        *,
        can_retype: bool = False,
        **values: object,
    ) -> None:
        super().__init__(seat, position=_POSITION, can_stop=True)
        self._purpose = purpose
        self._can_retype = can_retype
        self._choices = choices
        self._values = values
        self._per_page = self.PER_LOW_PAGE if seat.layout == "lower" else self.PER_PAGE
        self._page = 0

    def page(self) -> ComposeResult:
        """Eight at a time."""
        words = self.words
        yield Paragraph(words(f"resident.form.{self._purpose}.title", **self._values), classes="title")
        yield Paragraph(words(f"resident.form.{self._purpose}.text"), classes="lead")
        with Grid(id="choices"):
            first = self._page * self._per_page
            for number, (label, value) in enumerate(self._choices[first : first + self._per_page], 1):
                yield Key(label, id=f"choice-{number}", hint=str(number), value=value)

    def keys(self) -> Iterable[Key]:
        """Back, others, and none of them."""
        if self._can_retype:
            yield Key(self.words(f"resident.form.{self._purpose}.retype"), id="retype", hint=_BACK_KEY)
        if len(self._choices) > self._per_page:
            yield Key(self.words("resident.form.more"), id="more", hint="9")
        yield Key(self.words(f"resident.form.{self._purpose}.unlisted"), id="unlisted", hint="0")

    @on(Key.Pressed, "#more")
    async def show_more(self) -> None:
        """Turns on, from the last to the first."""
        self._page = (self._page + 1) % -(-len(self._choices) // self._per_page)
        await self.compose_anew()
        self.focus_on("#choice-1")

    @on(Key.Pressed, "#choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Takes one."""
        self.dismiss(event.key.value)

    @on(Key.Pressed, "#retype")
    def type_again(self) -> None:
        """Not what was meant."""
        self.dismiss(Retype.RETYPE)

    @on(Key.Pressed, "#unlisted")
    def find_none(self) -> None:
        """None of them."""
        self.dismiss(Unlisted.UNLISTED)

    def on_key(self, event: events.Key) -> None:
        """Digits take one; those of the keys below are the frame's."""
        if event.character is not None and event.character in "12345678":
            for key in self.query(f"#choice-{event.character}").results(Key):
                key.action_press()
        elif event.character == _BACK_KEY and self._can_retype:
            self.type_again()


class ChooseEra(SeatScreen[Era]):
    """The era of the birth date, as it stands on every form; most of those who come are of the Showa era."""

    AUTO_FOCUS = "#era-showa"
    NAMED_KEYS = "#choices Key"
    MINDS_IDLENESS = True

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, position=_POSITION, can_stop=True)

    def page(self) -> ComposeResult:
        """One key an era in which somebody alive can be born, and the years of the West."""
        words = self.words
        yield Paragraph(words("resident.form.era.title"), classes="title")
        yield Paragraph(words("resident.form.era.text"), classes="lead")
        with Grid(id="choices", classes="-one-row"):
            for number, era in enumerate(eras(), 1):
                label = words("resident.form.era.west") if era.name == "west" else words(f"date.era.{era.name}")
                yield Key(label, id=f"era-{era.name}", hint=str(number), value=era)

    @on(Key.Pressed, "#choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Takes one."""
        assert isinstance(event.key.value, Era)
        self.dismiss(event.key.value)


class TypeBirthDate(Typing[datetime.date | OtherEra]):
    """Year, month and day in digits; whatever has all its digits goes on by itself."""

    def __init__(self, seat: Seat, era: Era, today: datetime.date) -> None:
        super().__init__(seat, position=_POSITION, can_stop=True)
        self._era = era
        self._today = today
        self._parts = ["", "", ""]
        self._place = 0
        self._note = ""
        """What stands in place of the usual note: `missing_` and the part, or `none` for a date that never was."""

    def page(self) -> ComposeResult:
        """Question, field, digits."""
        yield Paragraph(self.words("resident.form.birth.title"), classes="title")
        yield Paragraph(id="typed-text", classes="field")
        yield Paragraph(id="typed-note", classes="note-line")
        yield DigitBoard(self.words("resident.password.erase"))

    def keys(self) -> Iterable[Key]:
        """Another era, and on."""
        yield Key(self.words("resident.form.birth.other_era"), id="other-era", hint=_BACK_KEY)
        yield Key(self.words("key.next"), id="done", hint="Enter", kind="main")

    def follow(self) -> None:
        """Shows what was typed and what comes next."""
        year, month, day = (part or "＿" for part in self._parts)
        era = "" if self._era.name == "west" else self.words(f"date.era.{self._era.name}")
        text = self.words("resident.form.birth.field", era=era, year=year, month=month, day=day)
        note = self.words(f"resident.form.birth.{self._note or _PARTS[self._place]}")
        for paragraph_id, content in (("typed-text", text), ("typed-note", note)):
            for paragraph in self.query(f"#{paragraph_id}").results(Paragraph):
                paragraph.write(content)

    @on(DigitBoard.Typed)
    def take(self, event: DigitBoard.Typed) -> None:
        """A digit was touched."""
        self._type(event.text)

    @on(DigitBoard.Erased)
    def erase(self) -> None:
        """The last digit goes; where there is none, the era."""
        self._note = ""
        if not any(self._parts):
            self.choose_era()
            return
        if not self._parts[self._place]:
            self._place -= 1
        self._parts[self._place] = self._parts[self._place][:-1]
        self.tell()

    def on_key(self, event: events.Key) -> None:
        """Digits type, too."""
        if event.key in ("backspace", "ctrl+h", "delete"):
            self.erase()
        elif event.character == _BACK_KEY:
            self.choose_era()
        elif event.character and event.character in _DIGITS:
            self._type(event.character)
        else:
            return
        event.stop()

    @on(Key.Pressed, "#other-era")
    def choose_era(self) -> None:
        """Goes back to the question before."""
        self.dismiss(OtherEra.OTHER_ERA)

    def _type(self, digit: str) -> None:
        self._note = ""
        longest = 4 if self._place == 0 and self._era.name == "west" else 2
        if len(self._parts[self._place]) == longest and self._place < 2:
            self._place += 1
        if len(self._parts[self._place]) < 2 or longest == 4:
            self._parts[self._place] += digit
        if len(self._parts[self._place]) == longest and self._place < 2:
            self._place += 1
        self.tell()

    @on(Key.Pressed, "#done")
    def finish(self) -> None:
        """On to the next part, and in the end the whole date, when it is one.

        A part that is still empty is asked for: who presses the key as he was told, and finds that the last digit had
        already gone on by itself, has done nothing wrong.
        """
        if not self._parts[self._place]:
            self._note = f"missing_{_PARTS[self._place]}"
            self.tell()
            return
        if self._place < 2:
            self._note = ""
            self._place += 1
            self.tell()
            return
        try:
            year, month, day = (int(part) for part in self._parts)
            date = datetime.date(year_of_era(self._era, year), month, day)
        except ValueError:
            date = None
        if date is None or not self._era.first_day <= date <= min(self._era.last_day, self._today):
            self._note = "none"
            self._parts, self._place = ["", "", ""], 0
            self.tell()
        else:
            self.dismiss(date)


class ChooseSex(SeatScreen[Sex]):
    """As the register has it."""

    AUTO_FOCUS = "#sex-1"
    NAMED_KEYS = "#choices Key"
    MINDS_IDLENESS = True

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, position=_POSITION, can_stop=True)

    def page(self) -> ComposeResult:
        """Three answers of one size."""
        yield Paragraph(self.words("resident.form.sex.title"), classes="title")
        yield Paragraph(self.words("resident.form.sex.text"), classes="lead")
        with Grid(id="choices"):
            for number, sex in enumerate(Sex, 1):
                yield Key(self.words(f"sex.{sex}"), id=f"sex-{number}", hint=str(number), value=sex)

    @on(Key.Pressed, "#choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """Takes one."""
        assert isinstance(event.key.value, Sex)
        self.dismiss(event.key.value)


class TypeNumber(Typing[str]):
    """The number of the house: digits, and the words between them."""

    _LONGEST = 16

    def __init__(self, seat: Seat, area: str) -> None:
        super().__init__(seat, position=_POSITION, can_stop=True)
        self._area = area
        self._text = ""
        self._is_missing = False

    def page(self) -> ComposeResult:
        """Question, field, digits."""
        words = self.words
        yield Paragraph(words("resident.form.number.title", area=self._area), classes="title")
        yield Paragraph(id="typed-text", classes="field")
        yield Paragraph(id="typed-note", classes="note-line")
        yield DigitBoard(words("resident.password.erase"), (("番地", "*"), ("－", "-"), ("号", "+")))

    def keys(self) -> Iterable[Key]:
        """On."""
        yield Key(self.words("key.next"), id="done", hint="Enter", kind="main")

    def follow(self) -> None:
        """Shows what was typed."""
        note = self.words("resident.form.missing" if self._is_missing else "resident.form.number.text")
        for paragraph_id, content in (("typed-text", self._area + self._text), ("typed-note", note)):
            for paragraph in self.query(f"#{paragraph_id}").results(Paragraph):
                paragraph.write(content)

    @on(DigitBoard.Typed)
    def take(self, event: DigitBoard.Typed) -> None:
        """A key was touched."""
        self._type(event.text)

    @on(DigitBoard.Erased)
    def erase(self) -> None:
        """The last one goes, a word as one."""
        self._text = self._text.removesuffix("番地") if self._text.endswith("番地") else self._text[:-1]
        self.tell()

    def on_key(self, event: events.Key) -> None:
        """Digits and the keypad's marks type, too."""
        if event.key in ("backspace", "ctrl+h", "delete"):
            self.erase()
        elif event.character and event.character in _DIGITS:
            self._type(event.character)
        elif event.character in _WORDS:
            self._type(_WORDS[event.character])
        else:
            return
        event.stop()

    def _type(self, text: str) -> None:
        self._is_missing = False
        if len(self._text) + len(text) <= self._LONGEST:
            self._text += text.translate(_FULL_WIDTH)
        self.tell()

    @on(Key.Pressed, "#done")
    def finish(self) -> None:
        """Complete, when there is a number."""
        if self._text:
            self.dismiss(self._text)
        else:
            self._is_missing = True
            self.tell()


_WORDS = {"*": "番地", "-": "－", "+": "号"}
_FULL_WIDTH = {ord(digit): chr(ord(digit) + 0xFEE0) for digit in _DIGITS}
"""Digits as the register writes them in addresses."""
