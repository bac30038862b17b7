"""Requests that wait at the same time are answered together, by one thread: it takes one turn and one commit for all."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


class Gathering:
    """Collects requests of one event loop while a thread answers those that came before."""

    def __init__(self, answer_all: Callable[[Sequence[bytes]], list[bytes]], most: int) -> None:
        self._answer_all = answer_all
        self._most = most
        self._waiting: deque[tuple[bytes, asyncio.Future[bytes]]] = deque()
        self._thread = ThreadPoolExecutor(1)
        self._work: asyncio.Task[None] | None = None

    async def answer(self, request: bytes) -> bytes:
        """The answer to one request; raises what answering raised."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._work is None:
            self._work = asyncio.create_task(self._answer_waiting())
        return await future

    async def _answer_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                some = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
                try:
                    answers = await loop.run_in_executor(self._thread, self._answer_all, [one for one, _ in some])
                except Exception as error:
                    for _, future in some:
                        _conclude(future, error)
                else:
                    for (_, future), answer in zip(some, answers, strict=True):
                        _conclude(future, answer)
        finally:
            self._work = None


def _conclude(future: asyncio.Future[bytes], outcome: bytes | Exception) -> None:
    # Whoever asked may have gone away meanwhile.
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
