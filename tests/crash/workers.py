"""Processes that explore: each furnishes an office of its own, and works off what it is handed."""

import multiprocessing
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from tests.crash.explore import Explorer
from tests.crash.hunt import hunt
from tests.crash.office import Office, furnished
from tests.crash.play import set_up
from tests.crash.scenario import SCENARIOS


@dataclass(frozen=True)
class Work:
    """A method of the explorer of one scenario, or a hunt over all of them, and its arguments."""

    scenario: str
    method: str
    arguments: tuple[Any, ...]


class Workers:
    """Hands work out to processes and yields its results in the order of the work."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    def run(self, work: Sequence[Work], follow: Callable[[Any], Work | None] = lambda _: None) -> Iterator[Any]:
        """Does all of it. Raises `RuntimeError` with the trace when a process failed.

        `follow` is told each result in the order of the work, before it is yielded, and may say what is to be done
        next by the process that it came from; what that results in is yielded as soon as it is there.
        """
        waiting = deque(enumerate(work))
        own = {connection: deque[Work]() for connection in self._connections}
        busy = dict[Connection, int | None]()
        done = dict[int, tuple[Connection, Any]]()
        following = 0
        while True:
            for connection in self._connections:
                if connection not in busy and (own[connection] or waiting):
                    number, part = (None, own[connection].popleft()) if own[connection] else waiting.popleft()
                    busy[connection] = number
                    connection.send(part)
            if not busy:
                return
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                is_good, result = ready.recv()
                if not is_good:
                    raise RuntimeError(result)
                number = busy.pop(ready)
                if number is None:
                    yield result
                else:
                    done[number] = ready, result
            while following in done:
                connection, result = done.pop(following)
                following += 1
                if (behind := follow(result)) is not None:
                    own[connection].append(behind)
                yield result


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """So many processes, ended with the block."""
    context = multiprocessing.get_context("fork")
    with ExitStack() as held:
        connections = []
        for _ in range(count):
            mine, its = context.Pipe()
            process = context.Process(target=_work_off, args=(its,), daemon=True)
            process.start()
            its.close()
            held.callback(process.join)
            held.callback(mine.send, None)
            connections.append(mine)
        yield Workers(connections)


def _work_off(connection: Connection) -> None:
    with furnished() as office:
        desk = _Desk(office)
        while (work := connection.recv()) is not None:
            try:
                connection.send((True, desk.do(work)))
            # It has to reach the process that waits for an answer, which raises it there.
            except Exception:
                connection.send((False, traceback.format_exc()))


class _Desk:
    """What one process needs, set up when it is first asked for."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._explorers = dict[str, Explorer]()

    def do(self, work: Work) -> Any:
        if work.method == "hunt":
            mutation, rungs = work.arguments
            return hunt(
                mutation, [self._explorer(one.name).stage for one in SCENARIOS.values() if not one.is_mute], rungs
            )
        return getattr(self._explorer(work.scenario), work.method)(*work.arguments)

    def _explorer(self, scenario: str) -> Explorer:
        if scenario not in self._explorers:
            self._explorers[scenario] = Explorer(set_up(self._office, SCENARIOS[scenario]))
        return self._explorers[scenario]
