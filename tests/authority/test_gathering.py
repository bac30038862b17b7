"""Requests that wait at the same time are answered together, and nobody waits long for others."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from kiosk.authority.embedded.gathering import Gathering

LONG_S = 30.0


class Answering:
    """Answers a number by itself, once it is told to go on; notes what it was given at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.batches: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> list[bytes]:
        self.batches.append(list(numbers))
        assert self.go.wait(LONG_S)
        if 13 in numbers:
            raise ValueError("thirteen")
        return [str(number).encode() for number in numbers]


def ask_all(gathering: Gathering[int], numbers: Sequence[int]) -> "asyncio.Future[list[bytes]]":
    return asyncio.gather(*(gathering.answer(number) for number in numbers))


def test_who_comes_meanwhile_is_answered_together_in_order() -> None:
    async def play() -> None:
        answering = Answering()
        gathering = Gathering(answering, lambda: 0.0, most=4)
        answering.go.clear()
        first = asyncio.ensure_future(gathering.answer(0))
        while not answering.batches:
            await asyncio.sleep(0)
        others = ask_all(gathering, range(1, 8))
        await asyncio.sleep(0)
        answering.go.set()
        assert await first == b"0" and await others == [str(n).encode() for n in range(1, 8)]
        assert answering.batches == [[0], [1, 2, 3, 4], [5, 6, 7]]

    asyncio.run(play())


def test_those_who_were_there_last_time_are_waited_for() -> None:
    async def play() -> None:
        answering = Answering()
        gathering = Gathering(answering, lambda: LONG_S, most=8)
        await ask_all(gathering, range(3))
        early = asyncio.ensure_future(gathering.answer(3))
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(answering.batches) == 1, "two are still missing"
        await ask_all(gathering, (4, 5))
        assert await early == b"3" and answering.batches[1:] == [[3, 4, 5]]

    asyncio.run(play())


def test_the_last_is_waited_for_as_long_as_others_come_before_him() -> None:
    async def play() -> None:
        answering = Answering()
        gathering = Gathering(answering, lambda: 1.0, most=8)
        await ask_all(gathering, range(3))
        asked = []
        for number in (3, 4, 5):
            asked.append(asyncio.ensure_future(gathering.answer(number)))
            await asyncio.sleep(0.6)
        assert await asyncio.gather(*asked) == [b"3", b"4", b"5"]
        assert answering.batches[1:] == [[3, 4, 5]]

    asyncio.run(play())


def test_who_stays_away_is_not_waited_for_twice() -> None:
    async def play() -> None:
        answering = Answering()
        patience = iter([0.001])
        gathering = Gathering(answering, lambda: next(patience), most=8)
        await ask_all(gathering, range(3))
        assert await gathering.answer(3) == b"3"
        assert await gathering.answer(4) == b"4", "patience was asked for once"
        assert answering.batches == [[0, 1, 2], [3], [4]]

    asyncio.run(play())


def test_what_answering_raises_is_raised_to_everybody_of_that_time_and_to_nobody_later() -> None:
    async def play() -> None:
        gathering = Gathering(Answering(), lambda: 0.0, most=8)
        with pytest.raises(ValueError, match="thirteen"):
            await gathering.answer(13)
        assert await gathering.answer(14) == b"14"

    asyncio.run(play())


def test_who_goes_away_harms_nobody() -> None:
    async def play() -> None:
        answering = Answering()
        gathering = Gathering(answering, lambda: 0.0, most=8)
        answering.go.clear()
        gone = asyncio.ensure_future(gathering.answer(1))
        other = asyncio.ensure_future(gathering.answer(2))
        while not answering.batches:
            await asyncio.sleep(0)
        gone.cancel()
        answering.go.set()
        assert await other == b"2"

    asyncio.run(play())
