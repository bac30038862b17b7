"""One way through all seats' screens, told as data: what is pressed or tapped where, and which screen comes."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from textual.pilot import Pilot

from kiosk.ui.app import KioskApp

PASSWORD = "AB01"
PATIENCE_S = 60.0
"""Of this process's own processor time, which does not pass while a busy machine leaves it waiting."""
LONGEST_WAIT_S = 900.0

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
    Move("Notice", ("enter",), ("#yes",), "pay"),
    Move("EnterAmount", ("f11",), ("#sit-clerk",)),
    Move("GiveMoney", (*"1000", "enter"), ("#piece-1000", "#confirm")),
    Move("Desk", ("enter",), ("#confirm",), "desk-after-fee"),
    Move("HandleCard", ("f10",), ("#sit-resident",), "take-card"),
    Move("Finish", ("enter",), ("#hand",)),
    Move("Start", ("enter",), ("#done",), "start-again"),
    Move("Bench", ("f12",), ("#sit-technician",)),
    Move("Desk", ("f11",), ("#sit-clerk",), "desk-of-the-day"),
)


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


async def walk_to(pilot: Pilot[None], name: str) -> None:
    """Goes the way by keyboard as far as the screen of that name."""
    await reach(pilot, "Start")
    for move in WALK[: 1 + [move.name for move in WALK].index(name)]:
        await by_keyboard(pilot, move)
        await reach(pilot, move.to)
