"""POST to the authority over HTTP (RFC 9811); the only module that knows httpx, imported when first used."""

import os
import ssl
import sys
import time
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority import oids
from kiosk.authority.credential import Credential
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityUnreachable, UrlRefused
from kiosk.authority.verification import asserted_policies

if TYPE_CHECKING:
    import httpx

    Transport = httpx.BaseTransport

_LARGEST_ANSWER = 1 << 20
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Endpoint:
    """One authority's address. Over TLS it believes `trust` only, and shows the credential's certificate."""

    def __init__(
        self, url: str, credential: Credential, trust: tuple[x509.Certificate, ...], transport: "Transport | None"
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UrlRefused(f"{url!r} is no http or https URL")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not _is_for_training(trust):
            raise UrlRefused(f"{url}: plain HTTP is for training and for this computer; elsewhere it must be https")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self.path = "" if parts.path == "/" else parts.path
        self._tls = parts.scheme == "https" and _tls_context(credential, trust)
        self._transport = transport

    def post(self, path: str, content_type: str, body: bytes, timeout_s: float) -> tuple[int, str, bytes]:
        """HTTP status, media type and body of the answer; each call has a connection of its own.

        Raises `AuthorityUnreachable` when nothing was sent, `AuthorityOutcomeUnknown` when no whole answer came.
        """
        return post(self._origin + path, content_type, body, timeout_s, tls=self._tls, transport=self._transport)


def post(
    url: str,
    content_type: str,
    body: bytes,
    timeout_s: float,
    *,
    tls: ssl.SSLContext | bool = True,
    transport: "Transport | None" = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[int, str, bytes]:
    """HTTP status, media type and body of the answer, over a connection of its own.

    Raises `AuthorityUnreachable` when nothing was sent, `AuthorityOutcomeUnknown` when no whole answer came.
    """
    if "httpx" not in sys.modules:
        _import_without_command_line()
    import httpx

    deadline = monotonic() + timeout_s
    try:
        request = httpx.Request("POST", url, headers={"Content-Type": content_type}, content=body)
        request.extensions["timeout"] = httpx.Timeout(timeout_s).as_dict()
        with httpx.Client(transport=transport, verify=tls, trust_env=False) as client:
            response = client.send(request, stream=True)
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _LARGEST_ANSWER:
                    raise AuthorityOutcomeUnknown("the authority's answer does not end")
                if monotonic() > deadline:
                    raise AuthorityOutcomeUnknown("the authority's answer did not come in time")
            return response.status_code, _media_type(response), bytes(content)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise AuthorityUnreachable(f"{url}: {error}") from error
    except httpx.HTTPError as error:
        raise AuthorityOutcomeUnknown(f"{url}: {type(error).__name__} {error}") from error


def _import_without_command_line() -> None:
    """Imports httpx as where its optional command line is not installed.

    It loads that whenever Click, Rich and Pygments are there: 2.5 MB of a process that never runs it. A module that is
    None in `sys.modules` cannot be found (Python language reference, 5.3.1).
    """
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    modules["httpx._main"] = None
    try:
        import_module("httpx")
    finally:
        modules.pop("httpx._main", None)


def _media_type(response: "httpx.Response") -> str:
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def _is_for_training(trust: tuple[x509.Certificate, ...]) -> bool:
    return any(asserted_policies(certificate) & oids.TRAINING_POLICIES for certificate in trust)


def _tls_context(credential: Credential, trust: tuple[x509.Certificate, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata="".join(c.public_bytes(Encoding.PEM).decode() for c in trust))
    # The ssl module reads a key from files only; this one is in memory and has no name.
    descriptor = os.memfd_create("credential", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, credential.encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context
