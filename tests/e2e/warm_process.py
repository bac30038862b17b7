"""Runs commands in copies of a process that has the program loaded: loading it takes longer than most of them work.

A copy (`fork`) differs from a program newly started in three things: its line in /proc, that modules are loaded which
it does not use, and the order of sets, which is the same for all copies. The programs are started anew where a test
needs a terminal, a pipe or a signal (`tests/e2e/test_demo.py`, `test_drill.py`), and what they load has tests of its
own.
"""

import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_ROOT = Path(__file__).parents[2]
_MOST_BYTES = 200_000
_LOADED = (
    "kiosk.cli",
    "kiosk.drill",
    "kiosk.authority.embedded.command",
    "kiosk.authority.embedded.server",
    "psycopg",
    "hw.cli",
)
_NUMBER_BYTES = 20
_READ_AT_START = ("PYTHON", "LANG", "LC_", "LD_")


class WarmCommand:
    """`python -m module words...` with this environment in a copy of the loaded process; writes to these descriptors.

    Raises `ValueError` for an environment in which Python itself would start differently.
    """

    def __init__(self, module: str, words: Sequence[str], env: Mapping[str, str], stdout: int, stderr: int) -> None:
        if _of_the_start(env) != _of_the_start(os.environ):
            raise ValueError("this environment asks for a Python of its own")
        self._arguments = [module, *words]
        self._teller, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            request = json.dumps([module, words, dict(env), os.getcwd()]).encode()
            socket.send_fds(_warm(), [request], [theirs.fileno(), stdout, stderr])
        self._pid = _number(self._teller)
        self._code: int | None = None

    def terminate(self) -> None:
        """SIGTERM, unless its end has been waited for."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, unless its end has been waited for."""
        self._send(signal.SIGKILL)

    def wait(self, timeout_s: float) -> int:
        """Its exit code, or less than 0 the signal that ended it. Raises `subprocess.TimeoutExpired`."""
        if self._code is None:
            if not select.select([self._teller], [], [], timeout_s)[0]:
                raise subprocess.TimeoutExpired(self._arguments, timeout_s)
            with self._teller:
                self._code = _number(self._teller)
        return self._code

    def _send(self, number: signal.Signals) -> None:
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)


def run_warm(
    module: str, words: Sequence[str], env: Mapping[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """One such command to its end. Raises `subprocess.TimeoutExpired` once it is killed."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        command = WarmCommand(module, words, env, output.fileno(), errors.fileno())
        try:
            code = command.wait(timeout_s)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait(timeout_s)
            raise
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess([module, *words], code, output.read(), errors.read())


def _number(teller: socket.socket) -> int:
    told = teller.recv(_NUMBER_BYTES)
    if not told:
        raise EOFError("the loaded process is gone, and says on stderr why")
    return int(told)


def _of_the_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_READ_AT_START)}


@functools.cache
def _warm() -> socket.socket:
    """The way to the loaded process, which ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            cwd=_ROOT,
        )
    return ours


def _serve(requests: socket.socket) -> None:
    """Loads the program, and makes a copy of itself for each request until nobody can ask any more."""
    for name in _LOADED:
        importlib.import_module(name)
    gc.freeze()
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 3)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _run(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _bury()


def _bury() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _run(request: bytes, descriptors: Sequence[int]) -> NoReturn:
    """Tells its process number, becomes the command, and tells how that ended."""
    teller, output, errors = descriptors
    pid = os.fork()
    if pid:
        os.write(teller, b"%d" % pid)
        _, status = os.waitpid(pid, 0)
        os.write(teller, b"%d" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    os.close(teller)
    for descriptor, number in ((output, 1), (errors, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    module, words, env, folder = json.loads(request)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(folder)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
