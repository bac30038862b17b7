"""What a seat shows while something is done that takes its time, and nobody has to do anything."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from textual.app import ComposeResult

from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.paragraph import Paragraph

R = TypeVar("R")

_UNNOTICED_S = 0.2
"""What is done sooner needs no screen, which would only flicker."""


class Working(SeatScreen[None]):
    """Something works; nothing is to be done here."""

    def page(self) -> ComposeResult:
        """That it works."""
        yield Paragraph(self.words("working.title"), classes="title")


async def at_work(seat: Seat, work: Coroutine[Any, Any, R]) -> R:
    """What a piece of work comes to; raises what it raises."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda _: seat.bell.ring())
    await asyncio.wait({task}, timeout=_UNNOTICED_S)
    if not task.done():
        await seat.show(Working(seat), lambda: not task.done())
    return await task
