"""What goes to the terminal tells nothing of a password but, to its owner, how long it is; the clerk not even that."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from hw.ports import PinPolicy
from kiosk.ui.app import KioskApp
from kiosk.ui.resident.password import ChoosePassword
from tests.ui.password_bytes import ENTRIES, differing, differing_for_clerk
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import LETTERS, ScriptedCounter
from tests.ui.walk import reach, walk_to


@pytest.mark.parametrize(("entry", "pairs"), [("choose", 6), ("enter", 2), ("recall", 2)])
def test_passwords_of_one_length_draw_the_same_bytes(entry: str, pairs: int, locale: Path) -> None:
    assert differing(pairs, 1, locale, ENTRIES[entry]) == []


class Telling(ChoosePassword):
    """A screen that shows whether the last character is a digit, by nothing but a blank."""

    def _note(self) -> str:
        last = self._typed._buffer[len(self._typed) - 1 : len(self._typed)]
        return super()._note() + (" ." if last.isdigit() else ".")


def test_a_screen_that_tells_the_least_thing_is_found(locale: Path) -> None:
    assert len(differing(4, 1, locale, lambda seat: Telling(seat, 3, PinPolicy(4, 16, LETTERS)))) > 0


def test_passwords_of_any_lengths_draw_the_same_bytes_for_the_clerk(locale: Path) -> None:
    assert differing_for_clerk(3, 1, locale) == []


def test_a_desk_that_tells_the_least_thing_is_found(locale: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell = ChoosePassword.tell

    def telling(entry: ChoosePassword, heard: str = "") -> None:
        tell(entry, heard)
        entry.seat.board.is_clerk_called = len(entry._typed) % 2 == 1

    monkeypatch.setattr(ChoosePassword, "tell", telling)
    assert len(differing_for_clerk(4, 1, locale)) > 0


def test_the_clerk_sees_the_same_whatever_was_typed_so_far(play: Callable[..., KioskApp]) -> None:
    seen: set[str] = set()

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChoosePassword")
        for typed in ("", "A", "Bc3", "d4e5f6g7", "?"):
            await pilot.press(*typed)
            await pilot.press("f11")
            await reach(pilot, "Desk")
            seen.add(text_on(app))
            await pilot.press("f10")
            await reach(pilot, "ChoosePassword")

    play(ScriptedCounter(), people)
    assert len(seen) == 1
