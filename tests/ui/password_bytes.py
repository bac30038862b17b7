"""What goes to the terminal and to the log while a password is typed, byte for byte.

    python -m tests.ui.password_bytes [--pairs N] [--seed N] [--progress FILE]

For every pair of passwords of one length both are the very same, whether they are typed by letters or, in the second
half of a round, by ten digits. `--pairs` is how many are wanted in all; rounds have a seed each, and with `--progress`
a campaign that was stopped goes on where it was.
"""

import argparse
import asyncio
import json
import logging
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from textual import events

from hw.ports import PinPolicy
from kiosk.ui.resident.password import ChoosePassword
from tests.ui.conftest import compile_catalogues
from tests.ui.screen_host import ScreenHost
from tests.ui.scripted_counter import LETTERS

_PAIRS_A_ROUND = 50


class _Kept(logging.Handler):
    """Log records as text; `level` 0 keeps all."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(0)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one."""
        self._lines.append(self.format(record))


class ListenedHost(ScreenHost):
    """Renders as for a terminal, and keeps what would be written to it."""

    is_listened_to = False

    @property
    def is_headless(self) -> bool:
        """Whether nothing is rendered."""
        return not self.is_listened_to


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
                heard = asyncio.Event()
                pump.call_later(heard.set)
                await heard.wait()
        # At once instead of at the next sixtieth of a second.
        host.screen._on_timer_update()
    host.is_listened_to = False
    driver.write = original
    log.removeHandler(kept)
    log.setLevel(level)
    return "".join(written).encode()


def differing(
    pairs: int, seed: int, locale: Path, kind: type[ChoosePassword] = ChoosePassword
) -> list[tuple[int, int]]:
    """Index and length of the pairs that could be told apart at a screen of that kind."""
    choice = random.Random(seed)
    found = []

    async def run() -> None:
        host = ListenedHost(lambda seat: kind(seat, 3, PinPolicy(4, 16, LETTERS)), locale)
        async with host.run_test(size=(100, 30)) as pilot:
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


def main(words: Sequence[str] | None = None) -> int:
    """Compares; 1 when any pair could be told apart."""
    parser = argparse.ArgumentParser(prog="python -m tests.ui.password_bytes", description=__doc__)
    parser.add_argument("--pairs", type=int, default=100, help="in all")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--progress", type=Path, metavar="FILE")
    args = parser.parse_args(words)
    done: dict[str, int] = {"next_seed": args.seed, "pairs": 0, "told_apart": 0}
    if args.progress is not None and args.progress.exists():
        done = json.loads(args.progress.read_text())
    with tempfile.TemporaryDirectory() as folder:
        locale = compile_catalogues(Path(folder))
        while (left := args.pairs - done["pairs"]) > 0:
            pairs = min(left, _PAIRS_A_ROUND)
            found = differing(pairs, done["next_seed"], locale)
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
