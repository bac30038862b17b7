"""What the program logged, kept over restarts: a small file of the data directory, and its newest lines for a screen.

It has what the system's log has, and what was well besides: codes, devices and causes, never a person nor a number.
"""

import datetime
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from kiosk.clock import JAPAN
from kiosk.system_log import heard_by

LOG_NAME = "log.txt"
OLDER_LOG_NAME = f"{LOG_NAME}.1"
"""Beside it: what it held before it was full."""
_LARGEST_BYTES = 256 * 1024
_OPENED = "the station is opened"
_CLOSED = "the station is closed"
_NOT_CLEANLY = f"{_CLOSED}, but not cleanly"
_BEGINS_A_LINE = re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ ")

_log = logging.getLogger(__name__)


class _LogEar(logging.Handler):
    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(_formatter())
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(self.format(record))


class _LogFile(RotatingFileHandler):
    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_LARGEST_BYTES, backupCount=1, encoding="utf-8", delay=True)
        self.setLevel(logging.INFO)
        self.setFormatter(_formatter())

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=_private)

    def handleError(self, record: logging.LogRecord) -> None:
        """A disk that is full stops nothing, and nothing is told on standard error, where the screens are drawn."""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _formatter() -> logging.Formatter:
    formatter = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%m-%d %H:%M:%S")
    # As every other time on these screens, wherever the computer believes to be.
    formatter.converter = lambda seconds: datetime.datetime.fromtimestamp(seconds or 0, JAPAN).timetuple()
    return formatter


@contextmanager
def keeping_log(data: Path, newest: deque[str]) -> Iterator[None]:
    """While open, everything our packages log is kept in the data directory and in `newest`, behind what was there.

    A run that did not come to its end is told by the next one; one that ended in an exception says so itself. Only who
    holds the data directory opens this.
    """
    path = data / LOG_NAME
    newest.extend(_kept(path, newest.maxlen))
    was_cut_off = bool(newest) and not _is_end(newest[-1])
    with heard_by(_LogEar(newest.append)), heard_by(_LogFile(path)):
        if was_cut_off:
            _log.warning("the run before was not closed: the program or the computer stopped in the middle of it")
        try:
            yield
        except Exception as error:
            # By its kind alone: a text may quote anything.
            _log.error("%s: %s", _NOT_CLEANLY, type(error).__name__)
            raise
        _log.info(_CLOSED)


def log_opened() -> None:
    """Tells the log that the station can be worked with: everything it needs is open."""
    _log.info(_OPENED)


def _is_end(entry: str) -> bool:
    told = entry.partition(f" {__name__}: ")[2]
    return told == _CLOSED or told.startswith(_NOT_CLEANLY)


def _kept(path: Path, count: int | None) -> deque[str]:
    """The newest entries of former runs, oldest first; one of several lines, such as a traceback, is one entry."""
    entries: deque[str] = deque(maxlen=count)
    for part in (path.with_name(OLDER_LOG_NAME), path):
        # Nothing is kept yet, or cannot be read any more: the station works all the same.
        with suppress(OSError):
            text = part.read_text("utf-8", "replace")
            for line in text.removesuffix("\n").split("\n") if text else ():
                if entries and not _BEGINS_A_LINE.match(line):
                    entries[-1] += f"\n{line}"
                else:
                    entries.append(line)
    return entries
