"""Persons at the screens: the app opened for them, and one way through all seats, told as data.

A move of the way is what is pressed or tapped where, and which screen comes.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import events
from textual._wait import wait_for_idle
from textual.keys import _character_to_key
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.counter import Counter
from tests.ui.scripted_counter import ScriptedCounter

PASSWORD = "AB01"
PATIENCE_S = 60.0
"""Of this process's own processor time, which does not pass while a busy machine leaves it waiting."""
LONGEST_WAIT_S = 240.0

USUAL, SMALL, LARGE = (100, 30), (90, 26), (132, 43)
"""Sizes of the glass in cells, across and down."""

People = Callable[[Pilot[None], KioskApp], Awaitable[None]]
"""What somebody does at the screens."""
Shoot = Callable[[str], Awaitable[None]]
"""Looks at the screen in front, under a name."""
Hand = Callable[[Pilot[None], "Move"], Awaitable[None]]


@dataclass(frozen=True)
class Move:
    """What a person does, with the keyboard or by touch, and the screen that it leads to."""

    to: str
    keys: tuple[str, ...] = ()
    taps: tuple[str, ...] = ()
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or self.to


TYPED = tuple(PASSWORD)
TAPPED = ("KeyCap.tab:A-M", "KeyCap.cap:A", "KeyCap.cap:B", "KeyCap.tab:0-9", "KeyCap.cap:0", "KeyCap.cap:1")

WALK = (
    Move("Guide", ("enter",), ("#begin",)),
    Move("ChooseApplication", ("enter",), ("#next",)),
    Move("ConfirmItems", ("2",), ("#form-2",)),
    Move("HandleCard", ("enter",), ("#yes",), "insert-card"),
    Move("Notice", ("enter",), ("#hand",), "come-to-window"),
    Move("CheckIdentity", ("f11",), ("#sit-clerk",)),
    Move("CheckIdentity", ("1",), ("#document-1",), "checks"),
    Move("Approve", ("1", "2", "3", "enter"), ("#check-face", "#check-expiry", "#check-entries", "#confirm")),
    Move("Desk", ("enter",), ("#approve",)),
    Move("ChoosePassword", ("f10",), ("#sit-resident",)),
    Move("ChoosePassword", (*TYPED, "enter"), (*TAPPED, "#done"), "password-again"),
    Move("Agree", (*TYPED, "enter"), (*TAPPED, "#done")),
    Move("FeeNotice", ("enter",), ("#yes",), "pay"),
    Move("EnterAmount", ("f11",), ("#sit-clerk",)),
    Move("GiveMoney", (*"1000", "enter"), ("#piece-1000", "#confirm")),
    Move("Desk", ("enter",), ("#confirm",), "desk-after-fee"),
    Move("HandleCard", ("f10",), ("#sit-resident",), "take-card"),
    Move("Finish", ("enter",), ("#hand",)),
    Move("Start", ("enter",), ("#done",), "start-again"),
    Move("Bench", ("f12",), ("#sit-technician",)),
    Move("Desk", ("f11",), ("#sit-clerk",), "desk-of-the-day"),
)


class OneCalmAKey(Pilot[None]):
    """A pilot that presses its next key once the app has become calm, where Textual's own waits for that twice a key.

    After the last key it waits twice too, so that what must not come of it has had the same time to come.
    """

    async def press(self, *keys: str) -> None:
        """Presses keys one after another, each by its name or as the character that it types."""
        for key in keys:
            is_character = len(key) == 1
            name = _character_to_key(key) if is_character and not key.isalnum() else key
            self.app.post_message(events.Key(name, key if is_character else None))
            await wait_for_idle(0)
        while isinstance(self.app, KioskApp) and not self.app.strokes.are_heard:
            await asyncio.sleep(0)
        await wait_for_idle(0)
        await self._wait_for_screen()


@asynccontextmanager
async def opened(
    make_counter: Callable[[], Counter],
    locale: Path,
    language: str = "ja",
    *,
    size: tuple[int, int] = USUAL,
    hand_clock: Callable[[], float] | None = None,
    **differs: Any,
) -> AsyncIterator[Pilot[None]]:
    """An app at work on a glass of that size, and a pilot at it; it has ended when the context is left.

    `locale` is the folder of the compiled catalogues. Nobody's keys bounce unless a `hand_clock` tells how fast they
    come. What else `differs` from a demo that begins at the resident's seat is what `KioskApp` takes by that name.
    """
    app = KioskApp(make_counter, language, locale=locale, hand_clock=hand_clock or unhurried(), **differs)
    async with app.run_test(size=size):
        yield OneCalmAKey(app)


