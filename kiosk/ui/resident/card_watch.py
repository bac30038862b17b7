"""A card that is taken out while its resident types a password: noticed at once, by a look that disturbs nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from kiosk.ui.answering_screen import AnsweringScreen
from kiosk.ui.persons import Gone, PasswordChoice, PasswordEntry
from kiosk.ui.seat import Seat

R = TypeVar("R")

_LOOKS_EVERY_S = 0.5


class Watched(Protocol):
    """The terminal's reader, looked at beside whatever goes on with its card."""

    async def look(self) -> bool | None:
        """Whether a card lies there; None when that cannot be told."""
        ...


async def show_while_card_stays(
    seat: Seat, screen: AnsweringScreen[R], while_: Callable[[], bool], reader: Watched
) -> R | Gone | None:
    """`seat.show`, withdrawn with `Gone.CARD` once a card that lay in the reader lies there no longer.

    What was typed goes with the screen, which wipes it. No time runs: without a card at first nothing is noticed.
    """
    gone = asyncio.ensure_future(until_gone(reader.look))
    gone.add_done_callback(lambda _: seat.bell.ring())
    try:
        answer = await seat.show(screen, lambda: while_() and not gone.done())
        return Gone.CARD if answer is None and gone.done() and while_() else answer
    finally:
        gone.cancel()


async def show_asked(
    seat: Seat, screen: AnsweringScreen[R], view: object, while_: Callable[[], bool], reader: Watched
) -> R | Gone | None:
    """Shows what a procedure asks of its resident; while that is a password, the card is looked at."""
    if isinstance(view, PasswordChoice | PasswordEntry):
        return await show_while_card_stays(seat, screen, while_, reader)
    return await seat.show(screen, while_)


async def until_gone(look: Callable[[], Awaitable[bool | None]]) -> None:
    """Returns once a card that was seen in the reader is there no longer."""
    was_inside = False
    while True:
        is_inside = await look()
        if was_inside and is_inside is False:
            return
        was_inside |= is_inside is True
        await asyncio.sleep(_LOOKS_EVERY_S)
