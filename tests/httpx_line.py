"""Lines to an authority in this process: a request as httpx writes it, and its answer, or the error of a broken way."""

from collections.abc import Callable

import httpx

from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityUnreachable
from kiosk.authority.http import media_type


class HttpxLine(httpx.BaseTransport):
    """Carries what the client posts to `handle_request`, whose errors say what is known as a real way's would."""

    def post(self, url: str, content_type: str, body: bytes, timeout_s: float) -> tuple[int, str, bytes]:
        """As `kiosk.authority.http.post`."""
        request = httpx.Request("POST", url, headers={"Content-Type": content_type}, content=body)
        try:
            with httpx.Client(transport=self, trust_env=False) as client:
                answer = client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise AuthorityUnreachable(f"{url}: {error}") from error
        except httpx.HTTPError as error:
            raise AuthorityOutcomeUnknown(f"{url}: {type(error).__name__} {error}") from error
        return answer.status_code, media_type(answer.headers.get("Content-Type", "")), answer.content

    def close(self) -> None:
        """Nothing: every request has a client of its own, which closes its transport; the line stays."""


class HandlerLine(HttpxLine):
    """A line whose other end is a function."""

    def __init__(self, handle: Callable[[httpx.Request], httpx.Response]) -> None:
        self._handle = handle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """What the function answers."""
        return self._handle(request)
