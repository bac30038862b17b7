"""Clients that take their time: each loses its connection, and nobody else waits for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from authority_desk import Desk
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from kiosk.authority.embedded.http_server import Connection, configuration
from kiosk.authority.embedded.server import Upkeep, _tls, application

LIMIT_S = 30
HEAD = b"POST /pkix HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkixcmp\r\nContent-Length: 1000\r\n\r\n"
QUESTION = b"GET /ca.pem HTTP/1.1\r\nHost: x\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[tuple[Callable[[], Awaitable[Streams]], asyncio.Queue[None]]]:
    """How to connect to an impatient server of this application, and what tells each connection that it has lost."""
    config = configuration(app)
    config.load()
    config.timeout_keep_alive = 1
    state, lost = ServerState(), asyncio.Queue[None]()
    assert config.http_protocol_class is Connection and config.limit_concurrency

    class Impatient(Connection):
        request_s = 0.3
        answer_s = 0.3

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.put_nowait(None)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Impatient(config, state, {}), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield lambda: asyncio.open_connection("127.0.0.1", port), lost


async def drip(writer: asyncio.StreamWriter, start: bytes) -> None:
    """Sends a beginning, and an octet now and then for as long as the other side listens."""
    writer.write(start)
    try:
        while True:
            await asyncio.sleep(0.05)
            writer.write(b"x")
            await writer.drain()
    except ConnectionError:
        return


SLOW = {
    "nothing": b"",
    "half a head": b"POST /pkix HTTP/1.1\r\nHost: ",
    "half a body": HEAD,
    "a question, then half a head": QUESTION + b"GET /",
    "what is refused before its body": HEAD.replace(b"pkixcmp", b"pdf"),
}


@pytest.mark.parametrize("is_dripping", [False, True])
@pytest.mark.parametrize("name", SLOW)
def test_a_request_that_does_not_become_whole_ends_its_connection(desk: Desk, name: str, is_dripping: bool) -> None:
    async def be_slow() -> None:
        async with served(application(desk.authority)) as (connect, _), asyncio.timeout(LIMIT_S):
            reader, writer = await connect()
            dripping = asyncio.create_task(drip(writer, SLOW[name])) if is_dripping else None
            if not is_dripping:
                writer.write(SLOW[name])
            try:
                while await reader.read(1 << 16):
                    pass
            except ConnectionResetError:
                pass
            if dripping:
                dripping.cancel()
            writer.close()

    asyncio.run(be_slow())


def test_a_client_may_go_on_over_one_connection_for_as_long_as_it_asks(desk: Desk) -> None:
    async def ask() -> None:
        async with served(application(desk.authority)) as (connect, _), asyncio.timeout(LIMIT_S):
            reader, writer = await connect()
            for _ in range(8):
                await asyncio.sleep(0.1)
                writer.write(QUESTION)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200")
                (length,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
                await reader.readexactly(int(length.partition(b":")[2]))
            writer.close()

    asyncio.run(ask())


def test_a_server_whose_certificate_ends_soon_says_so(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with _tls(desk.authority, "localhost", desk.directory / "ca.pem", has_tls=True) as (_, certificate):
        upkeep = Upkeep(desk.authority, certificate)
        for days, warnings in ((367, 0), (2, 1)):
            desk.clock.advance(days=days)
            for _ in range(24):
                asyncio.run(upkeep())
            assert len(caplog.records) == warnings, "once a day"
    assert "start it anew" in caplog.text


def test_an_answer_that_nobody_takes_is_dropped() -> None:
    async def long(_: Request) -> Response:
        return Response(bytes(1 << 25))

    async def ask() -> None:
        app = Starlette(routes=[Route("/", long)])
        async with served(app) as (connect, lost), asyncio.timeout(LIMIT_S):
            # A stream that nobody reads is read no further than to its limit.
            _, writer = await connect()
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await lost.get()
            writer.close()

    asyncio.run(ask())


def test_http_1_0_goes_on_when_asked_to(desk: Desk) -> None:
    """RFC 9811, 3.2: a client of HTTP/1.0 says that it wants to, and is told."""

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: bytes) -> bytes:
        writer.write(b"GET /ca.pem HTTP/1.0\r\n" + connection + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        return head

    async def run() -> None:
        async with served(application(desk.authority)) as (connect, _):
            reader, writer = await connect()
            for _ in range(2):
                assert b"connection: keep-alive" in await ask(reader, writer, b"Connection: keep-alive\r\n")
            assert b"connection: close" in await ask(reader, writer, b"")
            assert await reader.read() == b""
            writer.close()

    asyncio.run(asyncio.wait_for(run(), LIMIT_S))
