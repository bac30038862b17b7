"""Where the authority is reached, over what, and what is known when the way to it breaks."""

import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

import httpx
import pytest
from authority_desk import START, URL, Desk
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import Credential
from kiosk.authority.errors import (
    AuthorityOutcomeUnknown,
    AuthorityUnreachable,
    UrlRefused,
)
from kiosk.authority.http import _way_of, post
from tests.httpx_line import HandlerLine


def test_an_authority_that_does_not_listen_is_unreachable(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    client = AuthorityClient(url, desk.station, (desk.issuer,), clock=desk.clock)
    with pytest.raises(AuthorityUnreachable):
        client.certify(desk.message().der)
    with pytest.raises(AuthorityUnreachable):
        client.status(desk.issuer_der, desk.issuer_der)


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"])
def test_an_authority_that_hangs_up_leaves_the_outcome_unknown(desk: Desk, says: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(says)

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        client = AuthorityClient(url, desk.station, (desk.issuer,), clock=desk.clock)
        with pytest.raises(AuthorityOutcomeUnknown):
            client.certify(desk.message().der)
        thread.join()


def test_an_authority_that_never_answers_leaves_the_outcome_unknown(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        client = AuthorityClient(url, desk.station, (desk.issuer,), clock=desk.clock, timeout_s=0.2)
        with pytest.raises(AuthorityOutcomeUnknown):
            client.certify(desk.message().der)


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_an_answer_that_drips_is_cut_off(desk: Desk, begun: bytes) -> None:
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(begun)
                while not enough.wait(0.02):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        client = AuthorityClient(url, desk.station, (desk.issuer,), clock=desk.clock, timeout_s=0.3)
        try:
            with pytest.raises(AuthorityOutcomeUnknown, match="in time"):
                client.certify(desk.message().der)
        finally:
            enough.set()
            thread.join()


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes((1 << 20) + 1), "does not end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12", "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123", "6 bytes of the answer are missing"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "LineTooLong"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "BadStatusLine"),
    ],
)
def test_an_answer_that_is_no_whole_one_leaves_the_outcome_unknown(says: bytes, why: str) -> None:
    with answering(says) as (url, _), pytest.raises(AuthorityOutcomeUnknown, match=why):
        post(url, "text/plain", b"", 10)


@pytest.mark.parametrize(
    "says",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 404 No\r\nContent-Type: Text/Plain; charset=x\r\nContent-Length: 3\r\n\r\nyes!",
        b"HTTP/1.0 404 No\r\ncontent-type: text/plain\r\n\r\nyes",
        b"HTTP/1.1 404 No\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nye\r\n1;a=b\r\ns\r\n0\r\n\r\n",
    ],
)
def test_an_answer_is_its_status_its_media_type_and_its_body(says: bytes) -> None:
    with answering(says) as (url, asked):
        assert post(f"{url}/a b/町?c=%20&d", "application/x", b"body", 10) == (404, "text/plain", b"yes")
    head, body = asked
    target, *headers = head.split(b"\r\n")
    assert target == b"POST /a%20b/%E7%94%BA?c=%20&d HTTP/1.1"
    assert {b"Content-Type: application/x", b"Content-Length: 4"} <= set(headers)
    assert body == b"body"


@pytest.mark.parametrize(
    "url",
    [
        "gopher://127.0.0.1",
        "http://127.0.0.1:eighty",
        "http://127.0.0.1:99999",
        "http://a..b",
        f"http://{'a' * 64}.test",
        "http://日本..jp",
        "http://[::1",
        "https://[::1]:1/x",
    ],
)
def test_what_cannot_be_asked_is_unreachable(url: str) -> None:
    with pytest.raises(AuthorityUnreachable):
        post(url, "text/plain", b"", 10)


@pytest.mark.parametrize(
    ("url", "way"),
    [
        ("http://[::1]/cmp", ("::1", 80, False, "[::1]", "/cmp")),
        ("https://[2001:db8::a]", ("2001:db8::a", 443, True, "[2001:db8::a]", "/")),
        ("https://ca.test:8443?x=1#y", ("ca.test", 8443, True, "ca.test:8443", "/?x=1")),
        ("http://例え.test//a", ("xn--r8jz45g.test", 80, False, "xn--r8jz45g.test", "//a")),
    ],
)
def test_a_url_leads_to_a_host_a_port_and_what_is_asked_for(url: str, way: tuple[object, ...]) -> None:
    assert astuple(_way_of(url)) == way


