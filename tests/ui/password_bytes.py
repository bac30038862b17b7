"""What goes to the terminal and to the log while a password is typed, byte for byte.

    python -m tests.ui.password_bytes [--at choose|enter|recall|clerk] [--pairs N] [--seed N] [--progress FILE]

For every pair of passwords of one length both are the very same, whether they are typed by letters or, in the second
half of a round, by ten digits. At `clerk` it is the clerk's screen that is drawn, of the whole app while a resident
chooses his password, and the passwords of a pair are of different lengths. `--pairs` is how many are wanted in all;
rounds have a seed each, and with `--progress` a campaign that was stopped goes on where it was.
"""

import argparse
import asyncio
import json
import logging
import random
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

from hw.ports import KeyUse, PinPolicy
from kiosk.ui.app import KioskApp
from kiosk.ui.idle import Patience
from kiosk.ui.persons import Recalled
from kiosk.ui.resident.password import ChoosePassword, EnterPassword
from kiosk.ui.resident.service import RecallPassword
from kiosk.ui.seat import Seat
from tests.ui.conftest import compile_catalogues
from tests.ui.screen_host import ScreenHost
from tests.ui.scripted_counter import LETTERS, ScriptedCounter
from tests.ui.walk import USUAL, OneCalmAKey, reach, unhurried, walk_to

_PAIRS_A_ROUND = 50
_POLICY = PinPolicy(4, 16, LETTERS)

Entry = Callable[[Seat], EnterPassword]
"""Makes the screen at which a password is typed."""

ENTRIES: dict[str, Entry] = {
    "choose": lambda seat: ChoosePassword(seat, 3, _POLICY),
    "enter": lambda seat: EnterPassword(seat, None, _POLICY, 5),
    "recall": lambda seat: RecallPassword(seat, _POLICY, 5, Recalled.OLD, KeyUse.SIGNATURE),
}


class _Kept(logging.Handler):
    """Log records as text; `level` 0 keeps all."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(0)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one."""
        self._lines.append(self.format(record))


class Listened(App[None], inherit_bindings=False):
    """Renders as for a terminal while it is listened to."""

    is_listened_to = False

    @property
    def is_headless(self) -> bool:
        """Whether nothing is rendered."""
        return not self.is_listened_to


class ListenedHost(Listened, ScreenHost):
    """One screen alone."""


class ListenedApp(Listened, KioskApp):
    """The whole program."""


def taps(password: str) -> list[str]:
    """The keys by which a password is typed with ten digits."""
    return [key for character in password for key in ("+", *_TAPS[character])]


_GROUPS = ("ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ")
_TAPS = {
    character: digit * number
    for digit, letters in (*zip("23456789", _GROUPS, strict=True), ("0", ""), ("1", ""))
    for number, character in enumerate((*letters, *letters.lower(), digit), 1)
}
"""How often which digit is tapped for a character."""


async def _written(host: ListenedHost, keys: Sequence[str], length: int) -> bytes:
    """The bytes from the first key to the last, with the keys that erase it all again, and what was logged."""
    written: list[str] = []
    kept, log = _Kept(written), logging.getLogger()
    level = log.level
    log.addHandler(kept)
    log.setLevel(logging.DEBUG)
    driver = host._driver
    assert driver is not None
    original = driver.write
    driver.write = written.append
    host.is_listened_to = True
    for key in (*keys, *["backspace"] * length):
        with host.batch_update():
            host.post_message(events.Key(key, key if len(key) == 1 else None))
            # The app hands the key on; the screen answers with changes, hears of each by a message to itself, lays out.
            for pump in (host, host.screen, host.screen, host.screen):
                await _hear(pump)
        # At once instead of at the next sixtieth of a second.
        host.screen._on_timer_update()
    host.is_listened_to = False
    driver.write = original
    log.removeHandler(kept)
    log.setLevel(level)
    return "".join(written).encode()


async def _hear(pump: MessagePump) -> None:
    """Waits until it has worked off what it was sent."""
    heard = asyncio.Event()
    if pump.call_later(heard.set):
        await heard.wait()


