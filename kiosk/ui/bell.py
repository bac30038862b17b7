"""The bell that rings whenever something has changed; whoever waits for a condition looks again."""

import asyncio
from collections.abc import Callable


class Bell:
    """A condition variable of the event loop, without a lock: everything that rings or waits lives on that loop."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wakes everyone who waits."""
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    async def next(self) -> None:
        """Waits until the bell rings."""
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._next)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until `condition` holds; it is asked now and at every ring."""
        while not condition():
            await self.next()
