"""Catalogues compiled anew for every test session, so that no stale file decides, and the app opened with them."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.idle import Patience
from kiosk.ui.words import LOCALE_FOLDER, RESIDENT_LANGUAGES
from tests.ui import walk
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import HandClock

PATIENCE = Patience(idle_s=60, warning_s=30)
"""With whoever is at the terminal, where a test turns the clock."""


def compile_catalogues(target: Path) -> Path:
    """Compiles every catalogue into `target`."""
    for language in RESIDENT_LANGUAGES:
        place = Path(language, "LC_MESSAGES")
        (target / place).mkdir(parents=True)
        with (LOCALE_FOLDER / place / "kiosk.po").open("rb") as source:
            catalogue = read_po(source, abort_invalid=True)
        with (target / place / "kiosk.mo").open("wb") as compiled:
            write_mo(compiled, catalogue)
    return target


@pytest.fixture(scope="session")
def locale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled catalogues."""
    return compile_catalogues(tmp_path_factory.mktemp("locale"))


@pytest.fixture
def play(locale: Path) -> Callable[..., KioskApp]:
    """Lets people use an app on a counter: `tests.ui.walk.play`, its words those of this session."""
    return partial(walk.play, locale)


@pytest.fixture
def play_by_clock(play: Callable[..., KioskApp]) -> Callable[..., KioskApp]:
    """As `play`; people are waited for by a clock that they are given, to be turned by hand."""

    def run(
        counter: ScriptedCounter,
        people: Callable[[Pilot[None], KioskApp, HandClock], Awaitable[None]],
        patience: Patience = PATIENCE,
    ) -> KioskApp:
        clock = HandClock()
        return play(counter, lambda pilot, app: people(pilot, app, clock), patience=patience, now=clock)

    return run