def differing(pairs: int, seed: int, locale: Path, entry: Entry = ENTRIES["choose"]) -> list[tuple[int, int]]:
    """Index and length of the pairs that could be told apart at that screen."""
    choice = random.Random(seed)
    found = []

    async def run() -> None:
        host = ListenedHost(entry, locale)
        async with host.run_test(size=USUAL) as pilot:
            await pilot.pause()
            await _written(host, "AAAA", 4)
            for index in range(pairs):
                length = choice.randrange(4, 17)
                one, other = ("".join(choice.choices(LETTERS, k=length)) for _ in range(2))
                if index == pairs // 2:
                    await pilot.press("*")
                    await pilot.pause()
                    await _written(host, taps("AAAA"), 4)
                way = taps if index >= pairs // 2 else list
                bytes_of_one = await _written(host, way(one), length)
                assert b"\xe2\x97\x8f" in bytes_of_one, "dots were drawn"
                if bytes_of_one != await _written(host, way(other), length):
                    found.append((index, length))

    asyncio.run(run())
    return found


def differing_for_clerk(pairs: int, seed: int, locale: Path) -> list[tuple[int, int]]:
    """Index and first length of the pairs, of two lengths each, that the clerk's screen could tell apart."""
    choice, counter = random.Random(seed), ScriptedCounter()
    found = []

    async def run() -> None:
        app = ListenedApp(
            lambda: counter,
            locale=locale,
            issue=counter.issue,
            hand_clock=unhurried(),
            patience=Patience(entry_s=1e9, clerk_s=1e9),
        )
        async with app.run_test(size=USUAL):
            pilot = OneCalmAKey(app)
            await walk_to(pilot, "ChoosePassword")
            # Whatever stands at the desk for a moment only has gone.
            for key, screen in (("f11", "Desk"), ("f10", "ChoosePassword")):
                await pilot.press(key)
                await reach(pilot, screen)
            for index in range(pairs):
                lengths = choice.sample(range(4, 17), 2)
                one, other = [await _desk_after(app, choice.choices(LETTERS, k=length)) for length in lengths]
                assert "職員".encode() in one, "the desk was drawn"
                if one != other:
                    found.append((index, lengths[0]))

    try:
        asyncio.run(run())
    finally:
        # Or the case's thread would wait for a card that nobody moves.
        counter.reader.insert()
    return found


async def _desk_after(app: ListenedApp, password: Sequence[str]) -> bytes:
    """The bytes of the clerk's whole screen while so much has been typed, which is erased again."""
    entry = app.screen
    assert isinstance(entry, ChoosePassword)
    await _strike(app, password)
    assert len(entry._typed) == len(password), "it was typed"
    await _strike(app, ["f11"])
    assert app.screen is not entry, "the clerk's screen is in front"
    # Nothing is drawn while the seats change.
    while app._batch_count:
        await _hear(app)
    written: list[str] = []
    driver = app._driver
    assert driver is not None
    original = driver.write
    driver.write = written.append
    # What the next sixtieth of a second would bring, and then the whole.
    app.screen._on_timer_update()
    app.is_listened_to = True
    app._display(app.screen, app.screen._compositor.render_update(full=True))
    app.is_listened_to = False
    driver.write = original
    await _strike(app, ["f10", *["backspace"] * len(password)])
    assert app.screen is entry and len(entry._typed) == 0
    return "".join(written).encode()


async def _strike(app: ListenedApp, keys: Sequence[str]) -> None:
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))
        await _hear(app)
        while not app.strokes.are_heard:
            await _hear(app)
        await _hear(app.screen)


def main(words: Sequence[str] | None = None) -> int:
    """Compares; 1 when any pair could be told apart."""
    parser = argparse.ArgumentParser(prog="python -m tests.ui.password_bytes", description=__doc__)
    parser.add_argument("--at", choices=(*ENTRIES, "clerk"), default="choose", help="where it is looked")
    parser.add_argument("--pairs", type=int, default=100, help="in all")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--progress", type=Path, metavar="FILE")
    args = parser.parse_args(words)
    compare = differing_for_clerk if args.at == "clerk" else partial(differing, entry=ENTRIES[args.at])
    done: dict[str, int] = {"next_seed": args.seed, "pairs": 0, "told_apart": 0}
    if args.progress is not None and args.progress.exists():
        done = json.loads(args.progress.read_text())
    with tempfile.TemporaryDirectory() as folder:
        locale = compile_catalogues(Path(folder))
        while (left := args.pairs - done["pairs"]) > 0:
            pairs = min(left, _PAIRS_A_ROUND)
            found = compare(pairs, done["next_seed"], locale)
            if found:
                print(f"seed {done['next_seed']}: index and length of what was told apart: {found[:5]}", flush=True)
            done["next_seed"] += 1
            done["pairs"] += pairs
            done["told_apart"] += len(found)
            if args.progress is not None:
                args.progress.write_text(json.dumps(done))
    print(f"{done['pairs']} pairs, {done['told_apart']} of them told apart")
    return 1 if done["told_apart"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