def test_who_answers_before_it_has_everything_is_heard() -> None:
    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1)
            connection.sendall(b"HTTP/1.1 413 Too much\r\nContent-Length: 0\r\n\r\n")
            connection.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        assert post(f"http://127.0.0.1:{port}", "text/plain", bytes(9_000_000), 10)[0] == 413
        thread.join()


def test_one_deadline_is_for_all_addresses_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    tried: list[float | None] = []

    class Silent:
        def settimeout(self, timeout_s: float) -> None:
            tried.append(timeout_s)

        def connect(self, _: object) -> None:
            nonlocal now_s
            now_s += 4
            raise TimeoutError("timed out")

        def close(self) -> None:
            pass

    address = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 9)
    monkeypatch.setattr(socket, "socket", lambda *_: Silent())
    with pytest.raises(AuthorityUnreachable, match="no answer in time"):
        post("http://ca.test", "text/plain", b"", 10, monotonic=lambda: now_s)
    assert tried == [10, 6, 2]


@contextmanager
def answering(says: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server's URL that says this to whoever asks first, and the head and body of what it was asked."""
    asked: list[bytes] = []

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            with connection.makefile("rb") as coming:
                asked.append(b"".join(iter(coming.readline, b"\r\n")))
                asked.append(coming.read(int(asked[0].rpartition(b"Content-Length: ")[2].split()[0])))
            connection.sendall(says)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        thread.join()


@pytest.mark.parametrize(
    "url", ["ftp://authority.test", "authority.test:80", "", "http://", "https://a:hunter2@ca.test"]
)
def test_a_url_that_is_none_is_refused(desk: Desk, url: str) -> None:
    with pytest.raises(UrlRefused):
        AuthorityClient(url, desk.station, (desk.issuer,), clock=desk.clock)


def test_plain_http_is_for_training_and_this_computer(desk: Desk) -> None:
    for_real = desk.authority.profiles.ocsp_responder(desk.issuer.public_key(), 1, START)
    for url in ("https://ca.example", "http://127.0.0.1:1", "http://localhost", "http://[::1]:8"):
        AuthorityClient(url, desk.station, (for_real,), clock=desk.clock)
    with pytest.raises(UrlRefused):
        AuthorityClient("http://ca.example", desk.station, (for_real,), clock=desk.clock)


def test_over_tls_both_sides_show_certificates_of_the_authority(desk: Desk, tmp_path: Path) -> None:
    server_key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = desk.authority.profiles.plain(
        x509.Name([]), server_key.public_key(), [(names, True)], 7, datetime.datetime.now(datetime.UTC)
    )
    (tmp_path / "server.pem").write_bytes(Credential(server_key, server).encode())
    (tmp_path / "ca.pem").write_bytes(desk.issuer.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(tmp_path / "server.pem")
    shown: list[bytes | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert isinstance(self.connection, ssl.SSLSocket)
            shown.append(self.connection.getpeercert(binary_form=True))
            answer = desk.responder.respond(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/pkixcmp")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)

        def answer_twice() -> None:
            listening.handle_request()
            listening.handle_request()

        thread = threading.Thread(target=answer_twice)
        thread.start()
        url = f"https://127.0.0.1:{listening.server_port}"
        client = AuthorityClient(url, desk.station, (desk.issuer,), clock=desk.clock)
        assert client.certify(desk.message().der).serial
        assert shown == [desk.station.certificate.public_bytes(Encoding.DER)]
        stranger_to_it = AuthorityClient(url, desk.station, (desk.clerk.certificate,), clock=desk.clock)
        with pytest.raises(AuthorityUnreachable):
            stranger_to_it.certify(desk.message().der)
        thread.join()


def test_a_url_with_a_path_names_the_cmp_service(desk: Desk) -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(404)

    for url in (URL, f"{URL}/ejbca/cmp/town"):
        client = AuthorityClient(url, desk.station, (desk.issuer,), clock=desk.clock, line=HandlerLine(handle))
        with pytest.raises(AuthorityOutcomeUnknown):
            client.certify(desk.message().der)
    assert seen == ["/.well-known/cmp", "/ejbca/cmp/town"]
