"""The strokes of a keyboard, each heard when what the stroke before it has done stands.

Textual hands a stroke to the widget that has the focus now, although the stroke before it may be about to take that
widget away. So a digit was lost to a list that became shorter under the hands of somebody who types quickly, and Enter
could press a key that stood there a moment ago.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from textual import events
from textual.app import App, ScreenStackError
from textual.message_pump import MessagePump

_DEALT_WITH_AFTER_AT_MOST_S = 0.5
"""Nobody who stays busy longer, or goes away meanwhile, makes the keyboard deaf."""


async def until_dealt_with(pump: MessagePump | None) -> None:
    """Waits until somebody has dealt with all that has been sent to him."""
    done = asyncio.Event()
    if pump is not None and pump.is_running and pump.call_later(done.set):
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _DEALT_WITH_AFTER_AT_MOST_S)


class Strokes:
    """Hands strokes on in the app's own turn, one at a time and in their order; `hear` is what an app does with one."""

    def __init__(self, app: App[None], hear: Callable[[events.Key], Awaitable[None]]) -> None:
        self._app = app
        self._hear = hear
        self._waiting: deque[events.Key] = deque()
        self._settling: asyncio.Task[None] | None = None

    @property
    def are_heard(self) -> bool:
        """Whether all that was typed has gone its whole way."""
        return self._settling is None and not self._waiting

    async def come(self, stroke: events.Key) -> None:
        """A stroke has come: it is heard now, or after those before it."""
        self._waiting.append(stroke)
        await self._next()

    async def _next(self) -> None:
        if self._settling is None and self._waiting:
            await self._hear(self._waiting.popleft())
            self._settling = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        """Goes the way of a stroke: the focus, its screen, the app, which presses what has the focus, and back."""
        app = self._app
        for whoever in (self._focused, self._screen, lambda: app, self._focused, self._screen):
            await until_dealt_with(whoever())
        self._settling = None
        app.call_later(self._next)

    def _focused(self) -> MessagePump | None:
        return self._app.focused

    def _screen(self) -> MessagePump | None:
        try:
            return self._app.screen
        except ScreenStackError:
            return None
