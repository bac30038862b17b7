"""Several processes that answer on one socket, and the one before them that puts another in the place of each lost."""

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STEADY_S = 60.0
"""Who was lost after living for so long was not lost for the reason of the one before him."""

MOST_IN_A_ROW = 8
"""After so many lost in a row nobody more is started: what kills them kills the next one too."""

_LONGEST_WAIT_S = 30.0

Work = Callable[[Callable[[], None], int], None]
"""What a worker does: tells once that it answers, and ends at the end of file of that descriptor."""


class WorkersLost(Exception):
    """One worker after the other was lost; says how the last one ended."""


def wait_before(lost_in_a_row: int) -> float:
    """Seconds until the next is started: at once after the first, then 1, 2, 4 and at most 30."""
    return min(2.0 ** (lost_in_a_row - 2), _LONGEST_WAIT_S) if lost_in_a_row > 1 else 0.0


def keep_workers(
    count: int,
    work: Work,
    ready: Callable[[], None],
    stop_at_eof_of: int | None,
    tell: Callable[[str], None],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    backoff: Callable[[int], float] = wait_before,
) -> None:
    """Keeps `count` processes at `work` until SIGTERM, SIGINT or that descriptor's end; they end with this one.

    `ready` is called once, when the first of them answers, and `tell` hears of each that is lost. Raises `WorkersLost`
    after so many in a row that nothing is to be hoped from another. Call it before any thread is started.
    """
    told, tells = os.pipe()
    alive, mine = os.pipe()
    living: dict[int, float] = {}
    due: list[float] = [monotonic()] * count
    lost_in_a_row = 0

    def start() -> None:
        pid = os.fork()
        if pid == 0:
            os.close(mine)
            os.close(told)
            _as_worker(lambda: work(lambda: _say(tells), alive))
        living[pid] = monotonic()

    try:
        with _signals() as (woken, wants_end):
            watched = [woken, told, *([] if stop_at_eof_of is None else [stop_at_eof_of])]
            while True:
                while due and due[0] <= monotonic():
                    due.pop(0)
                    start()
                until_s = max(due[0] - monotonic(), 0.0) if due else None
                readable, _, _ = select.select(watched, [], [], until_s)
                if woken in readable:
                    os.read(woken, 4096)
                if told in readable:
                    os.read(told, 4096)
                    watched.remove(told)
                    ready()
                has_input_ended = stop_at_eof_of in readable and not os.read(stop_at_eof_of or 0, 4096)
                if wants_end() or has_input_ended:
                    return
                for pid, how in _ended(living):
                    lost_in_a_row = 1 if monotonic() - living.pop(pid) > STEADY_S else lost_in_a_row + 1
                    if lost_in_a_row >= MOST_IN_A_ROW:
                        raise WorkersLost(f"{lost_in_a_row} workers were lost in a row, the last one {how}")
                    wait_s = backoff(lost_in_a_row)
                    tell(f"worker {pid} {how}; another takes its place" + (f" in {wait_s:.0f} s" if wait_s else ""))
                    due = sorted([*due, monotonic() + wait_s])
    finally:
        for descriptor in (mine, alive, tells, told):
            os.close(descriptor)
        for pid in living:
            os.waitpid(pid, 0)


def _as_worker(work: Callable[[], None]) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    code = os.EX_OK
    try:
        work()
    except BaseException as error:  # whatever it is, it must not go on as a second keeper up the stack
        traceback.print_tb(error.__traceback__)
        print(type(error).__qualname__, file=sys.stderr, flush=True)  # its text may name a person
        code = os.EX_SOFTWARE
    finally:
        os._exit(code)


def _say(descriptor: int) -> None:
    try:
        os.write(descriptor, b"\n")
    except BrokenPipeError:
        return  # the keeper has gone, and so goes this one


def _ended(living: dict[int, float]) -> Iterator[tuple[int, str]]:
    for pid in list(living):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            yield pid, f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


@contextmanager
def _signals() -> Iterator[tuple[int, Callable[[], bool]]]:
    """A descriptor that can be read after a signal, and whether one of them asked for the end."""
    caught: list[int] = []

    def catch(number: int, _: FrameType | None) -> None:
        caught.append(number)

    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(woken, False)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
    before = {number: signal.signal(number, catch) for number in numbers}
    descriptor = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    try:
        yield woken, lambda: signal.SIGTERM in caught or signal.SIGINT in caught
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(woken)
        os.close(wakes)
