"""Requests that wait at the same time are answered together, by one thread: in one turn, with one commit."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Gathering(Generic[T]):
    """Collects requests of one event loop while a thread answers those that came before.

    Whoever was answered mostly comes back at once. So the thread first waits until as many are there as were last
    time, unless nobody has come for as long as `patience_s` says: half a commit that is not made is worth that.
    """

    def __init__(
        self, answer_all: Callable[[Sequence[T]], list[bytes]], patience_s: Callable[[], float], most: int
    ) -> None:
        self._answer_all = answer_all
        self._patience_s = patience_s
        self._most = most
        self._waiting: deque[tuple[T, asyncio.Future[bytes]]] = deque()
        self._expected = 1
        self._are_all_here = asyncio.Event()
        self._thread = ThreadPoolExecutor(1)
        self._work: asyncio.Task[None] | None = None

    async def answer(self, request: T) -> bytes:
        """The answer to one request; raises what answering raised."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if len(self._waiting) >= self._expected:
            self._are_all_here.set()
        if self._work is None:
            self._work = asyncio.create_task(self._answer_waiting())
        return await future

    async def _answer_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await self._gather()
                some = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
                try:
                    answers = await loop.run_in_executor(self._thread, self._answer_all, [one for one, _ in some])
                # Whatever ends it, each of those who wait is told; none would wait for ever.
                except Exception as error:
                    for _, future in some:
                        _conclude(future, error)
                else:
                    for (_, future), answer in zip(some, answers, strict=True):
                        _conclude(future, answer)
                self._expected = min(len(some) + len(self._waiting), self._most)
        finally:
            self._work = None

    async def _gather(self) -> None:
        if len(self._waiting) >= self._expected:
            return
        self._are_all_here.clear()
        patience_s, here = self._patience_s(), -1
        while here < len(self._waiting):
            here = len(self._waiting)
            try:
                await asyncio.wait_for(self._are_all_here.wait(), patience_s)
                return
            except TimeoutError:
                # Whoever came meanwhile may not have been the last.
                continue


def _conclude(future: asyncio.Future[bytes], outcome: bytes | Exception) -> None:
    # Whoever asked may have gone away meanwhile.
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
