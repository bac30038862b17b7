"""Random keys at every seat, and random bytes on a terminal.

    python -m tests.ui.monkey [--keys N] [--each N] [--strings N] [--progress FILE] [--seed N] [--replay KIND:SEED]

Keys (and taps among them) go to the app in memory in bursts of one to two hundred; a case is under way, whose clerk
and resident are the same monkey. `--each` gives so many to every screen: those that get fewer at the seats are shown
by themselves, again and again whenever they have been answered. Strings of random bytes go to `kiosk demo` itself on a
pseudo-terminal. After every burst the program must still run, not be out of service, show one of its screens, and never
have been deaf for a second of its own processor time.

Numbers are what is wanted in all. A campaign goes in rounds, each with a seed of its own, and `--progress` keeps after
each one what has been done: started again it goes on there. A round that fails says how it is played again.
"""

import argparse
import asyncio
import ctypes
import gc
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from textual import events
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from tests.ui import walk as ways
from tests.ui.conftest import compile_catalogues
from tests.ui.glass import Glass, shown
from tests.ui.screens_met import LoneScreen, MetScreen, meet_all
from tests.ui.scripted_counter import ScriptedCounter, a_left_case

LONGEST_S = 1.0
_PR_SET_PDEATHSIG = 1
"""prctl(2)."""
_BURSTS = (1, 1, 2, 3, 5, 8, 20, 32, 32, 200)
"""Of the longest the seats drop most, as from a key that somebody leans on; a screen by itself has to take it whole."""
_TICK_S = 0.01
_HEARS_WITHIN_S = 30.0
_DEAD_AFTER_S = 600.0
_STRINGS_BETWEEN_LOOKS = 20

_KEYS_A_ROUND = 24_000
_ALONE_A_ROUND = 2_000
_STRINGS_A_ROUND = 250

