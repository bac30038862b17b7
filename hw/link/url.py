"""From the url in a station's configuration to a link, by one explicit table."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from hw.link.faulty import FaultyLink
from hw.link.file import FileLink
from hw.link.injury import Injuries
from hw.link.link import Link
from hw.link.memory import Core, MemoryLink
from hw.link.reopening import ReopeningLink
from hw.link.rfc2217 import open_rfc2217
from hw.link.serial_port import SerialLine, open_serial
from hw.link.tcp import open_tcp

FORMS = "sim:, serial:///dev/..., tcp://HOST:PORT, rfc2217://HOST:PORT or file:///PATH"


def link_to(
    url: str,
    *,
    simulated: Callable[[], Core] | None = None,
    line: SerialLine | None = None,
    injuries: Injuries | None = None,
    connect_timeout_s: float = 5.0,
    monotonic: Callable[[], float] = time.monotonic,
) -> Link:
    """The link that `url` names; nothing is opened before the first write, and what is lost is opened anew by the next.

    `simulated` makes the core behind "sim:", `line` sets a serial line (default 9600 8N1), `injuries` befall the line,
    `connect_timeout_s` limits the wait for a TCP connection. Raises `ValueError` naming the url when it is none of the
    known forms, or when the device has no simulation.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port, path = parts.scheme, parts.hostname, parts.port, parts.path
    except ValueError as error:
        raise ValueError(f"{url!r} is not a link ({error}); expected {FORMS}") from error

    def reopening(opened: Callable[[], Link], *, is_one_way: bool = False) -> Link:
        # Injuries are counted over every opening, so that each happens once.
        make = opened if injuries is None else lambda: FaultyLink(opened(), injuries, monotonic=monotonic)
        return ReopeningLink(make, is_one_way=is_one_way)

    match scheme:
        case "sim" if url == "sim:":
            if simulated is None:
                raise ValueError(f"{url!r}: this device has no simulation")
            core = simulated
            return reopening(lambda: MemoryLink(core()))
        case "serial" if host is None and path.startswith("/"):
            return reopening(lambda: open_serial(path, line or SerialLine(), monotonic=monotonic))
        case "tcp" if host and port and path in ("", "/"):
            return reopening(lambda: open_tcp(host, port, connect_timeout_s, monotonic=monotonic))
        case "rfc2217" if host and port and path in ("", "/"):
            return reopening(lambda: open_rfc2217(host, port, line or SerialLine(), monotonic=monotonic))
        case "file" if host is None and path.startswith("/"):
            return reopening(lambda: FileLink(Path(path)), is_one_way=True)
        case _:
            raise ValueError(f"{url!r} is not a link; expected {FORMS}")
