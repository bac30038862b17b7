"""A line to an application in this process: the same requests and answers as over HTTP, and no socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.httpx_line import HttpxLine

AsgiApplication = Callable[[Any, Any, Any], Awaitable[None]]


class AsgiLine(HttpxLine):
    """Carries requests to an ASGI application, which sees each on `runner`'s loop, or on a loop of its own.

    Only one thread at a time can use a line with a runner.
    """

    def __init__(self, application: AsgiApplication, runner: asyncio.Runner | None = None) -> None:
        self._served = httpx.ASGITransport(application)
        self._run: Callable[[Any], httpx.Response] = asyncio.run if runner is None else runner.run

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its answer."""
        return self._run(self._serve(request))

    async def _serve(self, request: httpx.Request) -> httpx.Response:
        response = await self._served.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())
