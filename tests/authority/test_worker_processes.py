"""Workers on one socket: each that is lost is told and replaced, until too many are lost in a row."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import pytest

from kiosk.authority.embedded.worker_processes import MOST_IN_A_ROW, WorkersLost, keep_workers, wait_before


def test_who_is_killed_is_told_and_replaced_and_all_end_with_the_input() -> None:
    said, says = os.pipe()
    watched, held = os.pipe()
    told: list[str] = []
    first: list[int] = []

    def work(answers: Callable[[], None], alive: int) -> None:
        with suppress(OSError):
            os.close(held)
        os.write(says, f"{os.getpid()}\n".encode())
        answers()
        os.read(alive, 1)

    def kill_the_first() -> None:
        first.append(int(os.read(said, 100)))
        os.kill(first[0], signal.SIGKILL)

    def tell(text: str) -> None:
        told.append(text)
        os.close(held)

    keep_workers(1, work, kill_the_first, watched, tell)
    assert told == [f"worker {first[0]} was ended by SIGKILL; another takes its place"]
    second = int(os.read(said, 100))
    assert second != first[0]
    with pytest.raises(ChildProcessError):
        os.waitpid(second, os.WNOHANG)


def test_nothing_is_hoped_from_another_after_too_many_in_a_row() -> None:
    told: list[str] = []

    def work(answers: Callable[[], None], alive: int) -> None:
        raise MemoryError("of somebody")

    with pytest.raises(WorkersLost, match=f"{MOST_IN_A_ROW} workers were lost in a row, the last one ended with .* 70"):
        keep_workers(1, work, lambda: None, None, told.append, backoff=lambda lost: 0.0)
    assert len(told) == MOST_IN_A_ROW - 1


def test_the_wait_before_another_grows_to_its_bound() -> None:
    assert [wait_before(lost) for lost in range(1, 9)] == [0, 1, 2, 4, 8, 16, 30, 30]
