"""Standard output that may be closed, full, narrow, or read by nobody any more, and what a command makes of that."""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TextIO, cast


class OutputLost(Exception):
    """Standard output takes nothing more: its reader has gone, its disk is full, or it was never open.

    No `OSError`: whoever handles those of his devices, files and sockets must not take this one for theirs.
    """


class StandardOutput(io.TextIOBase):
    """Writes to `inner`, and after the first failure to nothing: every later write then raises `OutputLost` at once.

    `lost` keeps that failure, so that who goes on for good reason (a case is brought to its end) is no success after.
    """

    def __init__(self, inner: TextIO) -> None:
        if isinstance(inner, io.TextIOWrapper) and inner.errors == "strict":
            # An encoding that lacks a character must not end a command: the reader sees its number.
            inner.reconfigure(errors="backslashreplace")
        self._inner = inner
        self.lost: OSError | None = None

    def write(self, text: str, /) -> int:
        """Writes the text. Raises `OutputLost`."""
        self._try(lambda: self._inner.write(text))
        return len(text)

    def flush(self) -> None:
        """Hands over what is written. Raises `OutputLost`."""
        self._try(self._inner.flush)

    def fileno(self) -> int:
        """The descriptor that is written to."""
        return self._inner.fileno()

    def isatty(self) -> bool:
        """Whether a terminal is written to."""
        return self._inner.isatty()

    def writable(self) -> bool:
        """Always."""
        return True

    def _try(self, do: Callable[[], object]) -> None:
        if self.lost is None:
            try:
                do()
            except OSError as error:
                self.lost = error
                with suppress(io.UnsupportedOperation):
                    # What is kept unwritten would fail again, and loudly, when the interpreter ends.
                    _point_at_nothing(self._inner.fileno(), os.O_WRONLY)
            else:
                return
        raise OutputLost(self.lost.strerror or str(self.lost))

    def told(self) -> str:
        """Why it was lost, for whoever can still be told; empty when its reader has left, which is no fault."""
        if self.lost is None or isinstance(self.lost, BrokenPipeError):
            return ""
        return f"stdout: {self.lost.strerror or self.lost}"


@contextmanager
def standard_output() -> Iterator[StandardOutput]:
    """`sys.stdout` as a `StandardOutput` until the block ends, also where input, output or errors are closed.

    A closed input is an empty one, a closed output is lost at the first word, and closed errors are told to nobody.
    """
    _open_what_is_closed()
    before = sys.stdin, sys.stdout, sys.stderr
    with ExitStack() as held:
        sys.stdin = sys.stdin or held.enter_context(open(os.devnull))
        sys.stderr = sys.stderr or held.enter_context(open(os.devnull, "w", errors="backslashreplace"))
        output = StandardOutput(sys.stdout or held.enter_context(open(os.open(os.devnull, os.O_RDONLY), "w")))
        # It is all that print and this program want of a TextIO, whose other half reads.
        sys.stdout = cast("TextIO", output)
        try:
            yield output
        finally:
            sys.stdin, sys.stdout, sys.stderr = before


def _open_what_is_closed() -> None:
    """Otherwise the first file that a command opens would become its standard output, and be written into."""
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            _point_at_nothing(descriptor, mode)


def _point_at_nothing(descriptor: int, mode: int) -> None:
    opened = os.open(os.devnull, mode)
    if opened == descriptor:
        os.set_inheritable(descriptor, True)  # as the standard ones are
        return
    os.dup2(opened, descriptor)
    os.close(opened)
