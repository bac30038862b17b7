"""The authority over HTTP: CMP (RFC 9811), OCSP (RFC 6960, appendix A), CRLs and its own certificates."""

import base64
import binascii
import datetime
import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kiosk.authority.credential import Credential
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.directory import Clock, RandomBytes, open_authority
from kiosk.authority.embedded.gathering import Gathering
from kiosk.authority.embedded.generation import finish_rollover
from kiosk.authority.embedded.http_server import BodyRefused, configuration, listen, read_body, run, url_of
from kiosk.authority.embedded.registration import register
from kiosk.authority.embedded.requester import open_request
from kiosk.authority.embedded.responder import Responder
from kiosk.authority.embedded.shared_commit import CommitLost
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.embedded.worker_processes import keep_workers
from kiosk.journal.connection import DriverFailed

LARGEST_REQUEST = 1 << 18
CMP_TYPE = "application/pkixcmp"
OCSP_REQUEST_TYPE = "application/ocsp-request"

MOST_IN_A_COMMIT = 32
"""So many requests share one commit at most, lest the first of them wait for ever."""

_WELL_KNOWN = "/.well-known/cmp"
_CMP_PATHS = (_WELL_KNOWN, "/pkix", "/pkix/", "/")
"""Besides the operations that RFC 9811, 3.4 has behind the first."""

_CMP_OPERATIONS = (
    *("initialization", "certification", "keyupdate", "pkcs10", "revocation", "getcacerts", "getrootupdate"),
    *("getcertreqtemplate", "getcrls", "nested"),
)
"""What is registered for HTTP among IANA's "CMP Well-Known URI Path Segments"; the message says itself what it asks."""

_UPKEEP_S = 3600
_UPKEEPS_A_REMINDER = 24
_REMINDED_BEFORE = datetime.timedelta(days=30)

_log = logging.getLogger(__name__)

_WILDCARDS = {"", "0.0.0.0", "::"}  # noqa: S104  # recognised, not bound
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class PlainRefused(ValueError):
    """A production authority takes requests in plain HTTP from its own computer only."""


def application(authority: Authority, *, is_status_only: bool = False) -> ASGIApp:
    """The ASGI application that serves this authority, or only what relying parties ask it."""
    responder, status = Responder(authority), StatusService(authority)
    is_slow = authority.store.is_shared
    gathering = Gathering(responder.respond_all, lambda: authority.store.commit_s / 2, MOST_IN_A_COMMIT)
    own = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in authority.generations)

    async def cmp(request: Request) -> Response:
        try:
            body = await read_body(request.scope, request.receive, CMP_TYPE, LARGEST_REQUEST)
        except BodyRefused as refused:
            return PlainTextResponse(str(refused), refused.status)
        if is_slow:
            # Its server gathers commits itself, from as many threads as come.
            return Response(await run_in_threadpool(responder.respond, body), media_type=CMP_TYPE)
        # What needs no books is done here, also while the thread waits for the disk.
        return Response(await gathering.answer(open_request(body)), media_type=CMP_TYPE)

    async def ocsp_post(request: Request) -> Response:
        try:
            body = await read_body(request.scope, request.receive, OCSP_REQUEST_TYPE, LARGEST_REQUEST)
        except BodyRefused as refused:
            return PlainTextResponse(str(refused), refused.status)
        return await ocsp(body)

    async def ocsp_get(request: Request) -> Response:
        try:
            # A "+" or "/" of the base64 may arrive bare; both survive the path.
            query = base64.b64decode(request.path_params["request"], validate=True)
        except binascii.Error:
            return PlainTextResponse("not base64\n", 400)
        return await ocsp(query)

    async def ocsp(query: bytes) -> Response:
        # A file is read faster than a thread takes over; a server over the network may keep everybody else waiting.
        answer = status.kept(query) if is_slow or status.is_for_registered else status.ocsp(query)
        if answer is None:
            answer = await run_in_threadpool(status.ocsp, query)
        caching = "no-cache" if answer.is_final else "no-store"
        return Response(answer.der, media_type="application/ocsp-response", headers={"Cache-Control": caching})

    async def crl(request: Request) -> Response:
        if status.is_for_registered:
            return PlainTextResponse("CRLs are told to registered relying parties, by CMP (RFC 9483, 4.3.4)\n", 403)
        der = await run_in_threadpool(status.crl, request.path_params["name"])
        if der is None:
            return PlainTextResponse("no such CRL\n", 404)
        return Response(der, media_type="application/pkix-crl", headers={"Cache-Control": "no-cache"})

    async def ca(_: Request) -> Response:
        return Response(own, media_type="application/pem-certificate-chain")

    requests = [
        *(Route(path, cmp, methods=["POST"]) for path in _CMP_PATHS),
        *(Route(f"{_WELL_KNOWN}/{operation}", cmp, methods=["POST"]) for operation in _CMP_OPERATIONS),
        # Behind "p" comes the name of an authority or a profile, of which there is one here whatever it is called.
        Route(_WELL_KNOWN + "/p/{name}", cmp, methods=["POST"]),
        *(Route(f"{_WELL_KNOWN}/p/{{name}}/{operation}", cmp, methods=["POST"]) for operation in _CMP_OPERATIONS),
    ]
    routed = Starlette(
        routes=[
            *([] if is_status_only else requests),
            Route("/ocsp", ocsp_post, methods=["POST"]),
            Route("/ocsp/{request:path}", ocsp_get, methods=["GET"]),
            Route("/crl/{name}.crl", crl, methods=["GET"]),
            Route("/ca.pem", ca, methods=["GET"]),
        ]
    )
    # What is asked for a thousand times a second goes past the routes, which cost as much as an answer's protection.
    direct = {"/ocsp": ocsp_post} | ({} if is_status_only else dict.fromkeys(_CMP_PATHS, cmp))

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        asked = direct.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if asked is None:
            path = str(scope.get("path", ""))
            # A redirection to the same without its slash would be lost on clients of CMP, which follow none.
            bare = {"path": path.rstrip("/")} if path.startswith(_WELL_KNOWN) else {}
            await routed({**scope, **bare}, receive, send)
        else:
            await (await asked(Request(scope, receive)))(scope, receive, send)

    return respond


