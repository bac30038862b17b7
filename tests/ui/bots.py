"""Persons as bots, each going the whole way of one issuance in his own manner: `python -m tests.ui.bots`.

Prints how long each takes by the keystroke-level model (Card, Moran, Newell 1980): a key K, pointing P, and M to make
up one's mind once a screen; times of the machine are not in it.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textual import events
from textual.pilot import Pilot
from textual.widget import Widget

from kiosk.ui.app import KioskApp
from kiosk.ui.ending import Finished
from kiosk.ui.idle import Patience
from kiosk.ui.widgets.keyboard import KeyCap
from tests.ui.conftest import compile_catalogues
from tests.ui.contact_sheet import type_form
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import WALK, Move, OneCalmAKey, play, reach, unseen, until, walk
from tests.ui.walk import go as go_by_keys

KEY_S, POINT_S, MIND_S = 0.28, 1.1, 1.35
"""The model's operators for an average person."""

_SEAT_KEYS = ("f10", "f11", "f12")


@dataclass(frozen=True)
class Person:
    """How somebody uses the terminal; `factor` multiplies the model's times."""

    name: str
    is_touching: bool = True
    factor: float = 1.0
    trembles: bool = False
    comfort: tuple[str, str, str] | None = None
    """Answers to the three questions of comfort: language, colours, arrangement."""
    hears: bool = False
    """Goes by what is spoken alone."""
    has_form: bool = True
    """Else he types it at the terminal, by ten digits."""


PERSONS = (
    Person("average, by touch"),
    Person("average, by keyboard", is_touching=False),
    Person("slow", factor=4.0),
    Person("trembling", factor=1.5, trembles=True),
    Person("colour-blind", comfort=("1", "3", "1")),
    Person("one-handed, by keyboard", is_touching=False, factor=1.5),
    Person("low reach", comfort=("1", "1", "3")),
    Person("English", comfort=("3", "1", "1")),
    Person("easy Japanese", factor=1.5, comfort=("2", "1", "2")),
    Person("blind, by voice", is_touching=False, factor=2.0, hears=True),
    Person("blind, without a form", is_touching=False, factor=2.0, hears=True, has_form=False),
)


_TAPS = {"A": "2", "B": "22", "0": "0", "1": "1"}
"""The password's characters on a telephone's keys."""


