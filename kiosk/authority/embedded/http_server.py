"""HTTP by uvicorn: where a server listens and how it ends, how long it waits for a client, what it takes from one."""

import asyncio
import gc
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S = 10.0
"""A request is here as a whole after this time, its head and its body, or it is no more waited for."""

ANSWER_S = 120.0
"""What of an answer has not been taken after this time is dropped."""

MOST_CONNECTIONS = 512
"""So many at a time; whoever comes after them is told 503. Half of the descriptors that a process usually has."""

_GRACE_S = 2
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""What ASGI hands to an application."""


class Connection(HttpToolsProtocol):
    """uvicorn's, which by itself limits only how long a connection may be idle between two requests."""

    request_s = REQUEST_S
    answer_s = ANSWER_S
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._waiting = self.loop.call_later(self.request_s, self._give_up)

    def on_headers_complete(self) -> None:
        """The head of a request is here."""
        super().on_headers_complete()
        # RFC 9811, 3.2: persistent connections in HTTP/1.0 too, whose clients ask for that and have to be told.
        if self.parser.get_http_version() == "1.0" and self.parser.should_keep_alive():
            self.cycle.keep_alive = True
            self.cycle.default_headers = [*self.cycle.default_headers, (b"connection", b"keep-alive")]

    def data_received(self, data: bytes) -> None:
        """Some more of a request."""
        super().data_received(data)
        if self._has_whole_request():
            self._stop_waiting()
        elif self._waiting is None and not self.transport.is_closing():
            self._waiting = self.loop.call_later(self.request_s, self._give_up)

    def on_response_complete(self) -> None:
        """An answer was handed to the transport, which keeps what the client has not taken yet."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.answer_s, self._drop_untaken)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _has_whole_request(self) -> bool:
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.close()

    def _drop_untaken(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()


def url_of(scheme: str, host: str, port: int) -> str:
    """The URL of a server; `host` may be an address of IPv6."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """Where clients come to, to be closed by the caller; port 0 takes any free one. Raises `OSError`."""
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Accepted connections inherit it. asyncio sets it for sockets that say they are TCP, and this one does not;
    # each answer after the first of a connection would wait 40 ms for the other side's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class BodyRefused(ValueError):
    """A request's body is not taken: `status` is of HTTP, the text the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


async def read_body(scope: Scope, receive: Receive, media_type: str, most_bytes: int) -> bytes:
    """A request's body, by the messages of ASGI. Raises `BodyRefused`."""
    told = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if told.partition(b";")[0].strip().lower() != media_type.encode():
        raise BodyRefused(415, f"{media_type} is spoken here\n")
    body, is_whole = bytearray(), False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Gone, or waited for long enough: nobody hears this.
            raise BodyRefused(408, "not a whole request\n")
        body += message.get("body", b"")
        is_whole = not message.get("more_body", False)
        if len(body) > most_bytes:
            raise BodyRefused(413, "too large\n")
    return bytes(body)


def configuration(served: Callable[..., Any], **tls: Any) -> uvicorn.Config:
    """How an ASGI application is served, with uvicorn's settings for TLS where it has that."""
    return uvicorn.Config(
        served,
        http=Connection,
        limit_concurrency=MOST_CONNECTIONS,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        # Nobody is asked or told where a request came from, and no header says so.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
        **tls,
    )


class _Server(uvicorn.Server):
    """Uvicorn, telling when it answers, and ending with exit code 0 on SIGTERM."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Uvicorn's own raises the signal once more after it has shut down, which would end us by that signal.
        def stop(_number: int, _frame: FrameType | None) -> None:
            self.should_exit = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run(
    config: uvicorn.Config, listening: socket.socket, ready: Callable[[], None], stop_at_eof_of: int | None
) -> None:
    """Serves until SIGTERM or SIGINT, or until that file descriptor's end; `ready` is called once when it answers."""
    server = _Server(config, ready)
    if stop_at_eof_of is not None:
        descriptor = stop_at_eof_of

        def watch() -> None:
            while os.read(descriptor, 4096):
                pass
            server.should_exit = True

        threading.Thread(target=watch, daemon=True).start()
    # Requests leave hardly any garbage that counting references does not find; to look through all objects for the
    # rest, every few hundred that are made, takes a tenth of the processor.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    server.run(sockets=[listening])
