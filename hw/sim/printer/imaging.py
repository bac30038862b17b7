"""Where the simulated printer has its pictures made: in the caller's process, or in one of their own.

Pillow and its fonts take a tenth of a kiosk's memory, and while they draw, its screen waits. A kiosk with a real
printer has neither, and one with a simulated printer should be no slower.
"""

import contextlib
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import IO, Protocol, TypeVar, cast

T = TypeVar("T")

_ENDS_WITHIN_S = 2.0


class Imaging(Protocol):
    """Calls a function of a module with arguments, both of which can be pickled."""

    def __call__(self, function: Callable[..., T], *arguments: object) -> T:
        """What the function returns; raises what it raises."""


def here(function: Callable[..., T], *arguments: object) -> T:
    """Calls it in this process."""
    return function(*arguments)


class OwnProcess:
    """Calls functions in a process that is begun with the first call, and ends with this object or with this process.

    A picture is not worth a receipt: what that process cannot do, because it was ended, is done in this one.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] | None = None
        self._turn = threading.Lock()

    def __call__(self, function: Callable[..., T], *arguments: object) -> T:
        """What the function returns; raises what it raises."""
        with self._turn:
            try:
                process = self._process = self._process or self._begun()
                has_returned, value = _ask(process, (function, arguments))
            except (OSError, EOFError, pickle.UnpicklingError):
                self._give_up()
                return function(*arguments)
        if not has_returned:
            raise cast(Exception, value)
        return cast(T, value)

    def _begun(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # The terminal shows a full-screen program, and its keys are not for this one.
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._end = weakref.finalize(self, _end, process)
        return process

    def _give_up(self) -> None:
        self._process = None
        if self._end is not None:
            self._end()


def _ask(process: "subprocess.Popen[bytes]", call: object) -> tuple[bool, object]:
    assert process.stdin is not None and process.stdout is not None, "both are pipes"
    pickle.dump(call, process.stdin)
    process.stdin.flush()
    return cast(tuple[bool, object], pickle.load(process.stdout))  # noqa: S301  # from our own process


def _end(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None and process.stdout is not None, "both are pipes"
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.stdout.close()
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def serve(calls: IO[bytes], answers: IO[bytes]) -> None:
    """Answers each call by whether it has returned, and what; ends with the calls."""
    while True:
        try:
            function, arguments = pickle.load(calls)  # noqa: S301  # from our own process
        except EOFError:
            return
        try:
            answer = True, function(*arguments)
        # Whatever it is, it is raised where the call was made.
        except Exception as error:
            answer = False, error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
