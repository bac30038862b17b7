"""A screen whose answer is heard at once, even when another seat has come to the front before it could leave."""

import asyncio
from typing import Any, Generic, TypeVar

from textual._styles_cache import StylesCache
from textual.await_complete import AwaitComplete
from textual.screen import Screen

R = TypeVar("R")


class AnsweringScreen(Screen[R], Generic[R]):
    """Hands its answer to whoever shows it and stays; the one who shows it takes it off the glass.

    Textual's own `dismiss` takes the top screen off the mode in front, which is another seat's when a person answers
    and somebody changes the seat in the same moment.
    """

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._answered: asyncio.Future[R | None] | None = None
        self._is_taken_off = False

    def awaited(self) -> "asyncio.Future[R | None]":
        """The answer to come; from now on `dismiss` only answers."""
        self._answered = asyncio.get_running_loop().create_future()
        return self._answered

    def dismiss(self, result: R | None = None) -> AwaitComplete:
        """Answers; the first answer counts, and what is still typed at a screen that has gone does not."""
        if self._is_taken_off:
            return AwaitComplete()
        if self._answered is None:
            return super().dismiss(result)
        if not self._answered.done():
            self._answered.set_result(result)
        return AwaitComplete()

    def give_way(self, screen: Screen[Any]) -> None:
        """Leaves the glass to the next screen; its seat is in front."""
        self._is_taken_off = True
        # While the program ends there is nothing on the glass to take the place of.
        if self.is_current:
            self.app.switch_screen(screen)

    def on_unmount(self) -> None:
        """Nothing of what was shown is kept: Textual's cache of colours keeps the lines of a thousand old widgets."""
        StylesCache.get_inner_outer.cache_clear()

    def take_off(self) -> None:
        """Leaves the glass; its seat is in front."""
        self._is_taken_off = True
        super().dismiss(None)