def serve(
    directory: Path,
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    clock: Clock,
    random_bytes: RandomBytes = os.urandom,
    workers: int = 1,
    passphrase: bytes | None = None,
    has_tls: bool = False,
    is_status_only: bool = False,
    stop_at_eof_of: int | None = None,
    tell: Callable[[str], None] = _log.warning,
) -> None:
    """Serves until SIGTERM or SIGINT, then ends cleanly; port 0 takes any free port.

    With `has_tls` only who shows a certificate of this authority is heard (RFC 9811, 5); `is_status_only` leaves
    requests to another server, and serves OCSP, CRLs and the authority's certificates. `ready` is called once with the
    URL when requests are answered. `stop_at_eof_of`: a file descriptor whose end of file stops the server too. `tell`
    hears of each worker that is lost and replaced. Raises `OSError` when the address cannot be had, `PlainRefused`,
    `WorkersLost`, and what `open_authority` raises.
    """
    with listen(host, port) as listening:
        port = listening.getsockname()[1]
        scheme = "https" if has_tls else "http"
        public = url_of(scheme, _public_name(host), port)
        authority = open_authority(directory, clock, random_bytes, public, passphrase)
        if not (authority.is_training or has_tls or is_status_only or host in _LOOPBACK):
            raise PlainRefused("a production authority takes requests over TLS: --tls; --status-only does without")
        if finish_rollover(directory, authority):
            tell(f"generation {authority.generation}: its rollover was interrupted, and is finished now")
        # A connection to the books must not be shared across a fork.
        authority.store.close()
        with _tls(authority, _public_name(host), directory / "ca.pem", has_tls) as (tls, certificate):
            upkeep = Upkeep(authority, certificate)
            served = application(authority, is_status_only=is_status_only)
            config = configuration(served, **tls, callback_notify=upkeep, timeout_notify=_UPKEEP_S)
            url = url_of(scheme, host, port)
            if workers == 1:
                run(config, listening, lambda: ready(url), stop_at_eof_of)
                return

            def work(answers: Callable[[], None], alive: int) -> None:
                run(config, listening, answers, alive)

            keep_workers(workers, work, lambda: ready(url), stop_at_eof_of, tell)


@contextmanager
def _tls(
    authority: Authority, host: str, trust: Path, has_tls: bool
) -> Iterator[tuple[dict[str, Any], x509.Certificate | None]]:
    """Uvicorn's settings for TLS with a certificate made now, whose key never lies on a disk; none without TLS."""
    if not has_tls:
        yield {}, None
        return
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.profiles.tls_server(host, key.public_key(), authority.new_serial(), authority.now())
    with authority.store.write(authority.now()) as books:
        register(books, certificate, "tls", authority.generation)
    authority.store.close()
    # The ssl module reads a key from files only; this one is in memory and has no name.
    descriptor = os.memfd_create("tls", 0)
    try:
        # Stations of before a rollover trust an older generation alone.
        os.write(descriptor, Credential(key, certificate, authority.forward_links).encode())
        settings = {
            "ssl_certfile": f"/proc/self/fd/{descriptor}",
            "ssl_ca_certs": str(trust),
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
        yield settings, certificate
    finally:
        os.close(descriptor)


class Upkeep:
    """What a server does every hour: enters what has lapsed. Each day it looks whether its certificate ends soon."""

    def __init__(self, authority: Authority, certificate: x509.Certificate | None) -> None:
        self._authority = authority
        self._certificate = certificate
        self._until_reminder = 0

    async def __call__(self) -> None:
        """Called by uvicorn, first as soon as it answers."""
        await run_in_threadpool(self._enter_lapses)
        if self._certificate is not None and not self._until_reminder:
            self._remind(self._certificate.not_valid_after_utc)
        self._until_reminder = (self._until_reminder or _UPKEEPS_A_REMINDER) - 1

    def _enter_lapses(self) -> None:
        try:
            with self._authority.store.write(self._authority.now()) as books:
                books.enter_lapses()
        except (CommitLost, DriverFailed) as error:
            # Whoever looks at them sees them revoked all the same; the next hour enters them.
            _log.warning("what was not confirmed in time could not be entered: %s", error)

    def _remind(self, end: datetime.datetime) -> None:
        """Says in the log that the server has to be started anew, which makes it another certificate."""
        if end - self._authority.now() < _REMINDED_BEFORE:
            _log.warning("the server's certificate of TLS ends at %s: start it anew before", end.isoformat())


def _public_name(host: str) -> str:
    return socket.gethostname() if host in _WILDCARDS else host