_KEYS = (
    *"abcdefghijklmnopqrstuvwxyzABCM0123456789 .?/[]{}",
    *("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "backspace", "delete", "home", "end"),
    *("pageup", "pagedown", "space", "insert", *(f"f{number}" for number in range(1, 12))),
    *("ctrl+c", "ctrl+q", "ctrl+p", "ctrl+z", "ctrl+d", "ctrl+backslash", "ctrl+s", "ctrl+l", "alt+f4", "ctrl+v"),
)
"""Everything but F12 and the technician's leave: in a demo he is the one who may end the program."""

_OTHER_LOOK = "f3"
_OTHER_LOOK_EVERY = 20
"""One in so many: Textual reads the style sheet anew for it, which takes as long as a hundred other keys."""

_FAVOURITES = ("enter", "enter", "enter", "f10", "f11", "1", "2", "3", "5", "0", "A", "B")


class Stuck(AssertionError):
    """The screens did not answer in time, left the screens that exist, or went out of service."""


Played = KioskApp | LoneScreen


async def play(app: Played, choice: random.Random, keys: int) -> Counter[str]:
    """So many keys and taps at an app that runs; how many each screen had."""
    seen: Counter[str] = Counter()
    longest: list[float] = [0.0]
    listening = asyncio.create_task(_listen(longest))
    try:
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
    finally:
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
    while isinstance(app, KioskApp) and not app.strokes.are_heard:
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
    if key == _OTHER_LOOK and choice.randrange(_OTHER_LOOK_EVERY):
        key = choice.choice(_FAVOURITES)
    app.post_message(events.Key(key, key if len(key) == 1 else None))


def run_keys(keys: int, seed: int, locale: Path) -> Counter[str]:
    """A demo of two seats with a case, and each seat alone, share the keys."""
    seen: Counter[str] = Counter()

    for number, seat in enumerate((None, *SeatName)):
        counter = ScriptedCounter()
        a_left_case(counter)
        choice, share = random.Random(seed * 10 + number), keys // 2 if seat is None else keys // 6
        alone: dict[str, object] = {} if seat is None else {"seat": seat, "is_demo": False}

        async def monkey(pilot: Pilot[None], app: KioskApp, choice: random.Random = choice, share: int = share) -> None:
            await pilot.pause()
            seen.update(await play(app, choice, share))

        try:
            ways.play(locale, counter, monkey, **alone)
        finally:
            counter.script.let_go()
            # A scripted card that nobody moves would keep the case's thread waiting.
            counter.reader.insert()
    return seen


def run_alone(keys: int, seed: int, locale: Path, met: dict[str, MetScreen]) -> Counter[str]:
    """So many keys at every screen by itself."""
    seen: Counter[str] = Counter()

    async def run() -> None:
        app = LoneScreen(locale)
        async with app.run_test(size=(100, 30)) as pilot:
            for name, screen in sorted(met.items()):
                app.turn_to(screen)
                await pilot.pause()
                try:
                    seen[name] += (await play(app, random.Random(f"{seed} {name}"), keys)).total()
                # Whatever a key brought about is told with the screen at which it was pressed.
                except Exception as error:
                    raise Stuck(f"{name} alone: {app.fault!r}") from error

    asyncio.run(run())
    return seen


def run_strings(strings: int, seed: int) -> None:
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
        _rest(glass)
        glass.forget()
        begun_s = _spent_s(glass.process.pid)
        glass.type(key)
        glass.await_text(mark, timeout_s=_DEAD_AFTER_S)
        spent_s = _spent_s(glass.process.pid) - begun_s
        if spent_s > LONGEST_S:
            raise Stuck(f"{mark} came after {spent_s:.1f} s")


def _rest(glass: Glass) -> None:
    """Waits until the program has worked off what was typed: it is silent, and has nothing to do.

    One that hardly gets the processor is silent too, and of what is typed further ahead of it the last keys are dropped
    (`kiosk.ui.strokes`): a seat that is asked for then may not come.
    """
    glass.settle()
    while _has_work(glass.process.pid):
        glass.settle()


def _has_work(pid: int) -> bool:
    """Whether any thread runs, waits for the processor, or for a disk (proc(5))."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return any(thread.read_text().rpartition(")")[2].split()[0] in "RD" for thread in threads)


def _spent_s(pid: int) -> float:
    """Seconds of the processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Progress:
    """What a campaign has done so far; `next_seed` is of the next round, by kind of round."""

    next_seed: dict[str, int]
    at_seats: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    strings: int = 0

    @classmethod
    def begun(cls, seed: int) -> "Progress":
        """Nothing yet."""
        return cls(dict.fromkeys(KINDS, seed))

    @classmethod
    def read(cls, file: Path) -> "Progress":
        """What was kept."""
        kept = json.loads(file.read_text())
        return cls(kept["next_seed"], Counter(kept["at_seats"]), Counter(kept["alone"]), kept["strings"])

    def keep(self, file: Path) -> None:
        """Writes it down, whole or not at all."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps(vars(self), indent=1))
        new.replace(file)

    @property
    def keys(self) -> int:
        """Keys so far, wherever they were pressed."""
        return self.at_seats.total() + self.alone.total()

    @property
    def by_screen(self) -> Counter[str]:
        """Keys that each screen has had, at the seats and by itself."""
        return self.at_seats + self.alone

    @property
    def least(self) -> int:
        """Keys that the screen with the fewest has had, of those that were ever shown alone: after one round all."""
        return min((self.by_screen[name] for name in self.alone), default=0)

    def told(self) -> str:
        """In one line."""
        screens = f"{self.least} at least at each of {len(self.alone)} screens"
        return f"{self.keys} keys, {screens}, {self.strings} strings"


KINDS = ("keys", "alone", "strings")


def _spent_by_all_s() -> float:
    """Seconds of the processor that this process has had, and its children that have ended."""
    return sum(os.times()[:4])


def _in_a_process(play: Callable[[], Counter[str]]) -> Counter[str]:
    """What it returns in a process of its own: the apps of earlier rounds would be looked through for garbage.

    Raises `Stuck` when it ends without a result; why has then been printed.
    """
    forking = get_context("fork")
    receiver, sender = forking.Pipe(duplex=False)

    def work() -> None:
        # The app takes SIGTERM for itself; a round whose campaign was stopped would go on for ever.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        sender.send(play())

    process = forking.Process(target=work)
    process.start()
    sender.close()
    try:
        seen: Counter[str] = receiver.recv()
    except EOFError:
        raise Stuck("the round ended before its time") from None
    finally:
        process.join()
    return seen


class Campaign:
    """Rounds of three kinds until so much of each has been done."""

    def __init__(self, progress: Progress, locale: Path, each: int = 0) -> None:
        self.progress = progress
        self._locale = locale
        self._each = each
        self._met: dict[str, MetScreen] = {}

    def play(self, kind: str, seed: int) -> int:
        """One round, added to what was done; how many keys or strings it had."""
        match kind:
            case "keys":
                seen = _in_a_process(lambda: run_keys(_KEYS_A_ROUND, seed, self._locale))
                self.progress.at_seats += seen
                return seen.total()
            case "alone":
                self._met = self._met or meet_all(self._locale)
                had, is_first = self.progress.by_screen, not self.progress.alone
                # The first such round has every screen, so that from then on all are known.
                lack = {name: met for name, met in self._met.items() if is_first or had[name] < self._each}
                seen = _in_a_process(lambda: run_alone(_ALONE_A_ROUND, seed, self._locale, lack))
                self.progress.alone += seen
                return seen.total()
            case _:
                run_strings(_STRINGS_A_ROUND, seed)
                self.progress.strings += _STRINGS_A_ROUND
                return _STRINGS_A_ROUND

    def wanted(self, keys: int, strings: int) -> str | None:
        """The kind of the next round; None when everything has been done."""
        progress = self.progress
        lacks = {
            "alone": 1 - progress.least / self._each if self._each else 0,
            "keys": 1 - progress.keys / keys if keys else 0,
            "strings": 1 - progress.strings / strings if strings else 0,
        }
        kind = max(lacks, key=lambda kind: lacks[kind])
        return kind if lacks[kind] > 0 else None


def main(words: Sequence[str] | None = None) -> None:
    """Plays, and prints how many keys each screen had."""
    parser = argparse.ArgumentParser(prog="python -m tests.ui.monkey", description=__doc__)
    parser.add_argument("--keys", type=int, default=_KEYS_A_ROUND, help="in all")
    parser.add_argument("--each", type=int, default=0, help="at every screen")
    parser.add_argument("--strings", type=int, default=0)
    parser.add_argument("--progress", type=Path, metavar="FILE")
    parser.add_argument("--seed", type=int, default=1, help="of the first rounds")
    parser.add_argument("--replay", metavar="KIND:SEED", help=f"one round; a kind is one of {', '.join(KINDS)}")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        locale = compile_catalogues(Path(folder))
        # What is loaded is not looked through for garbage again and again.
        gc.freeze()
        if args.replay:
            kind, _, seed = args.replay.partition(":")
            Campaign(Progress.begun(0), locale).play(kind, int(seed))
            return
        is_kept = args.progress is not None and args.progress.exists()
        progress = Progress.read(args.progress) if is_kept else Progress.begun(args.seed)
        campaign = Campaign(progress, locale, args.each)
        while (kind := campaign.wanted(args.keys, args.strings)) is not None:
            seed, begun_s = progress.next_seed[kind], _spent_by_all_s()
            try:
                count = campaign.play(kind, seed)
            except BaseException:
                print(f"played again by: python -m tests.ui.monkey --replay {kind}:{seed}", flush=True)
                raise
            progress.next_seed[kind] += 1
            if args.progress is not None:
                progress.keep(args.progress)
            rate = count / (_spent_by_all_s() - begun_s)
            print(f"{kind}:{seed}: {count}, {rate:.0f} a second of the processor; {progress.told()}", flush=True)
    for name, count in progress.by_screen.most_common():
        print(f"{count:9} {name}")
    print(f"{progress.told()}: still running")


if __name__ == "__main__":
    main()
