"""Random keys at every seat, and random bytes on a terminal.

    python -m tests.ui.monkey [--keys N] [--bytes N] [--seed N]

Keys go to the app in memory, taps among them; a case is under way, whose clerk and resident are the same monkey. Bytes
go to `kiosk demo` itself on a pseudo-terminal. Either must still run afterwards, never out of service, never outside
the screens that exist, and answer within a second all the time.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from textual import events

from kiosk.ui.app import KioskApp
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from tests.ui.conftest import compile_catalogues
from tests.ui.contact_sheet import a_left_case
from tests.ui.glass import Glass, shown
from tests.ui.scripted_counter import ScriptedCounter

LONGEST_S = 1.0
_BATCH = 20
_STRINGS_BETWEEN_LOOKS = 5

_KEYS = (
    *"abcdefghijklmnopqrstuvwxyzABCM0123456789 .?/[]{}",
    *("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "backspace", "delete", "home", "end"),
    *("pageup", "pagedown", "space", "insert", *(f"f{number}" for number in range(1, 12))),
    *("ctrl+c", "ctrl+q", "ctrl+p", "ctrl+z", "ctrl+d", "ctrl+backslash", "ctrl+s", "ctrl+l", "alt+f4", "ctrl+v"),
)
"""Everything but F12 and the technician's leave: in a demo he is the one who may end the program."""

_FAVOURITES = ("enter", "enter", "enter", "f10", "f11", "1", "2", "3", "5", "0", "A", "B")


class Stuck(AssertionError):
    """The screens did not answer in time, left the screens that exist, or went out of service."""


async def play(app: KioskApp, choice: random.Random, keys: int) -> Counter[str]:
    """So many keys and taps; how many each screen had."""
    seen: Counter[str] = Counter()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        for _ in range(-(-keys // _BATCH)):
            begun_s = time.monotonic()
            for _ in range(_BATCH):
                _post(app, choice)
            await pilot.pause()
            took_s = time.monotonic() - begun_s
            name = type(app.screen).__name__
            seen[name] += _BATCH
            if app.fault is not None or app.return_code is not None or not isinstance(app.screen, SeatScreen):
                raise Stuck(f"on {name}: {app.fault!r}, return code {app.return_code}")
            if took_s > LONGEST_S * _BATCH:
                raise Stuck(f"on {name}: {_BATCH} keys took {took_s:.1f} s")
    return seen


def _post(app: KioskApp, choice: random.Random) -> None:
    if choice.random() < 0.15:
        x, y = choice.randrange(app.size.width), choice.randrange(app.size.height)
        # The demo's own row of seats would lead to the technician, who may end the program.
        y = min(y, app.size.height - 2)
        for kind in (events.MouseDown, events.MouseUp):
            app.post_message(kind(None, x, y, 0, 0, 1, False, False, False))
        return
    key = choice.choice(_FAVOURITES if choice.random() < 0.5 else _KEYS)
    app.post_message(events.Key(key, key if len(key) == 1 else None))


def run_keys(keys: int, seed: int, locale: Path) -> Counter[str]:
    """A demo of two seats with a case, and each seat alone, share the keys."""
    seen: Counter[str] = Counter()
    for number, seat in enumerate((None, *SeatName)):
        counter = ScriptedCounter()
        a_left_case(counter)

        def make(counter: ScriptedCounter = counter) -> ScriptedCounter:
            return counter

        if seat is None:
            app = KioskApp(make, issue=counter.issue, locale=locale)
        else:
            app = KioskApp(make, issue=counter.issue, locale=locale, seat=seat, is_demo=False)
        share = keys // 2 if seat is None else keys // 6
        try:
            seen += asyncio.run(play(app, random.Random(seed * 10 + number), share))
        finally:
            counter.script.let_go()
            # A scripted card that nobody moves would keep the case's thread waiting.
            counter.reader.insert()
    return seen


def run_bytes(strings: int, seed: int) -> None:
    """Random byte strings at `kiosk demo`; it must still be there and draw a seat that is asked for."""
    choice = random.Random(seed)
    with tempfile.TemporaryDirectory() as data, shown("-m", "kiosk", "demo", "--data", data) as glass:
        glass.await_text("はじめる")
        for number in range(strings):
            text = choice.randbytes(choice.randrange(1, 24))
            # F12 leads to the technician, who may end a demo.
            glass.type(text.replace(b"\x1b[24~", b""))
            glass.read(0.0)
            if number % _STRINGS_BETWEEN_LOOKS == 0 or number == strings - 1:
                _look(glass)


def _look(glass: Glass) -> None:
    """Either seat must come to the front when it is asked for, once everything before has been worked off."""
    # Whatever sequence was begun is ended first.
    glass.type(b"\x1b\\\x1b[201~")
    glass.type(b"\x1b[21~")
    for key, mark in ((b"\x1b[23~", "[F11"), (b"\x1b[21~", "[F10")):
        glass.settle()
        glass.forget()
        glass.type(key)
        glass.await_text(mark, timeout_s=120.0)


def main(words: Sequence[str] | None = None) -> None:
    """Plays, and prints how many keys each screen had."""
    parser = argparse.ArgumentParser(prog="python -m tests.ui.monkey", description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        seen = run_keys(args.keys, args.seed, compile_catalogues(Path(folder)))
    for name, count in seen.most_common():
        print(f"{count:9} {name}")
    run_bytes(args.bytes, args.seed)
    print(f"{sum(seen.values())} keys, {args.bytes} byte strings: still running")


if __name__ == "__main__":
    main()
