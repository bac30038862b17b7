"""A link over a TCP connection, such as port 9100 of a network printer."""

import socket
import time
from collections.abc import Callable

from hw.errors import NotSent
from hw.link.descriptor import DescriptorLink


def open_tcp(
    host: str, port: int, timeout_s: float, *, monotonic: Callable[[], float] = time.monotonic
) -> DescriptorLink:
    """Connects to `host`:`port` within `timeout_s`. Raises `NotSent` when nobody answers there."""
    url = f"tcp://{host}:{port}"
    try:
        connection = socket.create_connection((host, port), timeout_s)
    except OSError as error:
        raise NotSent(f"cannot open {url}: {error}") from error
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A printer that lost its power sends no FIN; without probes the loss would show only at the next write.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return DescriptorLink(connection.fileno(), url, connection.close, monotonic=monotonic)
