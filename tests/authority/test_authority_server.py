"""The served authority as a process, judged by openssl: enrolment, status, paths, CRLs, kills."""

import base64
import contextlib
import datetime
import hashlib
import os
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from authority_desk import Clock, Desk
from ca_program import PROGRAM, ca
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from kiosk.authority.client import AuthorityClient
from kiosk.authority.verification import ocsp_request
from kiosk.model.certificate import RevocationReason


@dataclass
class Served:
    """A running authority."""

    directory: Path
    url: str
    process: subprocess.Popen[str]

    def openssl(self, work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["openssl", *arguments], cwd=work, capture_output=True, text=True, timeout=30)

    def cmp(self, work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        demo, trusted = str(self.directory / "stations" / "demo.pem"), str(self.directory / "ca.pem")
        server = ["-server", f"{self.url}/.well-known/cmp", "-trusted", trusted, "-cert", demo, "-key", demo]
        return self.openssl(work, "cmp", "-config", "", *server, *arguments)

    def ocsp(self, work: Path, certificate: str, *options: str) -> str:
        issuer = str(self.directory / "ca.pem")
        done = self.openssl(
            work,
            "ocsp",
            "-issuer",
            issuer,
            *options,
            "-cert",
            certificate,
            "-url",
            f"{self.url}/ocsp",
            "-CAfile",
            issuer,
        )
        assert done.returncode == 0 and "Response verify OK" in done.stderr, done.stderr
        return done.stdout

    def desk(self, key: rsa.RSAPrivateKey) -> Desk:
        """A counter that talks to this process over HTTP, by the real clock."""
        clock = Clock(datetime.datetime.now(datetime.UTC))
        desk = Desk(self.directory, key, clock)
        desk.authority.store.close()
        desk.client = AuthorityClient(self.url, desk.station, (desk.issuer,), clock=clock)
        return desk


@contextlib.contextmanager
def serving(directory: Path, *options: str) -> Iterator[Served]:
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--data", str(directory), "--listen", "127.0.0.1:0", "--exit-with-parent", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    try:
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        yield Served(directory, url, process)
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("served") / "authority"
    assert ca("init", "--data", str(directory)).code == 0
    with serving(directory) as running:
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a key and a request."""
    key = ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem"]
    request = ["req", "-new", "-key", "key.pem", "-subj", "/C=JP/CN=from a request", "-out", "request.pem"]
    for arguments in (key, request):
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "subject"),
    [
        (("-cmd", "ir", "-newkey", "key.pem", "-subject", "/C=JP/O=Town/CN=x"), "C=JP,O=Town,CN=x"),
        (("-cmd", "cr", "-newkey", "key.pem", "-subject", "/C=JP/CN=x", "-popo", "0"), "C=JP,CN=x"),
        (("-cmd", "ir", "-newkey", "key.pem", "-subject", "/C=JP/CN=x", "-implicit_confirm"), "C=JP,CN=x"),
        (("-cmd", "p10cr", "-csr", "request.pem"), "C=JP,CN=from a request"),
        (("-cmd", "ir", "-newkey", "key.pem", "-subject", "/CN=x", "-sans", "example.jp"), "CN=x"),
    ],
)
def test_openssl_enrols_and_confirms(served: Served, work: Path, arguments: tuple[str, ...], subject: str) -> None:
    done = served.cmp(work, *arguments, "-certout", "out.pem", "-chainout", "chain.pem")
    assert done.returncode == 0, done.stderr
    certificate = x509.load_pem_x509_certificate((work / "out.pem").read_bytes())
    assert ",".join(reversed(certificate.subject.rfc4514_string().split(","))) == subject
    assert "good" in served.ocsp(work, "out.pem", "-sha256")
    assert "good" in served.ocsp(work, "out.pem")
    trust = str(served.directory / "ca.pem")
    verified = served.openssl(work, "verify", "-x509_strict", "-CAfile", trust, "out.pem")
    assert verified.stdout == "out.pem: OK\n", verified.stderr


def test_openssl_that_does_not_confirm_leaves_the_certificate_on_hold(served: Served, work: Path) -> None:
    enrol = ("-cmd", "ir", "-newkey", "key.pem", "-subject", "/CN=x", "-disable_confirm", "-certout", "out.pem")
    assert served.cmp(work, *enrol).returncode == 0
    said = served.ocsp(work, "out.pem", "-sha256")
    assert "revoked" in said and "certificateHold" in said


def test_openssl_revokes_with_a_reason_once(served: Served, work: Path) -> None:
    served.cmp(work, "-cmd", "ir", "-newkey", "key.pem", "-subject", "/CN=x", "-certout", "out.pem")
    revoke = ("-cmd", "rr", "-oldcert", "out.pem", "-revreason", "4")
    assert served.cmp(work, *revoke).returncode == 0
    assert "superseded" in served.ocsp(work, "out.pem", "-sha256")
    again = served.cmp(work, *revoke)
    assert again.returncode != 0 and "certRevoked" in again.stdout


def test_openssl_may_revoke_its_own_certificate_and_nothing_else(served: Served, work: Path) -> None:
    for name in ("own", "other"):
        served.cmp(work, "-cmd", "ir", "-newkey", "key.pem", "-subject", f"/CN={name}", "-certout", f"{name}.pem")
    signer_options = ("-cert", "own.pem", "-key", "key.pem")
    refused = served.cmp(work, "-cmd", "rr", "-oldcert", "other.pem", *signer_options)
    assert refused.returncode != 0 and "notAuthorized" in refused.stdout
    assert served.cmp(work, "-cmd", "rr", "-oldcert", "own.pem", *signer_options).returncode == 0
    enrol = ("-cmd", "cr", "-newkey", "key.pem", "-subject", "/CN=y", "-certout", "new.pem", *signer_options)
    assert "signerNotTrusted" in served.cmp(work, *enrol).stdout


def test_a_residents_certificate_stands_before_openssl(
    served: Served, tmp_path: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    desk = served.desk(keys[0])
    pending = desk.confirmed()
    (tmp_path / "resident.pem").write_bytes(
        x509.load_der_x509_certificate(pending.certificate).public_bytes(Encoding.PEM)
    )
    trust = str(served.directory / "ca.pem")
    policy = ("-policy_check", "-explicit_policy", "-policy", "1.2.392.200149.8.5.1.0.20")
    verified = served.openssl(tmp_path, "verify", "-x509_strict", *policy, "-CAfile", trust, "resident.pem")
    assert verified.stdout == "resident.pem: OK\n", verified.stderr
    for name in ("full", "13221"):
        with urllib.request.urlopen(f"{served.url}/crl/{name}.crl", timeout=10) as answer:
            assert answer.headers["Content-Type"] == "application/pkix-crl"
            crl = x509.load_der_x509_crl(answer.read())
        (tmp_path / "list.pem").write_bytes(crl.public_bytes(Encoding.PEM))
        listed = served.openssl(tmp_path, "crl", "-in", "list.pem", "-CAfile", trust, "-noout", "-verify")
        assert "verify OK" in listed.stderr
        check = ("-crl_check", "-CRLfile", "list.pem")
        assert served.openssl(tmp_path, "verify", *check, "-CAfile", trust, "resident.pem").returncode == 0
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.KEY_COMPROMISE).der)
    for name in ("full", "13221"):
        with urllib.request.urlopen(f"{served.url}/crl/{name}.crl", timeout=10) as answer:
            crl = x509.load_der_x509_crl(answer.read())
        (tmp_path / "list.pem").write_bytes(crl.public_bytes(Encoding.PEM))
        verified = served.openssl(tmp_path, "verify", *check, "-CAfile", trust, "resident.pem")
        assert "certificate revoked" in verified.stderr, name


def test_a_revocation_by_hand_is_seen_at_once(served: Served, work: Path) -> None:
    served.cmp(work, "-cmd", "ir", "-newkey", "key.pem", "-subject", "/CN=x", "-certout", "out.pem")
    serial = f"{x509.load_pem_x509_certificate((work / 'out.pem').read_bytes()).serial_number:x}"
    data = ("--data", str(served.directory))
    assert ca("status", serial, *data).out == "good\n"
    assert ca("revoke", serial, "--reason", "affiliationChanged", *data).code == 0
    assert "affiliationChanged" in served.ocsp(work, "out.pem")
    assert ca("status", serial, *data).out.startswith("revoked affiliationChanged 20")
    assert ca("revoke", serial, *data).code == 1
    assert ca("status", "4711", *data).out == "unknown\n"
    assert ca("revoke", "4711", *data).code == 1


def test_a_new_station_may_ask(served: Served, work: Path) -> None:
    made = ca("station", "terminal-7", "--data", str(served.directory))
    station = made.out.strip()
    assert Path(station).stat().st_mode & 0o777 == 0o600
    enrol = ("-cmd", "ir", "-newkey", "key.pem", "-subject", "/CN=x", "-certout", "out.pem")
    done = served.cmp(work, *enrol, "-cert", station, "-key", station)
    assert done.returncode == 0, done.stderr
    assert ca("station", "terminal-7", "--data", str(served.directory)).code == 78
    assert ca("station", "../x", "--data", str(served.directory)).code == 78


def test_ocsp_by_get_is_answered_and_says_what_may_be_kept(
    served: Served, work: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    enrol = ("-cmd", "ir", "-newkey", "key.pem", "-subject", "/CN=x", "-certout", "out.pem")
    issuer = x509.load_pem_x509_certificate((served.directory / "ca.pem").read_bytes())
    for options, caching in (((), "no-cache"), (("-disable_confirm",), "no-store")):
        served.cmp(work, *enrol, *options)
        certificate = x509.load_pem_x509_certificate((work / "out.pem").read_bytes())
        query = base64.b64encode(ocsp_request(certificate, issuer, b"0123456789abcdef")).decode()
        with urllib.request.urlopen(f"{served.url}/ocsp/{urllib.parse.quote(query, safe='')}", timeout=10) as answer:
            assert answer.headers["Cache-Control"] == caching
            assert ocsp.load_der_ocsp_response(answer.read()).serial_number == certificate.serial_number


OPERATIONS = (
    "initialization", "certification", "keyupdate", "pkcs10", "revocation", "getcacerts", "getrootupdate",
    "getcertreqtemplate", "getcrls", "nested",
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "content_type", "status"),
    [
        ("/.well-known/cmp", "text/plain", 415),
        ("/ocsp", "application/pkixcmp", 415),
        *((path, "application/pkixcmp", 200) for path in ("/pkix/", "/.well-known/cmp", "/.well-known/cmp/")),
        ("/.well-known/cmp/initialization/", "application/pkixcmp", 200),
        ("/.well-known/cmp/p/signature/", "application/pkixcmp", 200),
        # RFC 9811, 3.4 and RFC 9483, 6.1: the registered operations, alone and behind a name of a CA or a profile.
        *((f"/.well-known/cmp/{operation}", "application/pkixcmp", 200) for operation in OPERATIONS),
        ("/.well-known/cmp/p/signature", "application/pkixcmp", 200),
        *((f"/.well-known/cmp/p/signature/{operation}", "application/pkixcmp", 200) for operation in OPERATIONS),
        ("/.well-known/cmp/initialization", "application/PKIXCMP; charset=x", 200),
        ("/nowhere", "application/pkixcmp", 404),
        # Whoever has mistyped an operation is told so, and not that his message is wrong.
        ("/.well-known/cmp/initialisation", "application/pkixcmp", 404),
        ("/.well-known/cmp/p", "application/pkixcmp", 404),
        ("/.well-known/cmp/p/signature/ir", "application/pkixcmp", 404),
    ],
)
def test_http_says_what_is_spoken_where(served: Served, path: str, content_type: str, status: int) -> None:
    request = urllib.request.Request(served.url + path, b"garbage", {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert (answer.status, answer.headers["Content-Type"]) == (status, content_type.partition(";")[0].lower())
    except urllib.error.HTTPError as error:
        assert error.code == status


def test_too_large_a_request_is_refused(served: Served) -> None:
    request = urllib.request.Request(f"{served.url}/pkix/", bytes(300_000), {"Content-Type": "application/pkixcmp"})
    with pytest.raises((urllib.error.HTTPError, ConnectionError)):
        urllib.request.urlopen(request, timeout=10)


def test_the_authoritys_certificate_is_served(served: Served) -> None:
    with urllib.request.urlopen(f"{served.url}/ca.pem", timeout=10) as answer:
        assert answer.read() == (served.directory / "ca.pem").read_bytes()


def test_a_kill_between_commit_and_answer_loses_nothing(
    juki: Path, tmp_path: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    directory = tmp_path / "authority"
    assert ca("init", "--data", str(directory)).code == 0
    with serving(directory) as first:
        desk = first.desk(keys[0])
        message = desk.message()
        host, _, port = first.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            head = f"POST /pkix/ HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/pkixcmp\r\n"
            connection.sendall(f"{head}Content-Length: {len(message.der)}\r\n\r\n".encode() + message.der)
            serial = await_issued(directory)
            first.process.send_signal(signal.SIGKILL)
            first.process.wait(10)
    with serving(directory) as second:
        client = AuthorityClient(second.url, desk.station, (desk.issuer,), clock=desk.clock)
        pending = client.certify(message.der)
        assert pending.serial == serial
        assert client.certify(message.der) == pending
        client.confirm(client.confirm_message(pending).der)
    with sqlite3.connect(directory / "store.db") as books:
        count = books.execute("SELECT COUNT(*) FROM certificate WHERE profile = 'signature'").fetchone()
    assert count == (1,)


def await_issued(directory: Path) -> str:
    """The serial number of the resident's certificate as soon as it is in the books."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with sqlite3.connect(f"file:{directory}/store.db?mode=ro", uri=True, timeout=10) as books:
            row = books.execute("SELECT serial FROM certificate WHERE profile = 'signature'").fetchone()
        if row:
            return str(row[0])
    raise AssertionError("nothing was issued")


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_sigterm_ends_it_cleanly(juki: Path, options: tuple[str, ...]) -> None:
    with serving(juki, *options) as running:
        with urllib.request.urlopen(f"{running.url}/ca.pem", timeout=10) as answer:
            assert answer.status == 200
        running.process.terminate()
        assert running.process.wait(10) == 0


def test_it_ends_with_its_parent(juki: Path) -> None:
    with serving(juki, "--workers", "2") as running:
        assert running.process.stdin
        running.process.stdin.close()
        assert running.process.wait(10) == 0
        host, _, port = running.url.removeprefix("http://").partition(":")
        with pytest.raises(OSError):
            socket.create_connection((host, int(port)), timeout=1)


def test_workers_die_with_a_killed_server(juki: Path) -> None:
    with serving(juki, "--workers", "2") as running:
        host, _, port = running.url.removeprefix("http://").partition(":")
        running.process.kill()
        running.process.wait(10)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError:
                return
        raise AssertionError("somebody still listens")


def test_a_killed_worker_is_replaced_and_the_server_goes_on(juki: Path) -> None:
    with serving(juki, "--workers", "2") as running:
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
        before = set(children.read_text().split())
        os.kill(int(min(before)), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while len(before & set(now := children.read_text().split())) != 1 or len(now) != 2:
            assert time.monotonic() < deadline, "nobody takes its place"
        with urllib.request.urlopen(f"{running.url}/ca.pem", timeout=10) as answer:
            assert answer.status == 200


def test_an_address_that_is_taken_is_an_error(served: Served, juki: Path) -> None:
    done = ca("serve", "--data", str(juki), "--listen", served.url.removeprefix("http://"))
    assert done.code == 78 and "cannot listen" in done.err and not done.out


def test_init_overwrites_nothing(juki: Path, tmp_path: Path) -> None:
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in juki.rglob("*") if path.is_file()}
    done = ca("init", "--data", str(juki))
    assert done.code == 78 and "overwritten" in done.err
    assert before == {path: hashlib.sha256(path.read_bytes()).digest() for path in juki.rglob("*") if path.is_file()}


def test_init_needs_a_policy_that_is_there(tmp_path: Path) -> None:
    done = ca("init", "--data", str(tmp_path), "--policy", "nowhere-1999")
    assert done.code == 78 and "nowhere-1999" in done.err
    assert not list(tmp_path.iterdir())


def test_an_authority_is_found_in_a_kiosks_data_directory(tmp_path: Path) -> None:
    assert ca("init", "--data", str(tmp_path / "authority")).code == 0
    (tmp_path / "kiosk.db").touch()
    assert ca("status", "1", "--data", str(tmp_path)).out == "unknown\n"
    missing = ca("status", "1", "--data", str(tmp_path / "elsewhere"))
    assert missing.code == 78 and "no authority here" in missing.err


def test_secrets_are_the_owners_only(juki: Path) -> None:
    secret = [juki / name for name in ("ca.key", "ocsp.pem", "card.key", "person.key", "store.db")]
    secret += [juki / "stations" / "demo.pem", juki / "clerks" / "demo.pem"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in secret)
    assert os.access(juki / "ca.pem", os.R_OK)
