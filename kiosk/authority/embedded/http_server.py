"""HTTP by uvicorn: how a server ends, and how long it waits for a client."""

import asyncio
import gc
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
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