def play(locale: Path, counter: ScriptedCounter, people: People, language: str = "ja", **differs: Any) -> KioskApp:
    """Lets people use an app on a scripted counter, and returns it ended; parameters as of `opened`.

    Steps that the script still holds are let go when they have finished, so that no thread waits for them.
    """

    async def session() -> KioskApp:
        async with opened(lambda: counter, locale, language, issue=counter.issue, **differs) as pilot:
            try:
                await people(pilot, pilot.app)
            except BaseException:
                # Or the case would wait for a card that nobody moves, and the test end minutes after it has failed.
                counter.reader.insert()
                raise
            finally:
                counter.script.let_go()
        return pilot.app

    return asyncio.run(session())


async def by_keyboard(pilot: Pilot[None], move: Move) -> None:
    """Presses keys."""
    await pilot.press(*move.keys)


async def by_touch(pilot: Pilot[None], move: Move) -> None:
    """Taps widgets."""
    for target in move.taps:
        selector, _, label = target.partition(":")
        await until(pilot, lambda selector=selector, label=label: _find(pilot, selector, label) is not None, target)
        assert await pilot.click(_find(pilot, selector, label)), f"{target} is covered or outside"


def _find(pilot: Pilot[None], selector: str, label: str) -> object | None:
    for widget in pilot.app.screen.query(selector):
        if widget.region.area and (not label or str(widget.render()).strip().startswith(label)):
            return widget
    return None


class HandClock:
    """A clock that somebody turns."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def unhurried() -> Callable[[], float]:
    """The clock of a hand that lets a second pass before every stroke, however fast a test presses keys."""
    return itertools.count().__next__


def patience() -> Callable[[], bool]:
    """Begins to wait; says whether to wait on."""
    spent_s, at_s = time.process_time() + PATIENCE_S, time.monotonic() + LONGEST_WAIT_S
    return lambda: time.process_time() < spent_s and time.monotonic() < at_s


async def until(pilot: Pilot[None], condition: Callable[[], bool], awaited: str) -> None:
    """Waits until something holds on the screen."""
    has_time = patience()
    while not condition():
        fault = getattr(pilot.app, "fault", None)
        assert fault is None, f"out of service: {fault!r}"
        assert has_time(), f"{awaited} never came, still on {pilot.app.screen!r}"
        await pilot.pause()


async def reach(pilot: Pilot[None], screen: str) -> None:
    """Waits for a screen, drawn and with nothing left to do."""
    await until(pilot, lambda: type(pilot.app.screen).__name__ == screen, screen)
    await pilot.pause()


async def go(pilot: Pilot[None], *steps: tuple[str, str]) -> None:
    """One step after another: presses a key, and waits for the screen to which it leads."""
    for key, screen in steps:
        await pilot.press(key)
        await reach(pilot, screen)


async def choose_duty(pilot: Pilot[None], key: str) -> None:
    """From the clerk's desk through his menu."""
    await reach(pilot, "Desk")
    await go(pilot, ("m", "Menu"))
    await pilot.press(key)


async def take_up_duty(pilot: Pilot[None], key: str) -> None:
    """From the first screen to the clerk's desk, where nothing was left, and through his menu."""
    await reach(pilot, "Start")
    await pilot.press("f11")
    await choose_duty(pilot, key)


async def find_resident(pilot: Pilot[None], asked: str) -> None:
    """The clerk looks for a resident in the register and takes the first who is found."""
    await reach(pilot, "FindResident")
    await pilot.press(*asked)
    await pilot.pause()
    await pilot.press("enter")


async def leave(app: KioskApp) -> None:
    """Waits until the program has decided to end."""
    has_time = patience()
    while app.return_code is None:
        assert has_time(), "the program does not end"
        await asyncio.sleep(0)


async def walk(pilot: Pilot[None], hand: Hand, visit: Callable[[str], Awaitable[None]]) -> None:
    """Goes the whole way; `visit` is called on every screen with its name."""
    await reach(pilot, "Start")
    await visit("Start")
    for move in WALK:
        await hand(pilot, move)
        await reach(pilot, move.to)
        await visit(move.name)


async def unseen(name: str) -> None:
    """A `Shoot` that looks at nothing."""


async def walk_to(pilot: Pilot[None], name: str) -> None:
    """Goes the way by keyboard as far as the screen of that name."""
    await reach(pilot, "Start")
    for move in WALK[: 1 + [move.name for move in WALK].index(name)]:
        await by_keyboard(pilot, move)
        await reach(pilot, move.to)