@dataclass
class RecordedVoice:
    """A voice that is read instead of heard."""

    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Keeps the text."""
        self.said.append(text)


@dataclass
class Bot:
    """One person at one terminal: his hands, and the time that passes."""

    person: Person
    voice: RecordedVoice
    now_s: float = 0.0
    spent_s: float = 0.0

    def now(self) -> float:
        """The terminal's clock, which the person's doings advance."""
        return self.now_s

    def spend(self, seconds: float) -> None:
        """Time passes."""
        self.now_s += seconds * self.person.factor
        self.spent_s += seconds * self.person.factor

    async def do(self, pilot: Pilot[None], move: Move) -> None:
        """One move."""
        self.spend(MIND_S)
        if self.person.is_touching:
            for target in move.taps:
                await self._tap(pilot, target)
            return
        is_hearing = self.person.hears and type(pilot.app.screen).__name__ == "ChoosePassword"
        for key in self._by_digits(move.keys) if is_hearing else move.keys:
            if self.person.hears and key not in _SEAT_KEYS and pilot.app.screen.has_class("seat-resident"):
                self.check_heard(key)
            self.spend(KEY_S)
            await pilot.press(key)

    def _by_digits(self, keys: Sequence[str]) -> Iterator[str]:
        """The same by ten digits, as he hears that it is done; each character is heard as it was meant."""
        for key in keys:
            if key not in _TAPS:
                yield key
                continue
            if "*を押すと、数字で英字" in self.voice.said[-1]:
                yield "*"
            if self.voice.said[-1].startswith(("大文字", "数字")):
                yield "+"
            yield from _TAPS[key]
            kind = "数字" if key.isdigit() else "大文字"
            assert self.voice.said[-1].startswith(f"{kind}の {key}"), self.voice.said[-1]

    def check_heard(self, key: str) -> None:
        """Fails for a key of which nothing was said."""
        said = self.voice.said[-1]
        named = "Enter" if key == "enter" else key
        # Of kana a digit is named with what it makes; whatever else is asked for in digits is typed as it is.
        is_typed = key.isdigit() and any(asked in said for asked in ("パスワード", "年を", "月を", "日を", "番地"))
        is_kana = re.search(rf"[：\s]{re.escape(key)}[ぁ-ん]", said) or (key == "*" and "＊" in said)
        assert is_typed or is_kana or f"{named}を押すと" in said, f"{key} was not spoken of: {said}"

    async def _tap(self, pilot: Pilot[None], target: str) -> None:
        selector, _, label = target.partition(":")
        await until(pilot, lambda: _find(pilot, selector, label) is not None, target)
        widget = _find(pilot, selector, label)
        assert widget is not None
        if (
            self.person.comfort is not None
            and self.person.comfort[2] == "3"
            and widget.screen.has_class("seat-resident", "-arranged-lower")
            and selector != "SeatTab"
        ):
            assert widget.region.y >= pilot.app.size.height // 2, f"{target} is out of reach"
        self.spend(POINT_S + KEY_S)
        x, y = widget.region.x + widget.region.width // 2, widget.region.y + widget.region.height // 2
        # The keyboard's keys touch one another: who misses there erases, which is no way of its own.
        is_his = widget.screen.has_class("seat-resident")
        if self.person.trembles and is_his and not isinstance(widget, KeyCap):
            await _touch(pilot, (max(0, widget.region.x - 2), widget.region.y))
            self.spend(0.5)
        await _touch(pilot, (x, y))
        if self.person.trembles and is_his:
            self.now_s += 0.12
            await _touch(pilot, (x + 1, y))


class _ByEar(OneCalmAKey):
    """His keyboard: every key has been spoken of before he presses it."""

    def __init__(self, app: KioskApp, bot: Bot) -> None:
        super().__init__(app)
        self._bot = bot

    async def press(self, *keys: str) -> None:
        """Presses keys, each when he has heard what it does."""
        for key in keys:
            self._bot.check_heard(key)
            self._bot.spend(KEY_S)
            await super().press(key)


async def _type_form(app: KioskApp, bot: Bot) -> None:
    """From the list of forms to the card: types one of his own and hands it in, and the clerk takes it."""
    keyboard = _ByEar(app, bot)
    await keyboard.press("0")
    await type_form(keyboard, unseen, day="3")
    await reach(keyboard, "ConfirmForm")
    await keyboard.press("enter")
    await reach(keyboard, "AtReception")
    await go_by_keys(OneCalmAKey(app), ("f11", "CompareForm"), ("5", "Desk"), ("f10", "HandleCard"))


async def _touch(pilot: Pilot[None], at: tuple[int, int]) -> None:
    """A finger on the glass, as the terminal's driver tells it."""
    for kind in (events.MouseDown, events.MouseUp):
        pilot.app.post_message(kind(None, *at, 0, 0, 1, False, False, False))
    await pilot.pause()
    await pilot.pause()


def _find(pilot: Pilot[None], selector: str, label: str) -> Widget | None:
    for widget in pilot.app.screen.query(selector):
        if widget.region.area and (not label or str(widget.render()).strip().startswith(label)):
            return widget
    return None


def go(person: Person, locale: Path) -> float:
    """Has a person go the whole way; seconds by the model. Fails when he does not reach the end."""
    bot, counter = Bot(person, RecordedVoice()), ScriptedCounter()

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        if person.comfort is not None:
            for key in ("4", *person.comfort):
                bot.spend(MIND_S + KEY_S)
                await pilot.press(key)
                await pilot.pause()
            await reach(pilot, "Start")
        if person.has_form:
            await walk(pilot, bot.do, unseen)
            return
        places = {move.name: place for place, move in reversed(list(enumerate(WALK, 1)))}
        for move in WALK[: places["ChooseApplication"]]:
            await bot.do(pilot, move)
            await reach(pilot, move.to)
        await _type_form(app, bot)
        for move in WALK[places["insert-card"] :]:
            await bot.do(pilot, move)
            await reach(pilot, move.to)

    app = play(
        locale,
        counter,
        people,
        # Whoever is slow is asked whether he is there; how that goes has tests of its own.
        patience=Patience(idle_s=1e9, clerk_s=1e9),
        now=bot.now,
        hand_clock=bot.now,
        voice=bot.voice if person.hears else None,
    )
    assert counter.script.password == b"AB01", f"{person.name} typed {counter.script.password!r}"
    assert counter.script.tendered_yen == 1000
    assert [type(case.ending) for case in app.board.ended] == [Finished]
    return bot.spent_s


def main(persons: Sequence[Person] = PERSONS) -> None:
    """Prints the times."""
    with tempfile.TemporaryDirectory() as folder:
        locale = compile_catalogues(Path(folder))
        for person in persons:
            print(f"{person.name:26} {go(person, locale):6.1f} s", flush=True)


if __name__ == "__main__":
    main()
