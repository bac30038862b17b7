"""POST to the authority over HTTP (RFC 9811): a connection of its own and one deadline for every request."""

import http.client
import io
import os
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority import oids
from kiosk.authority.credential import Credential
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityUnreachable, UrlRefused
from kiosk.authority.verification import asserted_policies

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_LARGEST_ANSWER = 1 << 20
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Line(Protocol):
    """What carries requests to an authority: `post` below, or what joins client and server in one process."""

    def post(self, url: str, content_type: str, body: bytes, timeout_s: float) -> tuple[int, str, bytes]:
        """As `post` below."""


class Endpoint:
    """One authority's address. Over TLS it believes `trust` only, and shows the credential's certificate."""

    def __init__(
        self, url: str, credential: Credential, trust: tuple[x509.Certificate, ...], line: Line | None
    ) -> None:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise UrlRefused("a URL with a name or a password: the station shows its certificate")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UrlRefused(f"{url!r} is no http or https URL")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not _is_for_training(trust):
            raise UrlRefused(f"{url}: plain HTTP is for training and for this computer; elsewhere it must be https")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self.path = "" if parts.path == "/" else parts.path
        self._tls = _tls_context(credential, trust) if parts.scheme == "https" else None
        self._line = line

    def post(self, path: str, content_type: str, body: bytes, timeout_s: float) -> tuple[int, str, bytes]:
        """HTTP status, media type and body of the answer; each call has a connection of its own.

        Raises `AuthorityUnreachable` when nothing was sent, `AuthorityOutcomeUnknown` when no whole answer came.
        """
        url = self._origin + path
        if self._line is not None:
            return self._line.post(url, content_type, body, timeout_s)
        return post(url, content_type, body, timeout_s, tls=self._tls)


def post(
    url: str,
    content_type: str,
    body: bytes,
    timeout_s: float,
    *,
    tls: ssl.SSLContext | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[int, str, bytes]:
    """HTTP status, media type and body of the answer; https without `tls` believes whom the system believes.

    Redirects are not followed, and no proxy is asked. Raises `AuthorityUnreachable` when nothing was sent,
    `AuthorityOutcomeUnknown` when no whole answer came.
    """
    deadline_s = monotonic() + timeout_s

    def left_s() -> float:
        left = deadline_s - monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left

    try:
        way = _way_of(url)
        connected = _connected(way, left_s, tls)
    except (OSError, ValueError) as error:
        raise AuthorityUnreachable(f"{url}: {error}") from error
    connection = http.client.HTTPConnection(way.host)
    with closing(connected):
        try:
            connection.sock = cast(socket.socket, _BoundedSocket(connected, left_s))
            # Who has answered already need not have taken everything.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request("POST", way.target, body, {"Host": way.named, "Content-Type": content_type})
            answer = connection.getresponse()
            content = answer.read(_LARGEST_ANSWER + 1)
        except TimeoutError as error:
            raise AuthorityOutcomeUnknown("the authority's answer did not come in time") from error
        except (OSError, http.client.HTTPException) as error:
            raise AuthorityOutcomeUnknown(f"{url}: {type(error).__name__} {error}") from error
    if len(content) > _LARGEST_ANSWER:
        raise AuthorityOutcomeUnknown("the authority's answer does not end")
    if answer.length:
        raise AuthorityOutcomeUnknown(f"{url}: {answer.length} bytes of the answer are missing")
    return answer.status, media_type(answer.getheader("Content-Type", "")), content


@dataclass(frozen=True)
class _Way:
    """Where an http or https URL leads, and what is asked for there."""

    host: str
    port: int
    is_tls: bool
    named: str
    """The header Host."""
    target: str


_PORTS = {"http": 80, "https": 443}
_KEPT = "!#$%&'()*+,/:;=?@[]~"
"""What `quote` leaves as it is: whatever a URL may consist of (RFC 3986, 2.2)."""


def _way_of(url: str) -> _Way:
    """Raises `ValueError`, also for a host that can have no name (`UnicodeError`)."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("no http or https URL")
    host = parts.hostname.encode("idna").decode("ascii")
    port = "" if parts.port is None else f":{parts.port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Way(
        host,
        parts.port or _PORTS[parts.scheme],
        parts.scheme == "https",
        (f"[{host}]" if ":" in host else host) + port,
        quote(target, safe=_KEPT),
    )


def _connected(way: _Way, left_s: Callable[[], float], tls: ssl.SSLContext | None) -> socket.socket:
    """A connection to the first of the host's addresses that takes one. Raises `OSError`.

    Only how long the system looks for the addresses is up to its resolver (resolv.conf(5)).
    """
    failed: OSError = ConnectionError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(way.host, way.port, type=socket.SOCK_STREAM):
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(left_s())
            connected.connect(address)
            # Head and body are sent one after the other; the body must not wait for the head to be acknowledged.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not way.is_tls:
                return connected
            connected.settimeout(left_s())
            return (tls or ssl.create_default_context()).wrap_socket(connected, server_hostname=way.host)
        except OSError as error:
            connected.close()
            failed = error
    raise failed


class _BoundedSocket:
    """A socket as `http.client` uses one; it waits no longer than what is left of the one deadline.

    A socket's own time-out begins anew with every byte that drips in.
    """

    def __init__(self, connected: socket.socket, left_s: Callable[[], float]) -> None:
        self._connected = connected
        self._left_s = left_s

    def sendall(self, data: "ReadableBuffer") -> None:
        """Sends everything. Raises `TimeoutError`."""
        self._connected.settimeout(self._left_s())
        self._connected.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What comes, as a file."""
        return io.BufferedReader(_Received(self._connected, self._left_s))

    def close(self) -> None:
        """Nothing: `http.client` closes before the body is read, and whoever opened the connection closes it."""


class _Received(io.RawIOBase):
    def __init__(self, connected: socket.socket, left_s: Callable[[], float]) -> None:
        self._connected = connected
        self._left_s = left_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._connected.settimeout(self._left_s())
        return self._connected.recv_into(buffer)


def media_type(header: str) -> str:
    """The media type that a header Content-Type names, without its parameters."""
    return header.partition(";")[0].strip().lower()


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
