"""One screen alone: shown to a hand, its answers kept."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath
from typing import Any, ClassVar

from textual.app import App
from textual.pilot import Pilot

from kiosk.ui.board import Board
from kiosk.ui.seat import Seat
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.themes import FRAME_SHEET, SEATS_SHEET, dress
from kiosk.ui.widgets.banner import Banner
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Catalogues
from tests.ui.walk import USUAL, OneCalmAKey


class ScreenHost(App[None], inherit_bindings=False):
    """Shows one screen; `answers` has what it was dismissed with."""

    CSS_PATH: ClassVar[list[str | PurePath]] = [FRAME_SHEET, SEATS_SHEET]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, make: Callable[[Seat], SeatScreen[Any]], locale: Path) -> None:
        super().__init__()
        dress(self)
        self.seat = Seat(SeatName.RESIDENT, self, Catalogues(locale), "ja", Board(), is_demo=False)
        self.answers: list[object] = []
        self._make = make

    def on_mount(self) -> None:
        self.push_screen(self._make(self.seat), self.answers.append)

    @property
    def text(self) -> str:
        """Everything written on the screen."""
        return text_on(self)


def text_on(app: App[Any]) -> str:
    """Everything written on the screen of an app."""
    banners = (banner.text for banner in app.screen.query(Banner))
    return "\n".join((*banners, *(paragraph.text for paragraph in app.screen.query(Paragraph))))


Use = Callable[[Pilot[None], ScreenHost], Awaitable[None]]


def show(make: Callable[[Seat], SeatScreen[Any]], locale: Path, use: Use) -> list[object]:
    """Shows a screen, lets somebody use it, and returns what it answered."""

    async def session() -> ScreenHost:
        host = ScreenHost(make, locale)
        async with host.run_test(size=USUAL):
            pilot = OneCalmAKey(host)
            await use(pilot, host)
            await pilot.pause()
        return host

    return asyncio.run(session()).answers
