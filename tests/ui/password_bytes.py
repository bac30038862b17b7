"""What goes to the terminal while a password is typed, byte for byte: `python -m tests.ui.password_bytes [--pairs N]`.

For every pair of passwords of one length the resident's terminal gets the very same bytes, and the clerk's view is the
same for all lengths.
"""

import argparse
import asyncio
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


class ListenedHost(ScreenHost):
    """Renders as for a terminal, and keeps what would be written to it."""

    is_listened_to = False

    @property
    def is_headless(self) -> bool:
        """Whether nothing is rendered."""
        return not self.is_listened_to


async def _written(host: ListenedHost, password: str) -> bytes:
    """The bytes from the first key to the last, with the keys that erase it all again."""
    written: list[str] = []
    driver = host._driver
    assert driver is not None
    original = driver.write
    driver.write = written.append
    host.is_listened_to = True
    for key in (*password, *["backspace"] * len(password)):
        with host.batch_update():
            host.post_message(events.Key(key, key if len(key) == 1 else None))
            # The app hands the key on, the screen answers with changes, and hears of each as a message to itself.
            for pump in (host, host.screen, host.screen):
                heard = asyncio.Event()
                pump.call_later(heard.set)
                await heard.wait()
        # At once instead of at the next sixtieth of a second.
        host.screen._on_timer_update()
    host.is_listened_to = False
    driver.write = original
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
            await _written(host, "AAAA")
            for index in range(pairs):
                length = choice.randrange(4, 17)
                one, other = ("".join(choice.choices(LETTERS, k=length)) for _ in range(2))
                bytes_of_one = await _written(host, one)
                assert b"\xe2\x97\x8f" in bytes_of_one, "dots were drawn"
                if bytes_of_one != await _written(host, other):
                    found.append((index, length))

    asyncio.run(run())
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Compares; 1 when any pair could be told apart."""
    parser = argparse.ArgumentParser(prog="python -m tests.ui.password_bytes", description=__doc__)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        found = differing(args.pairs, args.seed, compile_catalogues(Path(folder)))
    print(f"{args.pairs} pairs, {len(found)} of them told apart {found[:5]}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
