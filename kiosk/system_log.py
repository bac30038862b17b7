"""What a station logs, for the system's log: the screens have standard error, and the process its memory alone."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import SysLogHandler
from pathlib import Path

LOCAL_LOG = Path("/dev/log")
"""The socket of the system's log (syslog(3)); systemd's journal files what comes there under the sender's unit."""


class _Handler(SysLogHandler):
    def _connect_unixsocket(self, address: str) -> None:
        # A log that has stopped taking lines must not stop the screens.
        super()._connect_unixsocket(address)  # type: ignore[misc]  # not in the stubs
        self.socket.setblocking(False)  # type: ignore[attr-defined]

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: what the library would say of it would be painted over the screens."""


@contextmanager
def system_log(address: Path = LOCAL_LOG) -> Iterator[None]:
    """While open, warnings and worse of our own packages go there too, whenever somebody listens there."""
    handler = _Handler(str(address), SysLogHandler.LOG_DAEMON)
    handler.ident = "kiosk: "
    handler.append_nul = False
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in ("kiosk", "hw")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()
