"""The agency over HTTP: takes signed applications, and gives out the certificate of its own signature."""

import asyncio

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kiosk.authority.embedded.http_server import BodyRefused, read_body
from kiosk.eapply.agency import Agency
from kiosk.eapply.errors import SignatureUnreadable

LARGEST_SUBMISSION_BYTES = 1 << 24
MOST_AT_ONCE = 8
"""So many submissions are in memory; whoever comes besides waits before he is read."""

SIGNED_TYPE = "application/pkcs7-mime"
"""RFC 8551, 3.2: also of the acknowledgement, which encloses what it says."""


def application(agency: Agency, certificate: x509.Certificate) -> Starlette:
    """The ASGI application: POST /submissions, GET /agency.pem.

    202 says that the application has arrived, whatever the verdict in its acknowledgement is; 400 that it is no signed
    message of one signer, and that nothing is kept.
    """
    taking = asyncio.Semaphore(MOST_AT_ONCE)
    own = certificate.public_bytes(Encoding.PEM)

    async def submit(request: Request) -> Response:
        try:
            async with taking:
                body = await read_body(request.scope, request.receive, SIGNED_TYPE, LARGEST_SUBMISSION_BYTES)
                acknowledgement = await run_in_threadpool(agency.receive, body)
        except BodyRefused as refused:
            return PlainTextResponse(str(refused), refused.status)
        except SignatureUnreadable as error:
            return PlainTextResponse(f"{error}\n", 400)
        return Response(acknowledgement, 202, media_type=SIGNED_TYPE)

    async def show_certificate(_: Request) -> Response:
        return Response(own, media_type="application/x-pem-file")

    return Starlette(
        routes=[
            Route("/submissions", submit, methods=["POST"]),
            Route("/agency.pem", show_certificate, methods=["GET"]),
        ]
    )
