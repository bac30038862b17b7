"""The one thread on which the station lives: it is opened, works and is closed there, one call after another."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class StationThread:
    """Runs blocking calls in order, off the event loop.

    The thread does not keep the program alive: what a case has done is durable, and a device that does not answer
    must not hold up the end.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="station", daemon=True)
        self._thread.start()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Waits for its turn and for the result; giving up waiting does not stop the call."""
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)

        self._calls.put(run)
        return await asyncio.wrap_future(future)

    def end(self) -> None:
        """Ends the thread after the calls that are waiting."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
