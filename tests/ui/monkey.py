"""Random keys at every seat, and random bytes on a terminal.

    python -m tests.ui.monkey [--keys N] [--alone N] [--bytes N] [--seed N] [--rounds N] [--tally FILE]

Keys go to the app in memory in bursts of one to some hundreds, taps among them; a case is under way, whose clerk and
resident are the same monkey. `--alone` gives so many more to every screen by itself, shown again whenever it has been
answered. Bytes go to `kiosk demo` itself on a pseudo-terminal. Either must still run afterwards,
never out of service, never outside the screens that exist, and never be deaf for a second of its own processor time.
Each round has a seed of its own; `--tally` adds what each screen had to a file, so that a campaign can be stopped, gone
on with, and shared out by seeds.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from textual import events
from textual.message_pump import MessagePump

from kiosk.ui.app import KioskApp
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from tests.ui.conftest import compile_catalogues
from tests.ui.glass import Glass, shown
from tests.ui.screens_met import LoneScreen, MetScreen, meet
from tests.ui.scripted_counter import ScriptedCounter, a_left_case

LONGEST_S = 1.0
_BURSTS = (1, 1, 2, 3, 5, 8, 20, 50, 200, 800)
_TICK_S = 0.01
_HEARS_WITHIN_S = 30.0
_DEAD_AFTER_S = 600.0
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


Played = KioskApp | LoneScreen


async def play(app: Played, choice: random.Random, keys: int) -> Counter[str]:
    """So many keys and taps; how many each screen had."""
    seen: Counter[str] = Counter()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        longest: list[float] = [0.0]
        listening = asyncio.create_task(_listen(longest))
        left = keys
        while left > 0:
            burst = min(left, choice.choice(_BURSTS))
            left -= burst
            for _ in range(burst):
                _post(app, choice)
            await _settle(app)
            if isinstance(app, LoneScreen):
                app.renew()
            name = type(app.screen).__name__
            seen[name] += burst
            if app.fault is not None or app.return_code is not None or not isinstance(app.screen, SeatScreen):
                raise Stuck(f"on {name}: {app.fault!r}, return code {app.return_code}")
            if longest[0] > LONGEST_S:
                raise Stuck(f"on {name}: deaf for {longest[0]:.1f} s")
        listening.cancel()
    return seen


async def _listen(longest: list[float]) -> None:
    """Notes the longest time that the event loop was busy with one thing, in seconds of the processor."""
    while True:
        begun_s = time.thread_time()
        await asyncio.sleep(0)
        longest[0] = max(longest[0], time.thread_time() - begun_s)
        await asyncio.sleep(_TICK_S)


async def _settle(app: Played) -> None:
    """Waits until the app, and then the screen in front, have worked off what was typed."""
    await _hear(app, _HEARS_WITHIN_S)
    # A screen that leaves hears nothing more, and need not; whatever takes its place is looked at next.
    with suppress(Stuck):
        await _hear(app.screen, LONGEST_S)


async def _hear(pump: MessagePump, within_s: float) -> None:
    """Waits until a message that is put at the end is heard; in seconds of the processor, which others may need too."""
    heard = asyncio.Event()
    if not pump.call_later(heard.set):
        return
    begun_s, begun_at_s = time.process_time(), time.monotonic()
    while not heard.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), _TICK_S * 10)
        if time.process_time() - begun_s > within_s or time.monotonic() - begun_at_s > _DEAD_AFTER_S:
            raise Stuck(f"{pump!r} hears nothing")


def _post(app: Played, choice: random.Random) -> None:
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


def run_alone(keys: int, seed: int, locale: Path, met: dict[str, MetScreen]) -> Counter[str]:
    """So many keys at every screen by itself."""
    seen: Counter[str] = Counter()
    for number, (name, screen) in enumerate(sorted(met.items())):
        app = LoneScreen(screen, locale)
        try:
            seen[name] += asyncio.run(play(app, random.Random(seed * 100 + number), keys)).total()
        # Whatever a key brought about is told with the screen at which it was pressed.
        except Exception as error:
            raise Stuck(f"{name} alone: {app.fault!r}") from error
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


def add_up(tally: Path, seen: Counter[str]) -> Counter[str]:
    """Adds to the file what was seen; the sum."""
    total = Counter(json.loads(tally.read_text())) if tally.exists() else Counter()
    total += seen
    new = tally.with_suffix(".new")
    new.write_text(json.dumps(dict(total), indent=1))
    new.replace(tally)
    return total


def main(words: Sequence[str] | None = None) -> None:
    """Plays, and prints how many keys each screen had."""
    parser = argparse.ArgumentParser(prog="python -m tests.ui.monkey", description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000, help="of each round")
    parser.add_argument("--alone", type=int, default=0, help="of each round at every screen")
    parser.add_argument("--bytes", type=int, default=1_000, help="strings, of the first round alone")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each later one has the next")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--tally", type=Path)
    args = parser.parse_args(words)
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        locale = compile_catalogues(Path(folder))
        met = meet(locale) if args.alone else {}
        begun_s = time.process_time()
        for seed in range(args.seed, args.seed + args.rounds):
            told = run_keys(args.keys, seed, locale) if args.keys else Counter()
            if args.alone:
                told += run_alone(args.alone, seed, locale, met)
            seen = add_up(args.tally, told) if args.tally else seen + told
            count, spent_s = sum(told.values()), time.process_time() - begun_s
            begun_s += spent_s
            print(f"seed {seed}: {count} keys, {count / spent_s:.0f} a second, {sum(seen.values())} in all", flush=True)
    for name, count in seen.most_common():
        print(f"{count:9} {name}")
    if args.bytes:
        run_bytes(args.bytes, args.seed)
    print(f"{sum(seen.values())} keys, {args.bytes} byte strings: still running")


if __name__ == "__main__":
    main()
