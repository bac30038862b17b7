"""The strokes of a keyboard, each heard when what the stroke before it has done stands.

Textual hands a stroke to the widget that has the focus now, although the stroke before it may be about to take that
widget away. So a digit was lost to a list that became shorter under the hands of somebody who types quickly, and Enter
could press a key that stood there a moment ago.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from textual import events
from textual.app import App, ScreenError, UnknownModeError
from textual.dom import DOMNode
from textual.message_pump import MessagePump

_WAITED_FOR_AT_MOST_S = 0.5
_MOST_WAITING = 32
"""Nobody types further ahead of a screen that does not answer; a key that somebody leans on does."""


@dataclass(frozen=True)
class Stroke:
    """A stroke, and when it was made by the clock of the hands, in seconds."""

    event: events.Key
    at_s: float


async def until_dealt_with(pumps: Iterable[MessagePump]) -> None:
    """Waits until each of them, one after the other, has dealt with all that was sent to him by then.

    Whoever stays busy for half a second, or goes away meanwhile, is waited for no longer, nor are those after him.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_WAITED_FOR_AT_MOST_S):
            for pump in pumps:
                done = asyncio.Event()
                if pump.is_running and pump.call_later(done.set):
                    await done.wait()


class Strokes:
    """Hands strokes on in the app's own turn, one at a time and in their order; `hear` is what an app does with one."""

    def __init__(
        self, app: App[None], hear: Callable[[Stroke], Awaitable[None]], hand_clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._hear = hear
        self._hand_clock = hand_clock
        self._waiting: deque[Stroke] = deque()
        self._settling: asyncio.Task[None] | None = None

    @property
    def are_heard(self) -> bool:
        """Whether all that was typed has gone its whole way."""
        return self._settling is None and not self._waiting

    async def come(self, event: events.Key) -> None:
        """A stroke has come: it is heard now, or after those before it."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(Stroke(event, self._hand_clock()))
        await self._next()

    async def _next(self) -> None:
        if self._settling is None and self._waiting:
            await self._hear(self._waiting.popleft())
            self._settling = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        try:
            await until_dealt_with(self._way())
        finally:
            self._settling = None
            self._app.call_later(self._next)

    def _way(self) -> Iterable[MessagePump]:
        """From the focus up to the app, which presses what has the focus then; and from there up to the screen."""
        for _ in range(2):
            with suppress(ScreenError, UnknownModeError):
                yield from (self._app.focused or self._app.screen).ancestors_with_self


def below(screen: DOMNode, widget: DOMNode | None) -> list[DOMNode]:
    """The widget and what it stands in, up to the screen and without it."""
    return [node for node in (widget.ancestors_with_self if widget else ()) if screen in node.ancestors]
