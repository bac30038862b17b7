"""Who hears what a station logs: a part of the program, and the system's log.

The screens are drawn on standard error, where else a line would go.
"""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import SysLogHandler
from pathlib import Path

LOCAL_LOG = Path("/dev/log")
"""The socket of the system's log (syslog(3)); systemd's journal files what comes there under the sender's unit."""

_SEVERITIES = SysLogHandler.priority_names
_LEVELS = SysLogHandler.priority_map


class _SystemLog(logging.Handler):
    """Sends each line as a datagram, and waits for nobody: a log that takes no lines must not stop the screens."""

    def __init__(self, address: Path) -> None:
        super().__init__(logging.WARNING)
        self._address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.setFormatter(logging.Formatter("kiosk: %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        severity = _SEVERITIES[_LEVELS[record.levelname]]
        line = f"<{SysLogHandler.LOG_DAEMON << 3 | severity}>{self.format(record)}"
        with suppress(OSError):
            self._socket.sendto(line.encode(), self._address)

    def close(self) -> None:
        self._socket.close()
        super().close()


@contextmanager
def heard_by(handler: logging.Handler) -> Iterator[None]:
    """While open, the handler is given every line of its level that our own packages log; then it is closed."""
    loggers = [logging.getLogger(name) for name in ("kiosk", "hw")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        # Left alone they tell nobody what is well, so that a device that came back would be missing for ever.
        logger.setLevel(min(logger.getEffectiveLevel(), handler.level))
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
        handler.close()


@contextmanager
def system_log(address: Path = LOCAL_LOG) -> Iterator[None]:
    """While open, warnings and worse go there too, whenever somebody listens there."""
    with heard_by(_SystemLog(address)):
        yield
