"""The line to the authority: HTTP to its real application in this process, and the ends its process can come to."""

import sqlite3
from collections.abc import Callable

import httpx

from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.server import application
from tests.asgi_line import AsgiLine
from tests.crash.boundary import Kind, Outage, Point
from tests.crash.office import Office
from tests.crash.watch import GetPassage
from tests.httpx_line import HttpxLine


class AuthorityDied(BaseException):
    """The authority's process ends here."""


class AuthorityLine(HttpxLine):
    """Carries requests to the authority's process; `start` begins a new one.

    It is also the `CommitWatch` of the authority's books.
    """

    def __init__(self, office: Office, passage: GetPassage, start: Callable[[], Authority]) -> None:
        self._office = office
        self._passage = passage
        self._start = start
        self._request: tuple[Point, str] | None = None
        self._commits = 0
        self._outage: Outage | None = None
        self._is_down = False
        self._authority: Authority | None = None

    def restore(self) -> None:
        """Somebody starts the authority again, if it is down."""
        self._is_down = False

    def replace_process(self) -> None:
        """The authority's process ends, if there is one, and another one begins on its books."""
        self.end()
        self._authority = self._start()
        self._served = AsgiLine(application(self._authority), self._office.runner)

    def end(self) -> None:
        """The authority's process ends."""
        if self._authority is not None:
            self._authority.store.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its answer, or the `httpx` error that a lost authority makes."""
        label = request.url.path
        point = self._passage().enter(Kind.AUTHORITY, label)
        fault = self._passage().fault(point)
        self._outage = fault.outage if fault else None
        if self._is_down or self._outage is Outage.REFUSED:
            self._is_down = self._is_down or (fault is not None and fault.stays_down)
            raise httpx.ConnectError("nobody listens", request=request)
        self._request, self._commits = (point, label), 0
        try:
            response = self._served.handle_request(request)
        except AuthorityDied:
            response = None
        finally:
            self._request = None
        if fault is not None:
            self.replace_process()
            self._is_down = fault.stays_down
        if fault is not None or response is None:
            raise httpx.RemoteProtocolError("the server disconnected without an answer", request=request)
        self._passage().leave(point, label)
        return response

    def enter(self, connection: sqlite3.Connection) -> None:
        """The authority is about to commit; its process can end here, alone or with the terminal's."""
        if self._request is None:
            return
        if self._outage is Outage.UNDONE:
            raise AuthorityDied
        self._commits += 1
        self._passage().within(self._request[0], self._commits, self._request[1])

    def leave(self, connection: sqlite3.Connection) -> None:
        """It has committed; the answer leaves next, and a death in between is one after it."""
